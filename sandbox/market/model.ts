/**
 * The market behind the sandbox exchanges: fair prices, one live book per listing, and gaps between
 * exchanges now and then. It owns no timer and reads no clock: the caller's steps move it, and the
 * same seed with the same sequence of step times gives the same changes, digit for digit (on one
 * version of Node, whose Math functions take part).
 */
import { baseCoin } from './chain.ts'
import { crossDisplacementSchedule } from './cross-displacement.ts'
import { displacementSchedule, type Schedule } from './displacement.ts'
import { type ListingFault, withFaults } from './faults.ts'
import { type Listing, listings } from './listings.ts'
import { type Displacement, LiveMarket } from './market.ts'
import { FairPrices } from './prices.ts'
import type { ExchangeProfile } from './profile.ts'
import { createRandom, type Random } from './random.ts'
import type {
  ChangeListener,
  Level,
  MarketSource,
  SimulatedMarket,
  Snapshot,
  StepListener,
} from './source.ts'

export { DEFAULT_SYMBOLS } from './listings.ts'

const LONGEST_STEP_MS = 50

export interface MarketModelOptions {
  readonly exchanges: readonly ExchangeProfile[]
  /** any whole number */
  readonly seed: number
  /** how many coins; most have several markets */
  readonly symbols: number
  /** multiple of the usual number of batches a second; gaps between exchanges stay as frequent */
  readonly rate: number
  /** multiple of the usual number of tears: markets that leave all others for a moment (1) */
  readonly tears?: number
  /** what is wrong with the listings from the beginning */
  readonly faults?: readonly ListingFault[]
}

export interface MarketModel extends MarketSource {
  /**
   * Moves the market to `now_ms` (wall clock, milliseconds) and tells the listeners. The first step
   * only starts the clock; a clock that goes back lets no time pass. Steps of 5 to 50 ms look real;
   * of a longer one no more passes: a caller without time gets a slow market, not a flood.
   */
  step(now_ms: number): void
  /** Stands still: the next step starts the clock again, and no time has passed. */
  pause(): void
  /** The same multiple as in the options, from now on. @throws RangeError when it is not positive. */
  setRate(rate: number): void
  /** the best level of each side of markets[index]; a side is never empty */
  best(market: number): { readonly bid: Level; readonly ask: Level }
  /** fair dollar price of a coin that a market names. @throws Error for any other */
  usdPrice(coin: string): number
  /** false while trading is halted: the book stands still and nothing can be taken from it */
  isOpen(market: number): boolean
  /** Halts markets[index] or opens it again. Says nothing about it: that is its exchange's business. */
  setOpen(market: number, open: boolean): void
  /** For so long markets[index] shows a bid above its best ask, and does not move. */
  cross(market: number, duration_ms: number): void
  /**
   * For so long markets[index] trades at `factor` times what everybody else does, whatever its own
   * tears are. @throws RangeError for a factor that is not positive
   */
  tear(market: number, factor: number, duration_ms: number): void
  /** Where a money other than the dollar goes from now on. @throws RangeError for anything else. */
  setPeg(asset: string, usd: number): void
}

/** @throws RangeError when an option is out of range. */
export function createMarketModel(options: MarketModelOptions): MarketModel {
  const { tears = 1 } = options
  if (!(tears > 0 && Number.isFinite(tears)))
    throw new RangeError(`tears must be positive: ${tears}`)
  return assembleModel(options, (listed, random) => {
    const schedules = [displacementSchedule, crossDisplacementSchedule].map((create) =>
      create(listed, random.fork(), tears),
    )
    return (time_ms, venueOf) => schedules.flatMap((schedule) => schedule(time_ms, venueOf))
  })
}

