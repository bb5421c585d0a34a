/**
 * One side of a simulated book: integer prices with integer sizes, best first, no price twice.
 * It orders levels and knows their ranks; it does not know why they change.
 */
import type { Level } from './source.ts'

export class Side {
  readonly name: 'bid' | 'ask'
  /** the direction in which prices get worse: bids fall, asks rise */
  readonly away: 1 | -1
  private readonly prices: number[] = []
  private readonly sizes: number[] = []

  constructor(name: 'bid' | 'ask') {
    this.name = name
    this.away = name === 'ask' ? 1 : -1
  }

  get length(): number {
    return this.prices.length
  }

  price(rank: number): number {
    return element(this.prices, rank)
  }

  size(rank: number): number {
    return element(this.sizes, rank)
  }

  has(price: number): boolean {
    return this.prices[this.rankOf(price)] === price
  }

  /** Sets the absolute size at a price; 0 deletes the level, which must exist. */
  set(price: number, size: number): void {
    if (!Number.isSafeInteger(price) || price <= 0) throw new Error(`no price: ${price} ticks`)
    if (!Number.isSafeInteger(size) || size < 0) throw new Error(`no size: ${size} lots`)
    const rank = this.rankOf(price)
    const exists = this.prices[rank] === price
    if (size === 0) {
      if (!exists) throw new Error(`no ${this.name} level at ${price} ticks to delete`)
      this.prices.splice(rank, 1)
      this.sizes.splice(rank, 1)
    } else if (exists) {
      this.sizes[rank] = size
    } else {
      this.prices.splice(rank, 0, price)
      this.sizes.splice(rank, 0, size)
    }
  }

  levels(): Level[] {
    return this.prices.map((price, rank) => ({ price, size: this.size(rank) }))
  }

  /** The number of levels better than `price`. */
  private rankOf(price: number): number {
    let low = 0
    let high = this.prices.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((price - element(this.prices, middle)) * this.away > 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

function element(array: readonly number[], rank: number): number {
  const value = array[rank]
  if (value === undefined) throw new RangeError(`no level of rank ${rank}`)
  return value
}
