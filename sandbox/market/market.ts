/**
 * One live market: a book that follows the fair price as its exchange sees it, a little late and a
 * little wrong, in batches at random times. What it may be wrong by is bounded, so that noise alone
 * never pays two taker fees; only a displacement breaks the bound.
 */
import { type Backing, type Quote, SimulatedBook } from './book.ts'
import type { Listing } from './listings.ts'
import type { Random } from './random.ts'
import { type Shape, shapeOf } from './shape.ts'
import type { LevelChange } from './source.ts'

const LEAST_POPULARITY = 0.06
/** About one batch in seven touches the best prices. */
const TOP_SHARE = 1 / 7
const NOISE_DEVIATION = 0.00012
const NOISE_DECAY_MS = 8_000
/** No new quote is further than this from the fair price … */
const QUOTE_BOUND = 0.0006
/** … and none stays when the fair price has left it so far behind: twice this is under two fees. */
const STANDING_BOUND = 0.0007
/** After a pause of the caller the batches that were missed are not made up for. */
const MAX_BATCHES_PER_STEP = 64

export type Direction = 'up' | 'down'

/** The price of one market, moved away from everybody else's. */
export interface Displacement {
  readonly direction: Direction
  /** the best bid (up) or ask (down) as a multiple of the fair price */
  readonly factor: number
}

export type Emit = (changes: readonly LevelChange[], version: number) => void

export class LiveMarket {
  readonly book: SimulatedBook
  private readonly listing: Listing
  private readonly random: Random
  private readonly shape: Shape
  private readonly emit: Emit
  private readonly ticks_per_unit: number
  /** between batches, at rate 1 */
  private readonly usual_pause_ms: number
  private mean_pause_ms: number
  private next_batch_ms: number
  private noise = 0
  private seen: number
  private seen_at_ms = 0
  private displacement: Displacement | undefined
  private is_open = true
  private crossed_until_ms: number | undefined

  constructor(listing: Listing, fair: number, rate: number, random: Random, emit: Emit) {
    this.listing = listing
    this.random = random
    this.shape = shapeOf(listing)
    this.emit = emit
    this.ticks_per_unit = 10 ** listing.price_decimals
    const popularity = Math.max(LEAST_POPULARITY, 1 / (1 + listing.rank * 0.25))
    const batches = listing.profile.batches_per_second * popularity * listing.activity
    this.usual_pause_ms = 1_000 / batches
    this.mean_pause_ms = this.usual_pause_ms / rate
    this.next_batch_ms = random.exponential(this.mean_pause_ms)
    this.seen = fair
    this.book = new SimulatedBook(this.shape, random, this.quoteAround(fair))
  }

  get open(): boolean {
    return this.is_open
  }

  /** While it is halted nothing in the book changes; what was missed is not made up for. */
  setOpen(open: boolean): void {
    if (open === this.is_open) return
    this.is_open = open
    // no level changes, but who follows the market has something to look at
    this.emit([], this.book.currentVersion)
  }

  cross(until_ms: number): void {
    this.crossed_until_ms = until_ms
    this.emit(this.book.cross(), this.book.currentVersion)
  }

  /** Makes every batch that is due at `time_ms` (the model's own time) and keeps the bound. */
  advance(time_ms: number, fair: number): void {
    const stands_still = !this.is_open || this.staysCrossed(time_ms, fair)
    let batches = 0
    while (this.next_batch_ms <= time_ms) {
      if (!stands_still && batches++ < MAX_BATCHES_PER_STEP) this.batch(time_ms, fair)
      this.next_batch_ms += this.random.exponential(this.mean_pause_ms)
    }
    if (!stands_still && this.isLeftBehind(fair)) this.requote(time_ms, fair)
  }

  /** What is left of the present pause shrinks or grows with the others: it is exponential too. */
  setRate(rate: number, time_ms: number): void {
    const mean_pause_ms = this.usual_pause_ms / rate
    const left_ms = (this.next_batch_ms - time_ms) * (mean_pause_ms / this.mean_pause_ms)
    this.next_batch_ms = time_ms + left_ms
    this.mean_pause_ms = mean_pause_ms
  }

  displace(displacement: Displacement | undefined, time_ms: number, fair: number): void {
    this.displacement = displacement
    if (this.is_open && !this.staysCrossed(time_ms, fair)) this.requote(time_ms, fair)
  }

  /** True while a crossed book is left as it is. */
  private staysCrossed(time_ms: number, fair: number): boolean {
    if (this.crossed_until_ms === undefined) return false
    if (time_ms < this.crossed_until_ms) return true
    this.crossed_until_ms = undefined
    this.requote(time_ms, fair)
    return false
  }

  private batch(time_ms: number, fair: number): void {
    if (this.random.chance(TOP_SHARE)) this.requote(time_ms, fair)
    else this.emit(this.book.stir(), this.book.currentVersion)
  }

  private requote(time_ms: number, fair: number): void {
    const perceived = this.perceive(time_ms, fair)
    const quote = this.displacement
      ? this.quoteDisplaced(this.displacement, fair)
      : this.quoteAround(clamp(perceived, fair * (1 - QUOTE_BOUND), fair * (1 + QUOTE_BOUND)))
    this.emit(this.book.requote(quote, this.backing()), this.book.currentVersion)
  }

  private backing(): Backing {
    if (!this.displacement) return 'full'
    return this.displacement.direction === 'up' ? 'thin bids' : 'thin asks'
  }

  /** The fair price as this exchange sees it now: smoothed by its lag, bent by its own noise. */
  private perceive(time_ms: number, fair: number): number {
    const elapsed_ms = time_ms - this.seen_at_ms
    this.seen_at_ms = time_ms
    this.seen += (fair - this.seen) * (1 - Math.exp(-elapsed_ms / this.listing.profile.lag_ms))
    const kept = Math.exp(-elapsed_ms / NOISE_DECAY_MS)
    this.noise =
      this.noise * kept + NOISE_DEVIATION * Math.sqrt(1 - kept ** 2) * this.random.normal()
    return this.seen * (1 + this.noise)
  }

  /** Bids round down and asks up, so that a coarse tick can only widen the spread. */
  private quoteAround(middle: number): Quote {
    const bid = Math.floor(middle * (1 - this.shape.half_spread) * this.ticks_per_unit)
    const ask = Math.ceil(middle * (1 + this.shape.half_spread) * this.ticks_per_unit)
    return { bid, ask: Math.max(ask, bid + 1) }
  }

  private quoteDisplaced({ direction, factor }: Displacement, fair: number): Quote {
    const best = fair * factor * this.ticks_per_unit
    const spread = Math.max(1, Math.ceil(2 * this.shape.half_spread * best))
    if (direction === 'up') return { bid: Math.ceil(best), ask: Math.ceil(best) + spread }
    return { bid: Math.floor(best) - spread, ask: Math.floor(best) }
  }

  private isLeftBehind(fair: number): boolean {
    if (this.displacement) return false
    const fair_ticks = fair * this.ticks_per_unit
    const bound = fair_ticks * STANDING_BOUND
    const [bid, ask] = [this.book.bids.price(0), this.book.asks.price(0)]
    const middle = (bid + ask) / 2
    const spread = ask - bid
    return (
      bid > fair_ticks + bound ||
      ask < fair_ticks - bound ||
      Math.abs(middle - fair_ticks) > bound + spread
    )
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high)
}
