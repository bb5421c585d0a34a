/**
 * The simulated book of one market: makers who change sizes behind the top, quotes that move with a
 * price, levels swept and refilled. Every call returns the level changes that it made, in an order
 * in which no prefix is crossed. It does not know what the price should be.
 */
import type { Random } from './random.ts'
import type { Shape } from './shape.ts'
import { Side } from './side.ts'
import type { LevelChange, Snapshot } from './source.ts'

/** Behind the top, changes thin out with rank: so many ranks on average. */
const MEAN_RANK = 9
/** A hole of more than so many usual gaps behind a new best level is filled at once. */
const HOLE_GAPS = 5
/** A level closer than this share of the usual gap goes, a hole wider than that multiple fills. */
const CROWDED = 0.4
const SPARSE = 2.2
/** How far above the best ask the bid of a crossed book stands, in usual gaps. */
const CROSSED_GAPS = 40
const INSERT_SHARE = 0.12
const DELETE_SHARE = 0.12

/** The best prices that a book is to have, in ticks. */
export interface Quote {
  readonly bid: number
  readonly ask: number
}

/** Thin: only a handful of small levels follow the new best bid (or ask) into the open. */
export type Backing = 'full' | 'thin bids' | 'thin asks'

export class SimulatedBook {
  readonly bids = new Side('bid')
  readonly asks = new Side('ask')
  private readonly shape: Shape
  private readonly random: Random
  /** the first levels count as changes too, so no market begins at version 0 */
  private version = 0
  private pending: LevelChange[] = []

  constructor(shape: Shape, random: Random, quote: Quote) {
    this.shape = shape
    this.random = random
    this.requote(quote, 'full')
  }

  get currentVersion(): number {
    return this.version
  }

  snapshot(): Snapshot {
    return { bids: this.bids.levels(), asks: this.asks.levels(), version: this.version }
  }

  /** A maker's change behind the top: resizes, adds or removes one level, towards the shape. */
  stir(): readonly LevelChange[] {
    const side = this.random.chance(0.5) ? this.bids : this.asks
    const rank = Math.min(1 + Math.floor(this.random.exponential(MEAN_RANK)), side.length - 2)
    const usual = this.shape.gap(rank)
    const hole = (side.price(rank + 1) - side.price(rank)) * side.away
    const dice = this.random.uniform()
    if (side.length < this.shape.max_levels && hole > 1) {
      if (hole > SPARSE * usual || dice < INSERT_SHARE) this.insertBehind(side, rank, hole)
    }
    if (this.pending.length === 0 && side.length > this.shape.min_levels) {
      if (hole < CROWDED * usual || dice > 1 - DELETE_SHARE) this.change(side, side.price(rank), 0)
    }
    if (this.pending.length === 0) this.resize(side, rank)
    return this.flush()
  }

  /** Moves the best prices to `quote`; where they stand there already, one best size changes. */
  requote(quote: Quote, backing: Backing): readonly LevelChange[] {
    if (quote.bid >= quote.ask) throw new Error(`crossed quote ${quote.bid} ${quote.ask}`)
    this.sweep(this.bids, quote.bid)
    this.sweep(this.asks, quote.ask)
    this.improve(this.bids, quote.bid, backing === 'thin bids')
    this.improve(this.asks, quote.ask, backing === 'thin asks')
    if (this.pending.length === 0) this.resize(this.random.chance(0.5) ? this.bids : this.asks, 0)
    for (const side of [this.bids, this.asks]) this.trim(side)
    return this.flush()
  }

  /** Puts one bid above the best ask, as an exchange shows that matches orders late. */
  cross(): readonly LevelChange[] {
    const above = this.asks.price(0) + Math.round(CROSSED_GAPS * this.shape.gap(0)) + 1
    this.change(this.bids, above, this.shape.drawSize(0, this.random))
    return this.flush()
  }

  /** Removes what stands in front of the new best price: it was traded away or cancelled. */
  private sweep(side: Side, best: number): void {
    while (side.length > 0 && (best - side.price(0)) * side.away > 0) {
      this.change(side, side.price(0), 0)
    }
  }

  /** Places the new best level and fills the hole that it leaves behind itself. */
  private improve(side: Side, best: number, thin: boolean): void {
    if (side.length > 0 && side.price(0) === best) return
    const draw = (rank: number) =>
      thin ? this.shape.drawThinSize(this.random) : this.shape.drawSize(rank, this.random)
    this.change(side, best, draw(0))
    const next = side.length > 1 ? side.price(1) : Number.POSITIVE_INFINITY * side.away
    if ((next - best) * side.away <= HOLE_GAPS * this.shape.gap(0)) return
    const most = thin ? 3 + this.random.integer(6) : this.shape.levels
    let price = best
    for (let rank = 1; rank < most; rank++) {
      price += side.away * this.drawGap(rank)
      if ((next - price) * side.away <= 0 || price < 1) return
      this.change(side, price, draw(rank))
    }
  }

  /** Keeps the number of levels within the shape, at the far end, where nobody trades. */
  private trim(side: Side): void {
    while (side.length > this.shape.max_levels) this.change(side, side.price(side.length - 1), 0)
    while (side.length < this.shape.min_levels) {
      const rank = side.length
      const price = side.price(rank - 1) + side.away * this.drawGap(rank)
      if (price < 1) return
      this.change(side, price, this.shape.drawSize(rank, this.random))
    }
  }

  private insertBehind(side: Side, rank: number, hole: number): void {
    const step = Math.min(this.drawGap(rank), hole - 1)
    const size = this.shape.drawSize(rank, this.random)
    this.change(side, side.price(rank) + side.away * step, size)
  }

  /** A draw that repeats the present size is no change: one lot more then. */
  private resize(side: Side, rank: number): void {
    const size = this.shape.drawSize(rank, this.random)
    this.change(side, side.price(rank), size === side.size(rank) ? size + 1 : size)
  }

  private drawGap(rank: number): number {
    return Math.max(1, Math.round(this.shape.gap(rank) * this.random.between(0.5, 1.5)))
  }

  private change(side: Side, price: number, size: number): void {
    side.set(price, size)
    this.pending.push({ side: side.name, price, size })
  }

  private flush(): readonly LevelChange[] {
    const changes = this.pending
    this.pending = []
    this.version += changes.length
    return changes
  }
}
