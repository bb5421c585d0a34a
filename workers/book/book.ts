/**
 * The order book of one market: two sides of absolute sizes, best level first to the reader.
 * It applies what it is told and refuses nothing but a broken number; whether an update belongs is
 * the sequencer's question, whether the book may be priced is books.ts's.
 */
import type { BookUpdate, Levels } from './update.ts'

const LINEAR_SCAN = 8
const INITIAL_CAPACITY = 256

/**
 * One side as a double-ended structure of arrays. Keys ascend with the best at the end (asks are
 * stored negated), so the usual change, near the top, moves few elements; an insertion or deletion
 * shifts whichever end is nearer.
 */
export class Side {
  private keys = new Float64Array(INITIAL_CAPACITY)
  private sizes = new Float64Array(INITIAL_CAPACITY)
  private low = INITIAL_CAPACITY >> 1
  private high = INITIAL_CAPACITY >> 1
  private readonly sign: 1 | -1

  constructor(sign: 1 | -1) {
    this.sign = sign
  }

  get length(): number {
    return this.high - this.low
  }

  /** Price of the level at `rank`, 0 being the best; NaN beyond the book. */
  price(rank: number): number {
    return rank < this.length ? this.sign * this.key(this.high - 1 - rank) : Number.NaN
  }

  /** Size of the level at `rank`, 0 being the best; NaN beyond the book. */
  size(rank: number): number {
    return rank < this.length ? (this.sizes[this.high - 1 - rank] ?? Number.NaN) : Number.NaN
  }

  clear(): void {
    this.low = this.high = this.keys.length >> 1
  }

  /** Sets the absolute size at a price; 0 deletes. Deleting an unknown level is normal. */
  set(price: number, size: number): void {
    const key = this.sign * price
    const at = this.floor(key)
    const exists = at >= this.low && this.key(at) === key
    if (size === 0) {
      if (exists) this.remove(at)
    } else if (exists) {
      this.sizes[at] = size
    } else {
      this.insert(at + 1, key, size)
    }
  }

  /** Forgets the worst levels beyond `depth`. */
  truncate(depth: number): void {
    if (this.length > depth) this.low = this.high - depth
  }

  private key(index: number): number {
    return this.keys[index] as number
  }

  /** Index of the last key <= `key`, or low - 1. */
  private floor(key: number): number {
    let index = this.high - 1
    const stop = Math.max(this.low, this.high - LINEAR_SCAN)
    while (index >= stop && this.key(index) > key) index--
    if (index >= stop || index < this.low) return index
    let [from, to] = [this.low, index + 1]
    while (from < to) {
      const middle = (from + to) >>> 1
      if (this.key(middle) <= key) from = middle + 1
      else to = middle
    }
    return from - 1
  }

  private remove(at: number): void {
    if (at - this.low < this.high - 1 - at) {
      this.move(this.low + 1, this.low, at)
      this.low++
    } else {
      this.move(at, at + 1, this.high)
      this.high--
    }
  }

  private insert(at: number, key: number, size: number): void {
    if (this.low === 0 || this.high === this.keys.length) {
      at += this.recentre()
    }
    if (at - this.low < this.high - at) {
      this.move(this.low - 1, this.low, at)
      this.low--
      at--
    } else {
      this.move(at + 1, at, this.high)
      this.high++
    }
    this.keys[at] = key
    this.sizes[at] = size
  }

  /** Copies [from, to) to start at `target`. Short runs are cheaper by hand than copyWithin. */
  private move(target: number, from: number, to: number): void {
    const { keys, sizes } = this
    if (to - from > 32) {
      keys.copyWithin(target, from, to)
      sizes.copyWithin(target, from, to)
    } else if (target < from) {
      for (let i = from, j = target; i < to; i++, j++) {
        keys[j] = keys[i] as number
        sizes[j] = sizes[i] as number
      }
    } else {
      for (let i = to - 1, j = target + to - from - 1; i >= from; i--, j--) {
        keys[j] = keys[i] as number
        sizes[j] = sizes[i] as number
      }
    }
  }

  /** Puts the levels back in the middle, in twice the room when half is used. Returns the shift. */
  private recentre(): number {
    const { keys, sizes, length } = this
    const capacity = length * 2 >= keys.length ? keys.length * 2 : keys.length
    const low = (capacity - length) >> 1
    const [next_keys, next_sizes] = [new Float64Array(capacity), new Float64Array(capacity)]
    next_keys.set(keys.subarray(this.low, this.high), low)
    next_sizes.set(sizes.subarray(this.low, this.high), low)
    const shift = low - this.low
    this.keys = next_keys
    this.sizes = next_sizes
    this.low = low
    this.high = low + length
    return shift
  }
}

export class Book {
  readonly bids = new Side(1)
  readonly asks = new Side(-1)
  /** digits after the point as the exchange prints them */
  price_decimals = 0
  size_decimals = 0
  /** id of the last update applied; NaN where the exchange has none */
  last_id = Number.NaN
  /** the exchange's clock on the last frame, ms since 1970; NaN when it sent none */
  exchange_time_ms = Number.NaN
  /** our monotonic clock when the last frame arrived, ms */
  received_ms = Number.NaN
  /** levels kept a side; the exchange sends no deletes for levels that leave this window */
  private depth = Number.POSITIVE_INFINITY

  clear(): void {
    this.bids.clear()
    this.asks.clear()
    this.last_id = Number.NaN
    this.exchange_time_ms = Number.NaN
  }

  apply(update: BookUpdate, received_ms: number): void {
    if (update.snapshot) {
      this.clear()
      // an exchange that changed its tick prints other digits from the next snapshot on
      this.price_decimals = 0
      this.size_decimals = 0
      this.depth = update.depth > 0 ? update.depth : Number.POSITIVE_INFINITY
    }
    applyLevels(this.bids, update.bids)
    applyLevels(this.asks, update.asks)
    this.bids.truncate(this.depth)
    this.asks.truncate(this.depth)
    if (update.price_decimals > this.price_decimals) this.price_decimals = update.price_decimals
    if (update.size_decimals > this.size_decimals) this.size_decimals = update.size_decimals
    this.last_id = update.last_id
    this.exchange_time_ms = update.exchange_time_ms
    this.received_ms = received_ms
  }

  /** True when both sides are there and the best bid is not below the best ask. */
  get crossed(): boolean {
    return this.bids.price(0) >= this.asks.price(0)
  }
}

function applyLevels(side: Side, levels: Levels): void {
  const { count, price, size } = levels
  for (let i = 0; i < count; i++) side.set(price[i] as number, size[i] as number)
}
