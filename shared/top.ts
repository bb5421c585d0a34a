/** The best bid and ask of a watched market: one field of the hash `arb:top`, as JSON. */
import { z } from 'zod'
import { DecimalString } from './decimal.ts'
import { Timestamp } from './opportunity.ts'

const Quote = z.object({ price: DecimalString, size: DecimalString })

export const TopOfBook = z.object({
  exchange: z.string(),
  /** canonical BASE/QUOTE */
  symbol: z.string(),
  /** the exchange's own name of the market */
  market: z.string(),
  /** only a live book prices anything: complete, verified and confirmed */
  state: z.enum(['cold', 'syncing', 'live', 'stale', 'halted']),
  /** null: the book is not live, or nobody quotes on this side */
  bid: Quote.nullable(),
  ask: Quote.nullable(),
  /**
   * When the frame arrived that brought the book where it stands; null before the first. A live
   * book that is quiet keeps its old time: that it is live says that it was confirmed since.
   */
  updated_at: Timestamp.nullable(),
})
export type TopOfBook = z.infer<typeof TopOfBook>

/** The field's name in the hash. */
export function topField(exchange: string, symbol: string): string {
  return `${exchange}|${symbol}`
}