/** The same model with another schedule of displacements. */
export function assembleModel(
  { exchanges, seed, symbols, rate, faults = [] }: MarketModelOptions,
  createSchedule: (listed: readonly Listing[], random: Random) => Schedule,
): MarketModel {
  requireRate(rate)
  const random = createRandom(seed)
  const listed = withFaults(listings(symbols, exchanges), faults)
  const prices = new FairPrices(listed, random.fork())
  const schedule = createSchedule(listed, random.fork())
  const listeners = new Set<ChangeListener>()
  const step_listeners = new Set<StepListener>()
  /** torn on demand, and until when */
  const torn = new Map<number, number>()
  let now_ms: number | undefined
  let time_ms = 0

  const fairOf = (listing: Listing) =>
    (prices.usdPrice(baseCoin(listing)) * (listing.units ?? 1)) / prices.usdPrice(listing.quote)
  const entries = listed.map((listing, index) => ({
    listing,
    live: new LiveMarket(listing, fairOf(listing), rate, random.fork(), (changes, version) => {
      for (const listener of listeners) listener(index, changes, version, now_ms ?? 0)
    }),
  }))
  const entry = (market: number) => {
    const found = entries[market]
    if (!found) throw new RangeError(`no market ${market}`)
    return found
  }
  const displace = (market: number, displacement: Displacement | undefined) => {
    const { listing, live } = entry(market)
    live.displace(displacement, time_ms, fairOf(listing))
  }
  const venueOf = (market: number) => {
    const { listing, live } = entry(market)
    const unit = 10 ** -listing.price_decimals
    const { bids, asks } = live.book
    const [best_bid, best_ask] = [bids.price(0) * unit, asks.price(0) * unit]
    return { best_bid, best_ask, fair: fairOf(listing) }
  }

  return {
    markets: listed.map(publicPart),
    snapshot: (market): Snapshot => entry(market).live.book.snapshot(),
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    onStep(listener) {
      step_listeners.add(listener)
      return () => step_listeners.delete(listener)
    },
    step(next_ms) {
      const since_ms = now_ms === undefined ? 0 : Math.max(0, next_ms - now_ms)
      const elapsed_ms = Math.min(since_ms, LONGEST_STEP_MS)
      now_ms = next_ms
      time_ms += elapsed_ms
      prices.advance(elapsed_ms)
      for (const { listing, live } of entries) live.advance(time_ms, fairOf(listing))
      for (const { market, displacement } of schedule(time_ms, venueOf)) {
        if (!torn.has(market)) displace(market, displacement)
      }
      for (const [market, until_ms] of torn) {
        if (until_ms > time_ms) continue
        torn.delete(market)
        displace(market, undefined)
      }
      for (const listener of step_listeners) listener(next_ms)
    },
    pause() {
      now_ms = undefined
    },
    setRate(next_rate) {
      requireRate(next_rate)
      for (const { live } of entries) live.setRate(next_rate, time_ms)
    },
    best(market) {
      const { bids, asks } = entry(market).live.book
      return {
        bid: { price: bids.price(0), size: bids.size(0) },
        ask: { price: asks.price(0), size: asks.size(0) },
      }
    },
    usdPrice: (coin) => prices.usdPrice(coin),
    isOpen: (market) => entry(market).live.open,
    setOpen: (market, open) => entry(market).live.setOpen(open),
    cross: (market, duration_ms) => entry(market).live.cross(time_ms + duration_ms),
    tear(market, factor, duration_ms) {
      if (!(factor > 0 && Number.isFinite(factor))) throw new RangeError(`no factor: ${factor}`)
      torn.set(market, time_ms + duration_ms)
      displace(market, { direction: factor > 1 ? 'up' : 'down', factor })
    },
    setPeg: (asset, usd) => prices.setPeg(asset, usd),
  }
}

function requireRate(rate: number): void {
  if (!(rate > 0 && Number.isFinite(rate))) throw new RangeError(`rate must be positive: ${rate}`)
}

/** Without what only the model needs. */
function publicPart(listing: Listing): SimulatedMarket {
  const {
    rank: _rank,
    base_usd: _base,
    quote_usd: _quote,
    activity: _activity,
    profile: _profile,
    ...market
  } = listing
  return market
}
