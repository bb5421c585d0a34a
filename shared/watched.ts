/** A market that is watched, with its rules and what taking costs: a field of `arb:markets`, as JSON. */
import { z } from 'zod'
import { DecimalString } from './decimal.ts'
import { Market } from './market.ts'

export const WatchedMarket = Market.omit({ taker_fee_percent: true, trading: true }).extend({
  /** null: nobody states it, and nothing is published through this market */
  taker_fee: z
    .object({
      /** of the asset received */
      percent: DecimalString,
      /** the list price of the lowest tier, or the account's own rate */
      source: z.enum(['schedule', 'account']),
    })
    .nullable(),
})
export type WatchedMarket = z.infer<typeof WatchedMarket>
