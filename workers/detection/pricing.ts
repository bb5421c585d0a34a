/**
 * What one chain is worth right now: refused by a guard, or a candidate with its evidence. The walk
 * comes first, the exact proof only where the walk found enough.
 */
import { add, type Decimal, decimal, divide, HUNDRED, ONE } from '../../shared/decimal.ts'
import type { Candidate } from './candidate.ts'
import type { ChainLeg } from './chain.ts'
import { candidateOf } from './evidence.ts'
import {
  belowMinimum,
  type GuardContext,
  objection,
  type Refusal,
  type SizeLimits,
  sizeObjection,
} from './guards.ts'
import { type Settled, settle } from './settle.ts'
import type { Slot } from './slot.ts'
import type { Transfers } from './transfers.ts'
import { walk } from './walk.ts'

/** The threshold as the fast walk and the exact check need it. */
export interface Bound {
  readonly rate: number
  readonly exact_rate: Decimal
}

/** 1 + percent / 100, as a float for the walk and exactly for the proof. */
export function boundOf(percent: number): Bound {
  const exact = add(ONE, divide(decimal(percent.toFixed(8)), HUNDRED, 12))
  return { rate: 1 + percent / 100, exact_rate: exact }
}

export interface PricedChain {
  readonly slot: Slot
  readonly key: string
  readonly legs: readonly ChainLeg[]
  /** what the chain begins with */
  readonly coin: string
  /** a candidate is made even when there is nothing new to tell */
  readonly tells: boolean
}

export interface PricingContext {
  readonly guards: GuardContext
  readonly limits: SizeLimits
  /** US dollars for one coin, or null when no live book says */
  readonly usd: (coin: string) => number | null
  readonly is_simulated: (exchange: string) => boolean
  readonly transfers: Transfers
}

/** The size as walked: as long as it is the same to the bit, there is nothing new to tell. */
export interface Priced {
  readonly candidate: Candidate | null
  readonly walked_in: number
  readonly walked_out: number
  /** what it was proven for: one more modest may let more pass */
  readonly bound: Bound
  readonly settled: Settled
}

/** The exact volume is never more than what was walked, but for the rounding of one Float64. */
const VOLUME_SLACK = 1 + 1e-9

/** `before`: what the same legs were priced at; what has not changed is not proven again. */
export function price(
  { slot, key, legs, coin, tells }: PricedChain,
  bound: Bound,
  context: PricingContext,
  before: Priced | null,
): Priced | Refusal {
  const { guards, limits, usd, is_simulated, transfers } = context
  const refusal = objection(legs, guards)
  if (refusal !== null) return refusal
  const usd_rate = usd(coin)
  if (usd_rate === null) return belowMinimum(`no live book says what ${coin} is worth`)
  const { amount_in, amount_out, depth_exhausted } = walk(legs, bound.rate)
  const is_same =
    before?.bound === bound &&
    before.walked_in === amount_in &&
    before.walked_out === amount_out &&
    before.settled.legs.every(({ leg }, i) => leg === legs[i])
  const same = is_same ? before : null
  if (same !== null && !tells) return { ...same, candidate: null }
  if (amount_in * usd_rate * VOLUME_SLACK < limits.min_volume_usd) {
    const worth = (amount_in * usd_rate).toFixed(2)
    return belowMinimum(`worth ${worth} US dollars, minimum ${limits.min_volume_usd}`)
  }
  const settled = same?.settled ?? settle(legs, amount_in, bound.exact_rate)
  if (settled === 'too_small') return belowMinimum('the size is below an exchange minimum')
  if (settled === 'too_thin') return belowMinimum('rounded to lots it pays too little')
  const candidate = candidateOf(settled, {
    key,
    type: slot.type,
    sell_leg: slot.sell_leg,
    depth_exhausted,
    simulated: legs.some(({ entry }) => is_simulated(entry.market.exchange)),
    usd_rate,
    now_ms: guards.now_ms,
    moves: transfers.label(legs),
  })
  const objected = sizeObjection(candidate, limits)
  if (objected !== null) return objected
  return { candidate, walked_in: amount_in, walked_out: amount_out, bound, settled }
}
