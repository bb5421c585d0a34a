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
import { addByte, addDigits, advance } from './crc32.ts'
import type { BookChecksum } from './exchange.ts'

/** "the checksum is always calculated over the top 10 bids and asks" */
const LEVELS = 10
/** Positions of what is remembered: ten asks, then ten bids. */
const ASKS = 0
const BIDS = LEVELS
/** the CRC's state before the first digit */
const INITIAL = -1
const OF_NOTHING = ~INITIAL >>> 0
/** no rank has changed */
const NOTHING = -1
const POWER_OF_TEN = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`))

/** what a side is now, before it becomes the memory */
const levels_now = new Float64Array(2 * LEVELS)
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
  /** of each level: CRC of its digits alone, how many they are, state of the whole CRC behind it */
  private readonly pieces: Int32Array

  constructor() {
    // one piece of memory: it is fetched anew for every frame
    const bytes = 2 * LEVELS * 2 * 8
    const memory = new ArrayBuffer(bytes + 2 * LEVELS * 3 * 4)
    this.levels = new Float64Array(memory, 0, 2 * LEVELS * 2)
    this.pieces = new Int32Array(memory, bytes)
  }

  of(book: Book): number {
    const { asks, bids } = book
    this.takeDigits(book)
    let ask = NOTHING
    let bid = NOTHING
    if (asks.revision !== this.asks_revision) {
      ask = this.renew(ASKS, this.asks, asks, book)
      this.asks = Math.min(LEVELS, asks.length)
      this.asks_revision = asks.revision
    }
    if (bids.revision !== this.bids_revision) {
      bid = this.renew(BIDS, this.bids, bids, book)
      this.bids = Math.min(LEVELS, bids.length)
      this.bids_revision = bids.revision
    }
    if (ask === NOTHING && bid === NOTHING) return this.value
    if (ask !== NOTHING) this.join(ASKS, ask, this.asks, INITIAL)
    const middle = this.stateBehind(ASKS, this.asks, INITIAL)
    // behind another state all states are others
    this.join(BIDS, ask === NOTHING ? bid : 0, this.bids, middle)
    this.value = ~this.stateBehind(BIDS, this.bids, middle) >>> 0
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
   * Brings the memory of a side of `known` levels up to date, but for the states. Levels that are
   * still there keep their pieces. Returns the first rank that changed, or NOTHING.
   */
  private renew(base: number, known: number, side: Side, book: Book): number {
    const { levels, pieces } = this
    const worse = base === ASKS ? 1 : -1
    const count = side.top(levels_now)
    const end = base + known
    let first = 0
    while (first < count && first < known && isSame(first, levels, base + first)) first++
    if (first === count && first === known) return NOTHING
    // both are sorted: a level that is still there stands no further on than the first worse one
    for (let rank = first, was = base + first; rank < count; rank++) {
      const price = (levels_now[2 * rank] as number) * worse
      while (was < end && (levels[2 * was] as number) * worse < price) was++
      if (was < end && isSame(rank, levels, was)) {
        pieces_now[2 * rank] = pieces[3 * was] as number
        pieces_now[2 * rank + 1] = pieces[3 * was + 1] as number
      } else {
        contribute(rank, book)
      }
    }
    for (let rank = first, at = base + first; rank < count; rank++, at++) {
      levels[2 * at] = levels_now[2 * rank] as number
      levels[2 * at + 1] = levels_now[2 * rank + 1] as number
      pieces[3 * at] = pieces_now[2 * rank] as number
      pieces[3 * at + 1] = pieces_now[2 * rank + 1] as number
    }
    return first
  }

  /** Carries the CRC on over a side from rank `first` on; `before` is its state before rank 0. */
  private join(base: number, first: number, count: number, before: number): void {
    const { pieces } = this
    let state = this.stateBehind(base, first, before)
    for (let i = 3 * (base + first); i < 3 * (base + count); i += 3) {
      state = advance(state, pieces[i + 1] as number) ^ (pieces[i] as number)
      pieces[i + 2] = state
    }
  }

  /** State behind the best `ranks` levels of a side. */
  private stateBehind(base: number, ranks: number, before: number): number {
    return ranks === 0 ? before : (this.pieces[3 * (base + ranks) - 1] as number)
  }
}

function isSame(rank: number, levels: Float64Array, at: number): boolean {
  return levels_now[2 * rank] === levels[2 * at] && levels_now[2 * rank + 1] === levels[2 * at + 1]
}

/** The piece of a level that was not there before. */
function contribute(rank: number, book: Book): void {
  pieces_now[2 * rank] = 0
  pieces_now[2 * rank + 1] = 0
  addNumber(rank, levels_now[2 * rank] as number, book.price_decimals)
  addNumber(rank, levels_now[2 * rank + 1] as number, book.size_decimals)
}

function addNumber(rank: number, value: number, decimals: number): void {
  const state = pieces_now[2 * rank] as number
  const whole = Math.round(value * (POWER_OF_TEN[decimals] as number))
  if (whole <= Number.MAX_SAFE_INTEGER) {
    let digits = 1
    while (whole >= (POWER_OF_TEN[digits] as number)) digits++
    pieces_now[2 * rank] = addDigits(state, whole)
    pieces_now[2 * rank + 1] = (pieces_now[2 * rank + 1] as number) + digits
    return
  }
  // the product is no longer exact; the decimal expansion still is
  const digits = Buffer.from(value.toFixed(decimals).replace('.', '').replace(/^0+/, ''))
  pieces_now[2 * rank] = digits.reduce(addByte, state)
  pieces_now[2 * rank + 1] = (pieces_now[2 * rank + 1] as number) + digits.length
}
