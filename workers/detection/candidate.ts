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

export { GUARDS, type Guard, type Refused as NearMiss } from '../../shared/near-miss.ts'

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

/** The detector's answer for one key that it looked at. */
export type Verdict =
  | { readonly kind: 'open'; readonly candidate: Candidate }
  /** an open opportunity of this key, if there is one, ends for this reason */
  | {
      readonly kind: 'closed'
      readonly key: string
      readonly reason: Exclude<ExpiryReason, 'shutdown'>
    }
