/**
 * One side of a book, best level first to the reader. The levels near the top stand sorted in
 * arrays; the many beyond them wait unsorted in a table until the top comes their way, because
 * half of all changes happen where nobody looks. It refuses nothing: the levels are whatever was set.
 */
import { Far } from './far.ts'
import type { Levels } from './update.ts'

/**
 * Levels that stand sorted: about this many, between a quarter and twice of it. Opportunities reach
 * less deep; a reader who looks deeper raises it for the side.
 */
const REACH = 32
const CAPACITY = 4 * REACH

/**
 * Near the top: a double-ended structure of arrays. Keys ascend with the best at the end (asks are
 * stored negated), and an insertion or deletion shifts whichever end is nearer.
 */
export class Side {
  private keys = new Float64Array(CAPACITY)
  private sizes = new Float64Array(CAPACITY)
  private low = CAPACITY >> 1
  private high = CAPACITY >> 1
  /** exactly the levels whose key is below `bound` */
  private readonly far = new Far()
  private bound = Number.NEGATIVE_INFINITY
  private reach = REACH
  private readonly sign: 1 | -1

  constructor(sign: 1 | -1) {
    this.sign = sign
  }

  get length(): number {
    return this.high - this.low + this.far.length
  }

  /** Price of the level at `rank`, 0 being the best; NaN beyond the book. */
  price(rank: number): number {
    const at = this.place(rank)
    return at < 0 ? Number.NaN : this.sign * this.key(at)
  }

  /** Size of the level at `rank`, 0 being the best; NaN beyond the book. */
  size(rank: number): number {
    const at = this.place(rank)
    return at < 0 ? Number.NaN : (this.sizes[at] as number)
  }

  /**
   * Every level, best first: for whoever looks at a whole side once in a while. Nothing is brought
   * near for it, so that looking does not slow down what comes after.
   */
  levels(): { readonly price: number; readonly size: number }[] {
    const far = [...this.far.levels()].sort(([a], [b]) => b - a)
    const near = Array.from({ length: this.high - this.low }, (_, rank) => {
      const at = this.high - 1 - rank
      return [this.key(at), this.sizes[at] as number] as const
    })
    return [...near, ...far].map(([key, size]) => ({ price: this.sign * key, size }))
  }

  clear(): void {
    this.low = this.high = this.keys.length >> 1
    this.bound = Number.NEGATIVE_INFINITY
    this.far.clear()
  }

  /** Applies levels in their order: absolute sizes, 0 deletes, unknown levels may be deleted. */
  apply(levels: Levels): void {
    const { count, price, size } = levels
    const { sign } = this
    for (let i = 0; i < count; i++) {
      const key = sign * (price[i] as number)
      if (key < this.bound) this.far.set(key, size[i] as number)
      else this.setNear(key, size[i] as number)
    }
    if (this.high - this.low < this.reach >> 2) this.fetch(this.reach)
  }

  /** Forgets the worst levels beyond `depth`. */
  truncate(depth: number): void {
    if (this.length <= depth) return
    this.fetch(depth)
    this.low = this.high - depth
    this.bound = Number.NEGATIVE_INFINITY
    this.far.clear()
  }

  private key(index: number): number {
    return this.keys[index] as number
  }

  /** Index of the level at `rank`, fetched from afar if need be; -1 beyond the book. */
  private place(rank: number): number {
    if (rank >= this.high - this.low) {
      if (rank >= this.length) return -1
      while (this.reach <= rank) this.reach *= 2
      this.fetch(this.reach)
    }
    return this.high - 1 - rank
  }

  private setNear(key: number, size: number): void {
    const at = this.floor(key)
    const exists = at >= this.low && this.key(at) === key
    if (size === 0) {
      if (exists) this.remove(at)
    } else if (exists) {
      this.sizes[at] = size
    } else if (this.high - this.low < 2 * this.reach) {
      this.insert(at + 1, key, size)
    } else {
      this.release()
      if (key < this.bound) this.far.set(key, size)
      else this.insert(this.floor(key) + 1, key, size)
    }
  }

  /** Index of the last key <= `key`, or low - 1. Without branches: no guess could be right. */
  private floor(key: number): number {
    const { keys } = this
    let base = this.low - 1
    let length = this.high - base
    while (length > 1) {
      const half = length >> 1
      base += half & -Number((keys[base + half] as number) <= key)
      length -= half
    }
    return base
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
    if (this.low === 0 || this.high === this.keys.length) at += this.recentre(1)
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

  /** Copies [from, to) to start at `target`. Runs are short: by hand is cheaper than copyWithin. */
  private move(target: number, from: number, to: number): void {
    const { keys, sizes } = this
    if (target < from) {
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

  /** Sends the worst levels away so that `reach` stay. */
  private release(): void {
    const low = this.high - this.reach
    for (let i = this.low; i < low; i++) this.far.set(this.key(i), this.sizes[i] as number)
    this.low = low
    this.bound = this.key(low)
  }

  /** Brings the best levels back from afar so that `count` stand sorted, or all there are. */
  private fetch(count: number): void {
    const missing = count - (this.high - this.low)
    if (missing <= 0 || this.far.length === 0) return
    const best = this.far.best(missing)
    if (this.low < best.length) this.recentre(best.length)
    for (let i = best.length - 1; i >= 0; i--) {
      const key = best[i] as number
      this.low--
      this.keys[this.low] = key
      this.sizes[this.low] = this.far.take(key)
    }
    this.bound = this.far.length === 0 ? Number.NEGATIVE_INFINITY : this.key(this.low)
  }

  /** Puts the levels back in the middle with at least `room` on each side. Returns the shift. */
  private recentre(room: number): number {
    const length = this.high - this.low
    let capacity = this.keys.length
    while (capacity < 2 * (length + room)) capacity *= 2
    const low = (capacity - length) >> 1
    const [keys, sizes] = [new Float64Array(capacity), new Float64Array(capacity)]
    keys.set(this.keys.subarray(this.low, this.high), low)
    sizes.set(this.sizes.subarray(this.low, this.high), low)
    const shift = low - this.low
    this.keys = keys
    this.sizes = sizes
    this.low = low
    this.high = low + length
    return shift
  }
}
