/**
 * When and where the markets between quotes tear: now and then a stablecoin's cross or a pair such as
 * ETH/BTC leaves its fair price on one exchange for 20 ms to 3 s. By how much is spread from just not
 * enough to far more than enough for the cheapest chain through it. It decides; the market moves.
 */
import type { Move, Schedule } from './displacement.ts'
import { type Listing, MONEY_USD } from './listings.ts'
import type { Direction } from './market.ts'
import type { Random } from './random.ts'

const FIRST_EARLIEST_MS = 1_500
const FIRST_LATEST_MS = 4_000
const MEAN_PAUSE_MS = 6_000
const SHORTEST_MS = 20
const LONGEST_MS = 3_000
/** Net profit of the cheapest chain at the best prices, as a share: from below any threshold on. */
const LEAST_PROFIT = 0.002
const MOST_PROFIT = 0.02

interface Running {
  readonly market: number
  readonly until_ms: number
}

/** `frequency`: multiple of the usual number of tears. */
export function crossDisplacementSchedule(
  listings: readonly Listing[],
  random: Random,
  frequency: number,
): Schedule {
  const candidates = [...listings.keys()].filter((market) => isBetweenQuotes(listings, market))
  let running: Running[] = []
  let next_ms = random.between(FIRST_EARLIEST_MS, FIRST_LATEST_MS) / frequency

  return (time_ms) => {
    const moves: Move[] = []
    for (const { market, until_ms } of running) {
      if (until_ms <= time_ms) moves.push({ market, displacement: undefined })
    }
    running = running.filter(({ until_ms }) => until_ms > time_ms)
    if (time_ms < next_ms) return moves
    next_ms = time_ms + random.exponential(MEAN_PAUSE_MS / frequency)
    const market = candidates[random.integer(candidates.length)]
    const is_busy = [...running, ...moves].some((one) => one.market === market)
    if (market === undefined || is_busy) return moves
    const direction: Direction = random.chance(0.5) ? 'up' : 'down'
    const tear = cost(listings, market) + random.between(LEAST_PROFIT, MOST_PROFIT)
    const factor = direction === 'up' ? 1 + tear : 1 / (1 + tear)
    running.push({ market, until_ms: time_ms + drawDuration(random) })
    moves.push({ market, displacement: { direction, factor } })
    return moves
  }
}

function isBetweenQuotes(listings: readonly Listing[], market: number): boolean {
  const { base, quote } = at(listings, market)
  return base in MONEY_USD || !(quote in MONEY_USD)
}

/** Fees of a chain through this market and the cheapest two that lead back, as a share. */
function cost(listings: readonly Listing[], market: number): number {
  const own = at(listings, market)
  const fee = ({ taker_fee_percent }: Listing) => Number(taker_fee_percent) / 100
  const touching = (asset: string) =>
    listings
      .filter((one) => one !== own && (one.base === asset || one.quote === asset))
      .map(fee)
      .sort((a, b) => a - b)
  return fee(own) + (touching(own.base)[0] ?? 0) + (touching(own.quote)[0] ?? 0)
}

function at(listings: readonly Listing[], market: number): Listing {
  const listing = listings[market]
  if (listing === undefined) throw new RangeError(`no market ${market}`)
  return listing
}

/** Uniform in the logarithm: most are short, a few are long. */
function drawDuration(random: Random): number {
  return SHORTEST_MS * (LONGEST_MS / SHORTEST_MS) ** random.uniform()
}
