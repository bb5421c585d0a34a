/**
 * The best levels of one side of a book, as many as a feed of fixed depth shows, and what changed
 * since the last look: in numbers that are kept, because this runs for every frame that is sent. It
 * knows no frame.
 */
import type { Side } from '../market/side.ts'
import type { Level } from '../market/source.ts'

export class BestLevels {
  /** prices that are no longer shown: deleted, or pushed out by better ones */
  readonly left: number[] = []
  /** ranks whose level is new in the window or has another size */
  readonly fresh: number[] = []
  /** the best rank, before or after, at which anything is different; Infinity: nothing is */
  first_different = Number.POSITIVE_INFINITY
  private readonly side: Side
  private readonly depth: number
  private count = 0
  /** one longer than the window: NaN ends it and is equal to no price */
  private prices: Float64Array
  private sizes: Float64Array
  private next_prices: Float64Array
  private next_sizes: Float64Array

  constructor(side: Side, depth: number) {
    this.side = side
    this.depth = depth
    const empty = () => new Float64Array(depth + 1).fill(Number.NaN)
    this.prices = empty()
    this.sizes = empty()
    this.next_prices = empty()
    this.next_sizes = empty()
  }

  get length(): number {
    return this.count
  }

  level(rank: number): Level {
    const [price, size] = [this.prices[rank], this.sizes[rank]]
    if (rank >= this.count || price === undefined || size === undefined) {
      throw new RangeError(`no level of rank ${rank} among ${this.count}`)
    }
    return { price, size }
  }

  levels(depth = this.count): Level[] {
    return Array.from({ length: Math.min(depth, this.count) }, (_, rank) => this.level(rank))
  }

  /** Whether the window is full and this price is worse than all in it. */
  isBeyond(price: number): boolean {
    if (this.count < this.depth) return false
    return (price - (this.prices[this.depth - 1] ?? Number.NaN)) * this.side.away > 0
  }

  /** Takes the book as it is now. True when the window shows something else than before. */
  look(): boolean {
    const { side, left, fresh, prices, sizes, next_prices, next_sizes } = this
    const { away } = side
    left.length = 0
    fresh.length = 0
    const count = Math.min(this.depth, side.length)
    let first = Number.POSITIVE_INFINITY
    let old = 0
    for (let rank = 0; rank < count; rank++) {
      const price = side.price(rank)
      const size = side.size(rank)
      while ((price - (prices[old] ?? Number.NaN)) * away > 0) {
        first = Math.min(first, old)
        left.push(prices[old++] ?? Number.NaN)
      }
      const stood = prices[old] === price
      if (!stood || sizes[old] !== size) {
        first = Math.min(first, rank)
        fresh.push(rank)
      }
      if (stood) old++
      next_prices[rank] = price
      next_sizes[rank] = size
    }
    for (; old < this.count; old++) {
      first = Math.min(first, old)
      left.push(prices[old] ?? Number.NaN)
    }
    next_prices[count] = Number.NaN
    this.count = count
    this.first_different = first
    this.prices = next_prices
    this.sizes = next_sizes
    this.next_prices = prices
    this.next_sizes = sizes
    return first !== Number.POSITIVE_INFINITY
  }
}
