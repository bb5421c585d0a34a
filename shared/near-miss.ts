/**
 * What almost qualified, and which guard refused it in which words: the entries of the stream
 * `arb:near-misses`. One is an episode, not a tick; of a chain that is refused again and again for
 * the same reason most episodes are only counted.
 */
import { z } from 'zod'
import { DecimalString } from './decimal.ts'
import { EventId } from './event.ts'
import { OpportunityType, Timestamp } from './opportunity.ts'

/** Names of the guards (DETECTION: "why NOT"). Each has a counter. */
export const GUARDS = [
  'stale',
  'skew',
  'backlog',
  'quarantine',
  'crossed',
  'halted',
  'identity',
  'leveraged',
  'implausible',
  'fee_unknown',
  'below_minimum',
] as const
export type Guard = (typeof GUARDS)[number]

/**
 * A chain that a guard holds back, told once an episode: when a guard first objects to it, or another
 * than before; also one that pays at the top of the books, but less than the minimum.
 */
const Refused = z.object({
  /** type, exchanges, markets and direction, as for an opportunity */
  key: z.string(),
  type: OpportunityType,
  symbol: z.string(),
  buy_exchange: z.string(),
  sell_exchange: z.string(),
  guard: z.enum(GUARDS),
  /** in plain words, with the figures */
  why: z.string(),
  /** at the top of the books, before fees; null: a side is empty */
  gross_percent: DecimalString.nullable(),
  /** at the top of the books, after the fees that are known */
  net_percent: DecimalString.nullable(),
  /** what the best levels take; null: no live book says what it is worth */
  volume_usd: DecimalString.nullable(),
  legs: z
    .array(
      z.object({
        exchange: z.string(),
        market: z.string(),
        /** canonical BASE/QUOTE */
        symbol: z.string(),
        side: z.enum(['buy', 'sell']),
        /** of the best level that the leg would take; null: there is none */
        price: DecimalString.nullable(),
        size: DecimalString.nullable(),
        /** null: not known */
        fee_percent: DecimalString.nullable(),
        /** null: never confirmed */
        book_age_ms: z.int().min(0).nullable(),
      }),
    )
    .readonly(),
})
export type Refused = z.infer<typeof Refused>

export const NearMiss = Refused.extend({
  /** the stream's */
  id: EventId,
  observed_at: Timestamp,
  simulated: z.boolean(),
  /** episodes of this chain and guard since its entry before, which were not kept */
  repeated: z.int().min(0),
})
export type NearMiss = z.infer<typeof NearMiss>

/** From a stream entry, whose one field `data` is JSON. @throws when the entry is no near-miss. */
export function nearMissFromStream(id: string, fields: Record<string, string>): NearMiss {
  return NearMiss.parse({ ...JSON.parse(fields.data ?? 'null'), id })
}
