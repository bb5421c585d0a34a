/**
 * What an opportunity is, as JSON: the same object in Redis, Postgres, REST, SSE and webhooks.
 * The evidence is complete: from `legs[].fills` and `legs[].fee_percent` alone anybody can recompute
 * every amount and `profit_percent` exactly (shared/evidence.ts does just that).
 */
import { z } from 'zod'
import { DecimalString } from './decimal.ts'

export const Timestamp = z.iso.datetime({ precision: 3 })

export const OPPORTUNITY_TYPES = ['cross_exchange', 'triangular', 'multi_leg'] as const
export const OpportunityType = z.enum(OPPORTUNITY_TYPES)
export type OpportunityType = z.infer<typeof OpportunityType>

export const TransferStatus = z.enum(['open', 'closed', 'unknown'])
export type TransferStatus = z.infer<typeof TransferStatus>

const EXPIRY_REASONS = ['closed', 'stale', 'halted', 'gap', 'disconnected', 'shutdown'] as const
export const ExpiryReason = z.enum(EXPIRY_REASONS)
export type ExpiryReason = z.infer<typeof ExpiryReason>

/** One way of moving an asset from an exchange to another. */
const TransferNetwork = z.object({
  network: z.string(),
  /** in the asset; null where the exchange does not publish it */
  withdrawal_fee: DecimalString.nullable(),
})
export type TransferNetwork = z.infer<typeof TransferNetwork>

/** One trade of a chain. `fills` are the levels it takes: [price, base size], best first. */
export const Leg = z.object({
  exchange: z.string(),
  /** canonical BASE/QUOTE */
  symbol: z.string(),
  /** the exchange's own name of the market */
  market: z.string(),
  side: z.enum(['buy', 'sell']),
  /** what is given: quote for a buy, base for a sell */
  amount_in: DecimalString,
  /** what is received after the fee, which is taken from the received asset */
  amount_out: DecimalString,
  /** base quantity of the order, a multiple of the market's lot step */
  order_size: DecimalString,
  average_price: DecimalString,
  worst_price: DecimalString,
  /** number of levels taken */
  levels: z.int().min(1),
  fills: z.array(z.tuple([DecimalString, DecimalString])),
  /** coins in one unit of the market's base or quote (1000SATS: 1000); absent where it is one */
  base_units: DecimalString.optional(),
  quote_units: DecimalString.optional(),
  fee_percent: DecimalString,
  fee_source: z.enum(['schedule', 'account']),
  book_age_ms: z.int().min(0),
  exchange_time: Timestamp.nullable(),
  sequence: z.string().nullable(),
  /**
   * over which what this leg receives can be moved to the exchange of the next leg, cheapest first;
   * absent when nothing has to be moved, or when no way is known to be open
   */
  transfer_networks: z.array(TransferNetwork).optional(),
})
export type Leg = z.infer<typeof Leg>

/** When the books are looked at again, counted from the detection. */
export const MARKOUTS_AFTER_MS = [50, 100, 250, 500, 1_000] as const

/** What a taker of the same size would have made who arrived so much later. */
export const Markout = z.object({
  after_ms: z.int().min(0),
  /** net of taker fees; null: not known, because a book was not live or nobody could look in time */
  profit_percent: DecimalString.nullable(),
})
export type Markout = z.infer<typeof Markout>

export const Opportunity = z.object({
  id: z.string().regex(/^opp_/),
  type: OpportunityType,
  status: z.enum(['detected', 'expired']),
  symbol: z.string(),
  buy_exchange: z.string(),
  sell_exchange: z.string(),
  buy_price: DecimalString,
  sell_price: DecimalString,
  /** before fees, over the same size */
  gross_percent: DecimalString,
  /** net of taker fees, for exactly `base_size` */
  profit_percent: DecimalString,
  profit_usd: DecimalString,
  /** the chain's input in US dollars */
  volume_usd: DecimalString,
  base_size: DecimalString,
  depth_exhausted: z.boolean(),
  transfer: TransferStatus,
  skew_ms: z.int().min(0),
  simulated: z.boolean(),
  legs: z.array(Leg).min(2),
  detected_at: Timestamp,
  updated_at: Timestamp,
  expired_at: Timestamp.nullable(),
  duration_ms: z.int().min(0).nullable(),
  expiry_reason: ExpiryReason.nullable(),
  peak_profit_percent: DecimalString,
  /** those known so far, in the order of MARKOUTS_AFTER_MS */
  markouts: z.array(Markout),
})
export type Opportunity = z.infer<typeof Opportunity>

/** True when the last markout is known: of an expired opportunity nothing changes any more. */
export function isMeasured({ markouts }: Pick<Opportunity, 'markouts'>): boolean {
  return markouts.length >= MARKOUTS_AFTER_MS.length
}
