/**
 * When and where the market tears: now and then one exchange's price of one symbol leaves all
 * others for 80 ms to 4 s, far enough that buying on one side and selling on the other pays after
 * both taker fees. It decides; the market it names moves. Never two tears in one coin at a time.
 */
import { baseCoin } from './chain.ts'
import { type Listing, MONEY_USD } from './listings.ts'
import type { Direction, Displacement } from './market.ts'
import type { Random } from './random.ts'

const FIRST_EARLIEST_MS = 1_000
const FIRST_LATEST_MS = 3_000
const MEAN_PAUSE_MS = 4_800
const SHORTEST_MS = 80
const LONGEST_MS = 4_000
/** Net profit at the best prices against the cheapest partner, as a share. */
const LEAST_PROFIT = 0.0075
const MEAN_EXTRA_PROFIT = 0.005
const MOST_PROFIT = 0.029
/** No partner is left between this and LEAST_PROFIT, where noise would open and close the gap. */
const CLEARLY_UNPROFITABLE = 0.0035
const MOST_DRAWS = 20

/** One market's state as the schedule needs it. */
export interface Venue {
  readonly best_bid: number
  readonly best_ask: number
  readonly fair: number
}

export interface Move {
  readonly market: number
  /** undefined: back to where everybody else is */
  readonly displacement: Displacement | undefined
}

interface Running {
  readonly market: number
  readonly base: string
  readonly until_ms: number
}

/** Takes the model's own time, which begins at 0; says which markets move now. */
export type Schedule = (time_ms: number, venueOf: (market: number) => Venue) => readonly Move[]

/** `frequency`: multiple of the usual number of tears. */
export function displacementSchedule(
  listings: readonly Listing[],
  random: Random,
  frequency: number,
): Schedule {
  const candidates = withPartners(listings)
  let running: Running[] = []
  let next_ms = random.between(FIRST_EARLIEST_MS, FIRST_LATEST_MS) / frequency

  return (time_ms, venueOf) => {
    const over = running.filter(({ until_ms }) => until_ms <= time_ms)
    if (over.length === 0 && time_ms < next_ms) return []
    running = running.filter(({ until_ms }) => until_ms > time_ms)
    const moves: Move[] = over.map(({ market }) => ({ market, displacement: undefined }))
    if (time_ms >= next_ms) {
      next_ms = time_ms + random.exponential(MEAN_PAUSE_MS / frequency)
      const candidate = candidates[random.integer(candidates.length)]
      const busy = new Set([...running, ...over].map(({ base }) => base))
      if (candidate && !busy.has(candidate.base)) {
        const { market, base } = candidate
        const displacement = drawDisplacement(candidate, venueOf, random)
        if (displacement) {
          running.push({ market, base, until_ms: time_ms + drawDuration(random) })
          moves.push({ market, displacement })
        }
      }
    }
    return moves
  }
}

interface Candidate {
  readonly market: number
  readonly base: string
  readonly partners: readonly { readonly market: number; readonly kept: number }[]
}

/** Every market of a coin in dollars or tethers that is listed in the same quote elsewhere. */
function withPartners(listings: readonly Listing[]): Candidate[] {
  return listings.flatMap((own, market) => {
    if (own.base in MONEY_USD || (own.quote !== 'USD' && own.quote !== 'USDT')) return []
    const partners = listings.flatMap((other, index) =>
      isSame(own, other) && other.exchange !== own.exchange
        ? [{ market: index, kept: kept(own) * kept(other) }]
        : [],
    )
    return partners.length > 0 ? [{ market, base: own.base, partners }] : []
  })
}

/** The same coin in the same unit against the same quote. */
function isSame(own: Listing, other: Listing): boolean {
  const named = own.base === other.base && own.quote === other.quote
  return named && baseCoin(own) === baseCoin(other) && own.units === other.units
}

/** What is left of an amount after this market's taker fee, as a share. */
function kept(listing: Listing): number {
  return 1 - Number(listing.taker_fee_percent) / 100
}

/** Undefined in the rare case that no draw leaves every partner clearly in or clearly out. */
function drawDisplacement(
  { market, partners }: Candidate,
  venueOf: (market: number) => Venue,
  random: Random,
): Displacement | undefined {
  const direction: Direction = random.chance(0.5) ? 'up' : 'down'
  // The price here at which a round trip with the partner neither earns nor loses.
  const even = partners.map((partner) => {
    const { best_bid, best_ask } = venueOf(partner.market)
    return direction === 'up' ? best_ask / partner.kept : best_bid * partner.kept
  })
  for (let draw = 0; draw < MOST_DRAWS; draw++) {
    const profit = Math.min(LEAST_PROFIT + random.exponential(MEAN_EXTRA_PROFIT), MOST_PROFIT)
    const price =
      direction === 'up' ? Math.min(...even) * (1 + profit) : Math.max(...even) / (1 + profit)
    const profits = even.map((level) => (direction === 'up' ? price / level : level / price) - 1)
    const isClear = (share: number) => share <= CLEARLY_UNPROFITABLE || share >= LEAST_PROFIT
    if (profits.every(isClear)) return { direction, factor: price / venueOf(market).fair }
  }
  return undefined
}

/** Uniform in the logarithm: most are short, a few are long. */
function drawDuration(random: Random): number {
  return SHORTEST_MS * (LONGEST_MS / SHORTEST_MS) ** random.uniform()
}
