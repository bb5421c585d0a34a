/**
 * What the detector hands to the life cycle: a chain that could be taken right now, with its
 * evidence, or the news that a key it watches no longer qualifies and why.
 */
import type {
  ExpiryReason,
  Leg,
  OpportunityType,
  TransferStatus,
} from '../../shared/opportunity.ts'

/** A qualifying chain at one instant. Amounts are exact decimal strings (shared/evidence.ts). */
export interface Candidate {
  /** type, exchanges, markets and direction: the same gap has the same key for all its life */
  readonly key: string
  readonly type: OpportunityType
  readonly symbol: string
  readonly buy_exchange: string
  readonly sell_exchange: string
  readonly buy_price: string
  readonly sell_price: string
  readonly gross_percent: string
  readonly profit_percent: string
  readonly profit_usd: string
  readonly volume_usd: string
  readonly base_size: string
  readonly depth_exhausted: boolean
  readonly transfer: TransferStatus
  readonly skew_ms: number
  readonly simulated: boolean
  readonly legs: Leg[]
}

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
export interface NearMiss {
  readonly key: string
  readonly type: OpportunityType
  readonly symbol: string
  readonly buy_exchange: string
  readonly sell_exchange: string
  readonly guard: Guard
  /** plain words with the figures */
  readonly why: string
  /** at the top of the books, before fees; null where a side is empty */
  readonly gross_percent: string | null
  /** at the top of the books, after the fees that are known */
  readonly net_percent: string | null
  /** what the best levels take, in US dollars; null where no live book says */
  readonly volume_usd: string | null
  readonly legs: readonly {
    readonly exchange: string
    readonly market: string
    readonly symbol: string
    readonly side: 'buy' | 'sell'
    readonly price: string | null
    readonly size: string | null
    readonly fee_percent: string | null
    /** null: never confirmed */
    readonly book_age_ms: number | null
  }[]
}

/** The detector's answer for one key that it looked at. */
export type Verdict =
  | { readonly kind: 'open'; readonly candidate: Candidate }
  /** an open opportunity of this key, if there is one, ends for this reason */
  | {
      readonly kind: 'closed'
      readonly key: string
      readonly reason: Exclude<ExpiryReason, 'shutdown'>
    }
