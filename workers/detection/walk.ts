/**
 * How much of a chain may be taken: the one walk down the books that serves every type of
 * opportunity. Float64 and allocation-free but for its result; settle.ts makes the exact figures.
 * It knows nothing of lots, minimums or freshness.
 */
import { type ChainLeg, MAX_LEGS, topRateOf } from './chain.ts'

export interface Walk {
  /** coins of the asset the chain begins and ends with; 0 when nothing qualifies */
  readonly amount_in: number
  readonly amount_out: number
  /** a side ran out while more would still have paid */
  readonly depth_exhausted: boolean
}

/**
 * A chain that meets the bound exactly may come out below it by the rounding of a few Float64
 * operations. The walk lets it through; the exact proof decides (settle.ts).
 */
export const BELOW = 1 - 2e-14

const rank = new Int32Array(MAX_LEGS)
/** what the level still takes, in coins of the leg's own input asset */
const left = new Float64Array(MAX_LEGS)
/** coins received for one coin of input at this level, after the fee */
const rate = new Float64Array(MAX_LEGS)

/**
 * All legs stand at their best level; the bottleneck level fixes the step; take it; advance what is
 * exhausted; go on while the marginal rate is above 1 and the average stays at or above `min_rate`
 * (1 + minimum net percent / 100). The last step is cut so that the average is exactly at the bound.
 * The marginal rate never rises along the walk, so this is the size of largest absolute profit that
 * respects the bound.
 */
export function walk(legs: readonly ChainLeg[], min_rate: number): Walk {
  const least = min_rate * BELOW
  let amount_in = 0
  let amount_out = 0
  for (let i = 0; i < legs.length; i++) {
    rank[i] = 0
    if (!load(legs, i)) return { amount_in: 0, amount_out: 0, depth_exhausted: true }
  }
  for (;;) {
    const { step, marginal } = bottleneck(legs.length)
    if (marginal <= 1) break
    if (amount_out + marginal * step < least * (amount_in + step)) {
      const cut = (amount_out - least * amount_in) / (least - marginal)
      if (cut > 0) {
        amount_in += cut
        amount_out += marginal * cut
      }
      break
    }
    amount_in += step
    amount_out += marginal * step
    if (!consume(legs, step)) return { amount_in, amount_out, depth_exhausted: true }
  }
  return { amount_in, amount_out, depth_exhausted: false }
}

/** Net rate of the chain at the best levels; NaN when a side is empty. */
export function topRate(legs: readonly ChainLeg[]): number {
  let product = 1
  for (const leg of legs) product *= topRateOf(leg)
  return product
}

function load(legs: readonly ChainLeg[], i: number): boolean {
  const { entry, side, keep, base_units, quote_units } = legs[i] as ChainLeg
  const levels = side === 'buy' ? entry.book.asks : entry.book.bids
  const at = rank[i] as number
  if (at >= levels.length) return false
  const [price, size] = [levels.price(at), levels.size(at)]
  if (side === 'buy') {
    left[i] = price * size * quote_units
    rate[i] = (keep / price) * (base_units / quote_units)
  } else {
    left[i] = size * base_units
    rate[i] = price * keep * (quote_units / base_units)
  }
  return true
}

const found = { step: 0, marginal: 0 }

/** The largest step, in chain input, that every leg's level takes, and the rate it earns. */
function bottleneck(count: number): { readonly step: number; readonly marginal: number } {
  found.step = Number.POSITIVE_INFINITY
  found.marginal = 1
  for (let i = 0; i < count; i++) {
    const capacity = (left[i] as number) / found.marginal
    if (capacity < found.step) found.step = capacity
    found.marginal *= rate[i] as number
  }
  return found
}

/** Takes the step from every level and advances those it exhausts; false when a side ran out. */
function consume(legs: readonly ChainLeg[], step: number): boolean {
  let amount = step
  for (let i = 0; i < legs.length; i++) {
    const before = left[i] as number
    const received = amount * (rate[i] as number)
    const remaining = before - amount
    // A remainder below the rounding of one Float64 operation is the level's end.
    if (remaining <= before * 1e-13) {
      rank[i] = (rank[i] as number) + 1
      if (!load(legs, i)) return false
    } else {
      left[i] = remaining
    }
    amount = received
  }
  return true
}
