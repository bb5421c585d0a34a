/**
 * What a market's book looks like at rest: how many levels, how far apart, how much on each. Levels
 * stand denser near the top, sizes grow away from it. Shares are of the price, so the same shape
 * serves a coin of 60,000 dollars and one of a thousandth of a cent.
 */
import type { Listing } from './listings.ts'
import type { Random } from './random.ts'

const TOP_NOTIONAL_USD = 20_000
/** No top level is thinner on average, so that a gap can be traded for more than a few dollars. */
const MIN_TOP_NOTIONAL_USD = 4_000
const SIZE_DEVIATION = 0.5
/** Sizes double and gaps grow by one base gap each so many ranks. */
const SIZE_GROWTH_RANKS = 20
const GAP_GROWTH_RANKS = 30
/** From the best to the worst level of a side, as a share of the price. */
const SPAN_MAJOR = 0.012
const SPAN_MINOR = 0.03
const MOST_LEVELS = 160
const FEWEST_LEVELS = 75

export interface Shape {
  /** levels of a side: the number at rest, and what it may not leave */
  readonly levels: number
  readonly min_levels: number
  readonly max_levels: number
  /** from the middle to the best price, as a share of the price */
  readonly half_spread: number
  /** ticks between the levels of ranks `rank` and `rank + 1` at rest; at least 1 */
  gap(rank: number): number
  /** a size in lots for a level of this rank; at least 1 */
  drawSize(rank: number, random: Random): number
  /** the same for an order away from its market, which nobody backs with more than pocket money */
  drawThinSize(random: Random): number
}

export function shapeOf(listing: Listing): Shape {
  const popularity = 1 / (1 + listing.rank * 0.25)
  const levels = Math.round(FEWEST_LEVELS + (MOST_LEVELS - FEWEST_LEVELS) * popularity)
  const price_ticks = (listing.base_usd / listing.quote_usd) * 10 ** listing.price_decimals
  const span = SPAN_MAJOR + (SPAN_MINOR - SPAN_MAJOR) * (1 - popularity)
  const top_gap = (span * price_ticks) / (levels + levels ** 2 / (2 * GAP_GROWTH_RANKS))
  const lots_per_usd = 10 ** listing.size_decimals / listing.base_usd
  const top_notional_usd = Math.max(
    MIN_TOP_NOTIONAL_USD,
    TOP_NOTIONAL_USD * popularity * listing.profile.depth_share * listing.activity,
  )
  const draw = (notional_usd: number, random: Random) =>
    Math.max(1, Math.round(notional_usd * lots_per_usd * lognormal(random)))
  return {
    levels,
    min_levels: Math.round(levels * 0.8),
    max_levels: Math.round(levels * 1.25),
    half_spread: 0.00001 + 0.00012 * (1 - popularity),
    gap: (rank) => Math.max(1, top_gap * (1 + rank / GAP_GROWTH_RANKS)),
    drawSize: (rank, random) => draw(top_notional_usd * (1 + rank / SIZE_GROWTH_RANKS), random),
    drawThinSize: (random) => draw(MIN_TOP_NOTIONAL_USD, random),
  }
}

/** Mean 1, so that the notional stays what the shape says. */
function lognormal(random: Random): number {
  return Math.exp(SIZE_DEVIATION * random.normal() - SIZE_DEVIATION ** 2 / 2)
}
