/**
 * One side of a book, best level first to the reader. The levels near the top stand sorted in an
 * array; the many beyond them wait unsorted in a table until the top comes their way, because half
 * of all changes happen where nobody looks. It refuses nothing: the levels are whatever was set.
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
 * Sides share their memory: a frame changes a market that was not looked at for long, and with one
 * array for many there is less of it to be fetched anew. A cache line more than the levels need
 * keeps the tops of all sides from competing for the same lines of the cache.
 */
const SHARES = 64
const SHARE = CAPACITY + 4
/** levels that are looked at one by one before the search goes by halves */
const GLANCE = 16

let shared = new Float64Array(0)
let shares_given = SHARES

/**
 * Near the top: a double-ended array of key and size by turns. Keys ascend with the best at the end
 * (asks are stored negated), and an insertion or deletion shifts whichever end is nearer. Positions
 * count levels; key and size of a level stand at twice its position and behind it.
 */
export class Side {
  /** grows by one with all that is applied at once, and whenever the side is cleared */
  revision = 0
  private near: Float64Array
  private low: number
  private high: number
  /** positions of this side's share of the memory: [first, end) */
  private first: number
  private end: number
  /** exactly the levels whose key is below `bound`; null until there is one */
  private far: Far | null = null
  private bound = Number.NEGATIVE_INFINITY
  private reach = REACH
  private readonly sign: 1 | -1

  constructor(sign: 1 | -1) {
    this.sign = sign
    if (shares_given === SHARES) {
      shared = new Float64Array(2 * SHARES * SHARE)
      shares_given = 0
    }
    this.near = shared
    this.first = SHARE * shares_given++
    this.end = this.first + CAPACITY
    this.low = this.high = (this.first + this.end) >> 1
  }

  get length(): number {
    return this.high - this.low + (this.far === null ? 0 : this.far.length)
  }

  get is_empty(): boolean {
    return this.high === this.low && this.far === null
  }

  /** Price of the level at `rank`, 0 being the best; NaN beyond the book. */
  price(rank: number): number {
    const at = this.place(rank)
    return at < 0 ? Number.NaN : this.sign * this.key(at)
  }

  /** Size of the level at `rank`, 0 being the best; NaN beyond the book. */
  size(rank: number): number {
    const at = this.place(rank)
    return at < 0 ? Number.NaN : (this.near[2 * at + 1] as number)
  }

  /**
   * Copies the best levels from rank `first` on, each to its rank, price and size by turns, as far as
   * there is room. Returns how many levels there are up to the last of them.
   */
  top(into: Float64Array, first: number): number {
    const count = Math.min(into.length >> 1, this.length)
    if (count === 0) return 0
    let from = 2 * (this.place(count - 1) + count - first)
    const { near, sign } = this
    for (let to = 2 * first; to < 2 * count; to += 2) {
      from -= 2
      into[to] = sign * (near[from] as number)
      into[to + 1] = near[from + 1] as number
    }
    return count
  }

  /**
   * Every level, best first: for whoever looks at a whole side once in a while. Nothing is brought
   * near for it, so that looking does not slow down what comes after.
   */
  levels(): { readonly price: number; readonly size: number }[] {
    const far = [...(this.far?.levels() ?? [])].sort(([a], [b]) => b - a)
    const near = Array.from({ length: this.high - this.low }, (_, rank) => {
      const at = this.high - 1 - rank
      return [this.key(at), this.near[2 * at + 1] as number] as const
    })
    return [...near, ...far].map(([key, size]) => ({ price: this.sign * key, size }))
  }

  clear(): void {
    this.revision++
    this.low = this.high = (this.first + this.end) >> 1
    this.bound = Number.NEGATIVE_INFINITY
    this.far = null
  }

  /**
   * Applies levels in their order: absolute sizes, 0 deletes, unknown levels may be deleted.
   * True when the best level is another than before, in price or size.
   */
  apply(levels: Levels): boolean {
    const { count, price, size } = levels
    const { sign } = this
    this.revision++
    const best_key = this.key(this.high - 1)
    const best_size = this.sizeAt(this.high - 1)
    const was_empty = this.high === this.low
    // exchanges send levels sorted, the best first: each search goes on where the last one ended
    let at = this.high - 1
    let last = Number.POSITIVE_INFINITY
    for (let i = 0; i < count; i++) {
      const key = sign * (price[i] as number)
      if (key < this.bound) {
        this.far?.set(key, size[i] as number)
        continue
      }
      at = this.set(this.floor(key, key > last ? this.high - 1 : at), key, size[i] as number)
      last = key
    }
    if (this.far !== null && this.high - this.low < this.reach >> 2) this.fetch(this.reach)
    if (this.high === this.low || was_empty) return this.high !== this.low || !was_empty
    return this.key(this.high - 1) !== best_key || this.sizeAt(this.high - 1) !== best_size
  }

