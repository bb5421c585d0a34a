/**
 * Kraken's checksum of a book. Every message carries one, and few messages change more than one of
 * the levels that it covers: what the others contribute is remembered from the time before.
 *
 * https://docs.kraken.com/api/docs/guides/spot-ws-book-v2
 * 1. asks from low to high, then bids from high to low, ten of each
 * 2. of each level price, then quantity: the point removed, then leading zeros
 * 3. CRC32 of the concatenation, as an unsigned integer
 */
import type { Book, Side } from '../book/book.ts'
import type { BookUpdate, Levels } from '../book/update.ts'
import { addByte, advance, countDigits, crcOfPair } from './crc32.ts'
import type { BookChecksum } from './exchange.ts'

/** "the checksum is always calculated over the top 10 bids and asks" */
const LEVELS = 10
/** Ranks of what is remembered: ten asks, then ten bids. */
const ASKS = 0
const BIDS = LEVELS
/** the CRC's state before the first digit */
const INITIAL = -1
const POWER_OF_TEN = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`))
/**
 * A price times a power of ten is a whole number but for two roundings. Below this they are too
 * small to lead to another one.
 */
const MOST_CERTAIN = 2 ** 50

/** Price and size of a level. */
const NUMBERS = 2
/** Of a level: CRC of its digits alone, how many they are; behind it the CRC and the digits so far. */
const FIELDS = 4
const PIECE = 0
const LENGTH = 1
const STATE = 2
const END = 3

/** What many checksums remember lies together: what is fetched for one is there for the others. */
interface Memory {
  readonly levels: Float64Array
  readonly pieces: Int32Array
}

const BOOKS_TOGETHER = 64
let memory: Memory = newMemory()
let taken = 0

/** a side's best levels now: price and size by turns */
const now = new Float64Array(NUMBERS * LEVELS)

export class KrakenChecksum implements BookChecksum {
  private value = ~INITIAL
  private price_decimals = -1
  private size_decimals = -1
  private asks = 0
  private bids = 0
  private asks_revision = -1
  private bids_revision = -1
  /** position of the first ask in the memory */
  private readonly home: number
  private readonly levels: Float64Array
  /** the bids' CRC begins anew, from nothing */
  private readonly pieces: Int32Array

  constructor() {
    if (taken === BOOKS_TOGETHER) {
      memory = newMemory()
      taken = 0
    }
    this.home = 2 * LEVELS * taken++
    this.levels = memory.levels
    this.pieces = memory.pieces
  }

  of(book: Book, update: BookUpdate): number {
    const { asks, bids } = book
    this.takeDigits(book)
    let changed = false
    if (asks.revision !== this.asks_revision) {
      const follows = isAllSince(this.asks_revision, asks, update, update.asks)
      const base = this.home + ASKS
      const from = follows ? this.rankOfBest(update.asks, base, this.asks, 1) : 0
      if (from < LEVELS) {
        this.asks = this.renew(asks, base, this.asks, from, 1)
        changed = true
      }
      this.asks_revision = asks.revision
    }
    if (bids.revision !== this.bids_revision) {
      const follows = isAllSince(this.bids_revision, bids, update, update.bids)
      const base = this.home + BIDS
      const from = follows ? this.rankOfBest(update.bids, base, this.bids, -1) : 0
      if (from < LEVELS) {
        this.bids = this.renew(bids, base, this.bids, from, -1)
        changed = true
      }
      this.bids_revision = bids.revision
    }
    if (changed) this.value = ~this.join()
    return this.value >>> 0
  }

  /** With other decimals every number has other digits. */
  private takeDigits({ price_decimals, size_decimals }: Book): void {
    if (price_decimals === this.price_decimals && size_decimals === this.size_decimals) return
    this.price_decimals = price_decimals
    this.size_decimals = size_decimals
    this.value = ~INITIAL
    this.asks = 0
    this.bids = 0
    this.asks_revision = -1
    this.bids_revision = -1
  }

  /**
   * Rank of the best of these levels among the `known` at `base`: those before it are what they were.
   * LEVELS when nothing that the checksum covers changed.
   */
  private rankOfBest(changed: Levels, base: number, known: number, worse: 1 | -1): number {
    const { levels } = this
    let best = (changed.price[0] as number) * worse
    for (let i = 1; i < changed.count; i++) {
      const price = (changed.price[i] as number) * worse
      if (price < best) best = price
    }
    let rank = 0
    while (rank < known && (levels[NUMBERS * (base + rank)] as number) * worse < best) rank++
    return rank
  }

  /**
   * Makes the `known` levels at `base` those of the side, all before rank `from` being the same.
   * `worse` is the sign of a step away from the top. Returns how many there are.
   */
  private renew(side: Side, base: number, known: number, from: number, worse: 1 | -1): number {
    const { levels } = this
    const count = side.top(now, from)
    let first = LEVELS
    let length = known
    for (let rank = from; rank < count; rank++) {
      const price = now[NUMBERS * rank] as number
      const size = now[NUMBERS * rank + 1] as number
      const at = NUMBERS * (base + rank)
      if (rank < length && levels[at] === price && levels[at + 1] === size) continue
      if (first === LEVELS) first = rank
      while (rank < length && (levels[at] as number) * worse < price * worse) {
        length--
        this.remove(base + rank, base + length)
      }
      if (rank < length && levels[at] === price) {
        // a level that was further away may have come here with the size that it had
        if (levels[at + 1] === size) continue
      } else {
        length = Math.min(LEVELS, length + 1)
        this.insert(base + rank, base + length - 1)
      }
      this.write(base + rank, price, size)
    }
    // the bids' CRC begins from nothing
    if (first < LEVELS) this.chain(base, first, count, worse === 1 ? INITIAL : 0)
    return count
  }

  /** The levels behind `at` come one rank nearer; the last of them stood at `last`. */
  private remove(at: number, last: number): void {
    const { levels, pieces } = this
    for (let to = at; to < last; to++) {
      levels[NUMBERS * to] = levels[NUMBERS * to + 2] as number
      levels[NUMBERS * to + 1] = levels[NUMBERS * to + 3] as number
      pieces[FIELDS * to + PIECE] = pieces[FIELDS * to + FIELDS + PIECE] as number
      pieces[FIELDS * to + LENGTH] = pieces[FIELDS * to + FIELDS + LENGTH] as number
    }
  }

  /** The levels from `at` on go one rank further away, the last of them to `last`. */
  private insert(at: number, last: number): void {
    const { levels, pieces } = this
    for (let to = last; to > at; to--) {
      levels[NUMBERS * to] = levels[NUMBERS * to - 2] as number
      levels[NUMBERS * to + 1] = levels[NUMBERS * to - 1] as number
      pieces[FIELDS * to + PIECE] = pieces[FIELDS * to - FIELDS + PIECE] as number
      pieces[FIELDS * to + LENGTH] = pieces[FIELDS * to - FIELDS + LENGTH] as number
    }
  }

  /** A level that was not there before. */
  private write(at: number, price: number, size: number): void {
    const { levels, pieces, price_decimals, size_decimals } = this
    levels[NUMBERS * at] = price
    levels[NUMBERS * at + 1] = size
    const ticks = Math.round(price * (POWER_OF_TEN[price_decimals] as number))
    const lots = Math.round(size * (POWER_OF_TEN[size_decimals] as number))
    if (ticks < MOST_CERTAIN && lots < MOST_CERTAIN) {
      const price_digits = countDigits(ticks)
      const size_digits = countDigits(lots)
      pieces[FIELDS * at + PIECE] = crcOfPair(ticks, price_digits, lots, size_digits)
      pieces[FIELDS * at + LENGTH] = price_digits + size_digits
      return
    }
    // the product is no longer exact; the decimal expansion still is
    const digits = Buffer.from(digitsOf(price, price_decimals) + digitsOf(size, size_decimals))
    pieces[FIELDS * at + PIECE] = digits.reduce(addByte, 0)
    pieces[FIELDS * at + LENGTH] = digits.length
  }

  /** Carries the CRC on over a side of `count` levels from rank `first` on. */
  private chain(base: number, first: number, count: number, before: number): void {
    const { pieces } = this
    const from = FIELDS * (base + first)
    let state = first === 0 ? before : (pieces[from - FIELDS + STATE] as number)
    let end = first === 0 ? 0 : (pieces[from - FIELDS + END] as number)
    for (let at = from; at < FIELDS * (base + count); at += FIELDS) {
      const length = pieces[at + LENGTH] as number
      state = advance(state, length) ^ (pieces[at + PIECE] as number)
      end += length
      pieces[at + STATE] = state
      pieces[at + END] = end
    }
  }

  /** The state behind both sides. */
  private join(): number {
    const { asks, bids, home, pieces } = this
    const last_ask = FIELDS * (home + ASKS + asks - 1)
    const last_bid = FIELDS * (home + BIDS + bids - 1)
    const state = asks === 0 ? INITIAL : (pieces[last_ask + STATE] as number)
    if (bids === 0) return state
    return advance(state, pieces[last_bid + END] as number) ^ (pieces[last_bid + STATE] as number)
  }
}

/** True when these levels of the update are all that was applied to the side since the revision. */
function isAllSince(revision: number, side: Side, update: BookUpdate, levels: Levels): boolean {
  return !update.snapshot && levels.count > 0 && side.revision === revision + 1
}

function newMemory(): Memory {
  const levels = 2 * LEVELS * BOOKS_TOGETHER
  return {
    levels: new Float64Array(NUMBERS * levels),
    pieces: new Int32Array(FIELDS * levels),
  }
}

function digitsOf(value: number, decimals: number): string {
  return value.toFixed(decimals).replace('.', '').replace(/^0+/, '')
}
