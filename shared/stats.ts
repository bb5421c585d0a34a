/** Sums over past opportunities: what `/v1/stats` answers with. */
import { z } from 'zod'
import { DecimalString } from './decimal.ts'
import { OpportunityType, Timestamp } from './opportunity.ts'

const Figures = z.object({
  /** opportunities that have ended */
  count: z.int(),
  /** half of them lived no longer */
  median_duration_ms: z.int(),
  /** half of them made no more, net of fees, at their end */
  median_profit_percent: DecimalString,
  /** the best moment of the best one, net of fees */
  peak_profit_percent: DecimalString,
  median_volume_usd: DecimalString,
  /** how much of it a taker who came so much later would still have had */
  markouts: z.array(
    z.object({
      after_ms: z.int(),
      /** opportunities of which this is known */
      known: z.int(),
      /** those that would still have paid, as a share of the known; null: of none is it known */
      profitable_share: DecimalString.nullable(),
      median_profit_percent: DecimalString.nullable(),
    }),
  ),
})

/** One group; what it was not grouped by is null. */
export const StatsRow = z.object({
  symbol: z.string().nullable(),
  buy_exchange: z.string().nullable(),
  sell_exchange: z.string().nullable(),
  type: OpportunityType.nullable(),
  /** beginning of the hour */
  hour: Timestamp.nullable(),
  ...Figures.shape,
})
export type StatsRow = z.infer<typeof StatsRow>

export const StatsAnswer = z.object({
  /** detected at or after this moment, and before `to` */
  from: Timestamp,
  to: Timestamp,
  /** the greatest groups; with `hour` the newest first */
  data: z.array(StatsRow),
  /** over everything in the range; null when there is nothing */
  total: Figures.nullable(),
})
export type StatsAnswer = z.infer<typeof StatsAnswer>
