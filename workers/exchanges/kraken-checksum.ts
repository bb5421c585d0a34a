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
import { addByte, advance, countDigits, crcOfPair } from './crc32.ts'
import type { BookChecksum } from './exchange.ts'

/** "the checksum is always calculated over the top 10 bids and asks" */
const LEVELS = 10
/** Positions of what is remembered: ten asks, then ten bids. */
const ASKS = 0
const BIDS = LEVELS
/** the CRC's state before the first digit */
const INITIAL = -1
const OF_NOTHING = ~INITIAL >>> 0
const POWER_OF_TEN = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`))
/**
 * A price times a power of ten is a whole number but for two roundings. Below this they are too
 * small to lead to another one.
 */
const MOST_CERTAIN = 2 ** 50
/** of each level: CRC of its digits alone, how many they are; behind it the CRC and the digits so far */
const FIELDS = 4
const PIECE = 0
const LENGTH = 1
const STATE = 2
const END = 3

/** what a side is now, before it becomes the memory: price and size by turns */
const levels_now = new Float64Array(2 * LEVELS)
/** CRC and length */
const pieces_now = new Int32Array(2 * LEVELS)

export class KrakenChecksum implements BookChecksum {
  private value = OF_NOTHING
  private price_decimals = -1
  private size_decimals = -1
  private asks = 0
  private bids = 0
  private asks_revision = -1
  private bids_revision = -1
  /** price and size by turns */
  private readonly levels: Float64Array
  /** four fields a level; the bids' CRC begins anew, from nothing */
  private readonly pieces: Int32Array

  constructor() {
    // one piece of memory: it is fetched anew for every frame
    const bytes = 2 * LEVELS * 2 * 8
    const memory = new ArrayBuffer(bytes + 2 * LEVELS * FIELDS * 4)
    this.levels = new Float64Array(memory, 0, 2 * LEVELS * 2)
    this.pieces = new Int32Array(memory, bytes)
  }

  of(book: Book): number {
    const { asks, bids } = book
    this.takeDigits(book)
    let changed = false
    if (asks.revision !== this.asks_revision) {
      changed = this.renew(ASKS, this.asks, asks, book)
      this.asks = Math.min(LEVELS, asks.length)
      this.asks_revision = asks.revision
    }
    if (bids.revision !== this.bids_revision) {
      changed = this.renew(BIDS, this.bids, bids, book) || changed
      this.bids = Math.min(LEVELS, bids.length)
      this.bids_revision = bids.revision
    }
    if (changed) this.value = this.join()
    return this.value
  }

  /** With other decimals every number has other digits. */
  private takeDigits({ price_decimals, size_decimals }: Book): void {
    if (price_decimals === this.price_decimals && size_decimals === this.size_decimals) return
    this.price_decimals = price_decimals
    this.size_decimals = size_decimals
    this.value = OF_NOTHING
    this.asks = 0
    this.bids = 0
    this.asks_revision = -1
    this.bids_revision = -1
  }

  /**
   * Brings the memory of a side of `known` levels up to date. Levels that are still there keep their
   * pieces. True when one of them changed.
   */
  private renew(base: number, known: number, side: Side, book: Book): boolean {
    const { levels, pieces } = this
    const worse = base === ASKS ? 1 : -1
    const count = side.top(levels_now)
    const end = base + known
    let first = 0
    while (first < count && first < known && isSame(first, levels, base + first)) first++
    if (first === count && first === known) return false
    // both are sorted: a level that is still there stands no further on than the first worse one
    for (let rank = first, was = base + first; rank < count; rank++) {
      const price = (levels_now[2 * rank] as number) * worse
      while (was < end && (levels[2 * was] as number) * worse < price) was++
      if (was < end && isSame(rank, levels, was)) {
        pieces_now[2 * rank] = pieces[FIELDS * was + PIECE] as number
        pieces_now[2 * rank + 1] = pieces[FIELDS * was + LENGTH] as number
      } else {
        contribute(rank, book)
      }
    }
    this.remember(base, first, count)
    return true
  }

  /** Takes a side over from rank `first` on, and carries its CRC on over what is new. */
  private remember(base: number, first: number, count: number): void {
    const { levels, pieces } = this
    let state = base === ASKS ? INITIAL : 0
    let end = 0
    if (first > 0) {
      state = pieces[FIELDS * (base + first - 1) + STATE] as number
      end = pieces[FIELDS * (base + first - 1) + END] as number
    }
    for (let rank = first, at = base + first; rank < count; rank++, at++) {
      const piece = pieces_now[2 * rank] as number
      const length = pieces_now[2 * rank + 1] as number
      state = advance(state, length) ^ piece
      end += length
      levels[2 * at] = levels_now[2 * rank] as number
      levels[2 * at + 1] = levels_now[2 * rank + 1] as number
      pieces[FIELDS * at + PIECE] = piece
      pieces[FIELDS * at + LENGTH] = length
      pieces[FIELDS * at + STATE] = state
      pieces[FIELDS * at + END] = end
    }
  }

  /** The CRC of both sides. */
  private join(): number {
    const { asks, bids, pieces } = this
    const last_ask = FIELDS * (ASKS + asks - 1)
    const state = asks === 0 ? INITIAL : (pieces[last_ask + STATE] as number)
    if (bids === 0) return ~state >>> 0
    const last_bid = FIELDS * (BIDS + bids - 1)
    const carried = advance(state, pieces[last_bid + END] as number)
    return ~(carried ^ (pieces[last_bid + STATE] as number)) >>> 0
  }
}

function isSame(rank: number, levels: Float64Array, at: number): boolean {
  return levels_now[2 * rank] === levels[2 * at] && levels_now[2 * rank + 1] === levels[2 * at + 1]
}

/** The piece of a level that was not there before. */
function contribute(rank: number, book: Book): void {
  const price = levels_now[2 * rank] as number
  const size = levels_now[2 * rank + 1] as number
  const ticks = Math.round(price * (POWER_OF_TEN[book.price_decimals] as number))
  const lots = Math.round(size * (POWER_OF_TEN[book.size_decimals] as number))
  if (ticks < MOST_CERTAIN && lots < MOST_CERTAIN) {
    const price_digits = countDigits(ticks)
    const size_digits = countDigits(lots)
    pieces_now[2 * rank] = crcOfPair(ticks, price_digits, lots, size_digits)
    pieces_now[2 * rank + 1] = price_digits + size_digits
    return
  }
  // the product is no longer exact; the decimal expansion still is
  const digits = Buffer.from(
    digitsOf(price, book.price_decimals) + digitsOf(size, book.size_decimals),
  )
  pieces_now[2 * rank] = digits.reduce(addByte, 0)
  pieces_now[2 * rank + 1] = digits.length
}

function digitsOf(value: number, decimals: number): string {
  return value.toFixed(decimals).replace('.', '').replace(/^0+/, '')
}