  /** Forgets the worst levels beyond `depth`: part of what was applied before it. */
  truncate(depth: number): void {
    if (this.length <= depth) return
    this.fetch(depth)
    this.low = this.high - depth
    this.bound = Number.NEGATIVE_INFINITY
    this.far = null
  }

  private key(at: number): number {
    return this.near[2 * at] as number
  }

  /** Position of the level at `rank`, fetched from afar if need be; -1 beyond the book. */
  private place(rank: number): number {
    if (rank >= this.high - this.low) {
      if (rank >= this.length) return -1
      while (this.reach <= rank) this.reach *= 2
      this.fetch(this.reach)
    }
    return this.high - 1 - rank
  }

  private sizeAt(at: number): number {
    return this.near[2 * at + 1] as number
  }

  /**
   * Sets the size at a key that is near, `at` being the position of the last key <= `key`. Returns
   * that position as it is afterwards.
   */
  private set(at: number, key: number, size: number): number {
    if (at >= this.low && this.key(at) === key) {
      if (size === 0) return this.remove(at)
      this.near[2 * at + 1] = size
      return at
    }
    if (size === 0) return at
    if (this.high - this.low < 2 * this.reach) return this.insert(at + 1, key, size)
    this.release()
    if (key >= this.bound) return this.insert(at + 1, key, size)
    this.far?.set(key, size)
    return this.low - 1
  }

  /** Position of the last key <= `key`, or low - 1, where all behind `from` are known to be more. */
  private floor(key: number, from: number): number {
    const { near, low } = this
    const glance_ends = from - GLANCE
    let at = from
    while (at >= low && (near[2 * at] as number) > key) {
      if (at-- === glance_ends) return this.search(key, at)
    }
    return at
  }

  /** The same by halves. Without branches, for no guess could be right. */
  private search(key: number, from: number): number {
    const { near, low } = this
    let base = low - 1
    let length = from - base + 1
    while (length > 1) {
      const half = length >> 1
      base += half & -Number((near[2 * (base + half)] as number) <= key)
      length -= half
    }
    return base
  }

  /** Returns the position of the level below. */
  private remove(at: number): number {
    if (at - this.low < this.high - 1 - at) {
      this.moveUp(this.low, at)
      this.low++
      return at
    }
    this.moveDown(at + 1, this.high)
    this.high--
    return at - 1
  }

  /** Puts a level below the one at `at` and returns its position. */
  private insert(at: number, key: number, size: number): number {
    if (this.low === this.first || this.high === this.end) at += this.recentre(1)
    if (at - this.low < this.high - at) {
      this.moveDown(this.low, at)
      this.low--
      at--
    } else {
      this.moveUp(at, this.high)
      this.high++
    }
    this.near[2 * at] = key
    this.near[2 * at + 1] = size
    return at
  }

  /** Moves the levels [from, to) one position towards the best. By hand: the runs are short. */
  private moveUp(from: number, to: number): void {
    const { near } = this
    for (let i = 2 * to - 2; i >= 2 * from; i -= 2) {
      const size = near[i + 1] as number
      near[i + 2] = near[i] as number
      near[i + 3] = size
    }
  }

  /** Moves the levels [from, to) one position towards the worst. */
  private moveDown(from: number, to: number): void {
    const { near } = this
    for (let i = 2 * from; i < 2 * to; i += 2) {
      const size = near[i + 1] as number
      near[i - 2] = near[i] as number
      near[i - 1] = size
    }
  }

  /** Sends the worst levels away so that `reach` stay. */
  private release(): void {
    this.far ??= new Far()
    const low = this.high - this.reach
    for (let at = this.low; at < low; at++) {
      this.far.set(this.key(at), this.near[2 * at + 1] as number)
    }
    this.low = low
    this.bound = this.key(low)
  }

  /** Brings the best levels back from afar so that `count` stand sorted, or all there are. */
  private fetch(count: number): void {
    const { far } = this
    const missing = count - (this.high - this.low)
    if (far === null || missing <= 0) return
    const best = far.best(missing)
    if (this.low - this.first < best.length) this.recentre(best.length)
    for (let i = best.length - 1; i >= 0; i--) {
      const key = best[i] as number
      this.low--
      this.near[2 * this.low] = key
      this.near[2 * this.low + 1] = far.take(key)
    }
    if (far.length > 0) {
      this.bound = this.key(this.low)
    } else {
      this.bound = Number.NEGATIVE_INFINITY
      this.far = null
    }
  }

  /** Puts the levels back in the middle with at least `room` on each side. Returns the shift. */
  private recentre(room: number): number {
    const { near, low, high } = this
    const length = high - low
    let capacity = this.end - this.first
    while (capacity < 2 * (length + room)) capacity *= 2
    if (capacity > this.end - this.first) {
      this.near = new Float64Array(2 * capacity)
      this.first = 0
      this.end = capacity
    }
    this.low = (this.first + this.end - length) >> 1
    this.high = this.low + length
    const levels = near.subarray(2 * low, 2 * high)
    this.near.set(levels, 2 * this.low)
    return this.low - low
  }
}
