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

/** "the checksum is always calculated over the top 10 bids and asks" */
const LEVELS = 10

/** the CRC's state before the first digit */
const INITIAL = -1
const POWER_OF_TEN = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`))

/** What one side was when its part was last computed. */
class Part {
  revision = -1
  count = 0
  /** price and size by turns */
  readonly levels = new Float64Array(2 * LEVELS)
  /** of each level: CRC of its digits alone, how many they are, state of the CRC behind it */
  readonly pieces = new Int32Array(3 * LEVELS)
}

interface Memory {
  readonly asks: Part
  readonly bids: Part
  readonly price_decimals: number
  readonly size_decimals: number
  checksum: number
}

const memories = new WeakMap<Book, Memory>()
/** what a side is now, before it becomes the memory */
const levels_now = new Float64Array(2 * LEVELS)
const pieces_now = new Int32Array(3 * LEVELS)

/** The checksum that the exchange would compute over this book, from the digits as sent. */
export function checksum(book: Book): number {
  const memory = recall(book)
  const { asks, bids } = memory
  const ask = renew(asks, book.asks, 1, book)
  const bid = renew(bids, book.bids, -1, book)
  if (ask === NOTHING && bid === NOTHING) return memory.checksum
  if (ask !== NOTHING) join(asks, ask, INITIAL)
  // behind another state all states are others
  join(bids, ask === NOTHING ? bid : 0, stateBehind(asks, asks.count, INITIAL))
  memory.checksum = ~stateBehind(bids, bids.count, stateBehind(asks, asks.count, INITIAL)) >>> 0
  return memory.checksum
}

function recall(book: Book): Memory {
  const known = memories.get(book)
  const { price_decimals, size_decimals } = book
  if (known?.price_decimals === price_decimals && known.size_decimals === size_decimals) {
    return known
  }
  // every number has other digits now
  const parts = { asks: new Part(), bids: new Part() }
  const memory = { ...parts, price_decimals, size_decimals, checksum: 0 }
  memories.set(book, memory)
  return memory
}

/** No rank has changed. */
const NOTHING = -1

/**
 * Brings a side's memory up to date but for the states. Levels that are still there keep their
 * pieces. `worse` is the direction of worse prices. Returns the first rank that changed, or NOTHING.
 */
function renew(part: Part, side: Side, worse: 1 | -1, book: Book): number {
  if (part.revision === side.revision) return NOTHING
  part.revision = side.revision
  const { levels, pieces } = part
  const count = side.top(levels_now)
  let first = 0
  while (first < count && first < part.count && isSame(first, levels, first)) first++
  if (first === count && first === part.count) return NOTHING
  // both are sorted: a level that is still there stands no further on than the first worse one
  for (let rank = first, was = first; rank < count; rank++) {
    const price = (levels_now[2 * rank] as number) * worse
    while (was < part.count && (levels[2 * was] as number) * worse < price) was++
    if (was < part.count && isSame(rank, levels, was)) {
      pieces_now[3 * rank] = pieces[3 * was] as number
      pieces_now[3 * rank + 1] = pieces[3 * was + 1] as number
    } else {
      contribute(rank, book)
    }
  }
  for (let i = 2 * first; i < 2 * count; i++) levels[i] = levels_now[i] as number
  for (let i = 3 * first; i < 3 * count; i++) pieces[i] = pieces_now[i] as number
  part.count = count
  return first
}

function isSame(rank: number, levels: Float64Array, was: number): boolean {
  return (
    levels_now[2 * rank] === levels[2 * was] && levels_now[2 * rank + 1] === levels[2 * was + 1]
  )
}

/** The piece of a level that was not there before. */
function contribute(rank: number, book: Book): void {
  pieces_now[3 * rank] = 0
  pieces_now[3 * rank + 1] = 0
  addNumber(rank, levels_now[2 * rank] as number, book.price_decimals)
  addNumber(rank, levels_now[2 * rank + 1] as number, book.size_decimals)
}

function addNumber(rank: number, value: number, decimals: number): void {
  const state = pieces_now[3 * rank] as number
  const whole = Math.round(value * (POWER_OF_TEN[decimals] as number))
  if (whole <= Number.MAX_SAFE_INTEGER) {
    let digits = 1
    while (whole >= (POWER_OF_TEN[digits] as number)) digits++
    pieces_now[3 * rank] = addDigits(state, whole)
    pieces_now[3 * rank + 1] = (pieces_now[3 * rank + 1] as number) + digits
    return
  }
  // the product is no longer exact; the decimal expansion still is
  const digits = Buffer.from(value.toFixed(decimals).replace('.', '').replace(/^0+/, ''))
  pieces_now[3 * rank] = digits.reduce(addByte, state)
  pieces_now[3 * rank + 1] = (pieces_now[3 * rank + 1] as number) + digits.length
}

/** Carries the CRC on over the levels from rank `first` on; `before` is its state before rank 0. */
function join(part: Part, first: number, before: number): void {
  const { pieces, count } = part
  let state = stateBehind(part, first, before)
  for (let i = 3 * first; i < 3 * count; i += 3) {
    state = advance(state, pieces[i + 1] as number) ^ (pieces[i] as number)
    pieces[i + 2] = state
  }
}

/** State behind the best `ranks` levels. */
function stateBehind(part: Part, ranks: number, before: number): number {
  return ranks === 0 ? before : (part.pieces[3 * ranks - 1] as number)
}
