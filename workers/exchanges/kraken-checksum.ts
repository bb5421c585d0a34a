/**
 * Kraken's checksum of a book. Every message carries one, and few messages change more than one of
 * the levels that it covers: what the others contribute is remembered from the time before.
 *
 * https://docs.kraken.com/api/docs/guides/spot-ws-book-v2
 * 1. asks from low to high, then bids from high to low, ten of each
 * 2. of each level price, then quantity: the point removed, then leading zeros
 * 3. CRC32 of the concatenation, as an unsigned integer
 */
import type { Book } from '../book/book.ts'
import { addByte, addDigits, advance } from './crc32.ts'

/** "the checksum is always calculated over the top 10 bids and asks" */
const LEVELS = 10

/** Of each covered level: price, size, the CRC of its digits alone, how many they are, the state. */
const STRIDE = 5
const SIDE = LEVELS * STRIDE
/** the state of the CRC before the first level */
const INITIAL = -1
const POWER_OF_TEN = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`))

/** What was last computed for a book: one array, so that little has to be fetched from memory. */
interface Memory {
  levels: Float64Array
  asks: number
  bids: number
  checksum: number
  readonly price_decimals: number
  readonly size_decimals: number
}

const memories = new WeakMap<Book, Memory>()
/** where the levels of now are put together before they become the memory */
let spare: Float64Array = new Float64Array(2 * SIDE)

/** The checksum that the exchange would compute over this book, from the digits as sent. */
export function checksum(book: Book): number {
  const memory = recall(book)
  const { levels, asks, bids } = memory
  const now = spare
  const asks_now = book.asks.top(LEVELS, now, 0, STRIDE)
  const bids_now = book.bids.top(LEVELS, now, SIDE, STRIDE)
  const asks_same = compare(now, asks_now, levels, asks, 0, book)
  const bids_same = compare(now, bids_now, levels, bids, SIDE, book)
  if (asks_same === asks && asks === asks_now && bids_same === bids && bids === bids_now) {
    return memory.checksum
  }
  const state = join(now, 0, asks_now, asks_same, INITIAL)
  // what comes after a change is carried on from another state, changed itself or not
  const bids_begin = asks_same === asks && asks === asks_now ? bids_same : 0
  memory.checksum = ~join(now, SIDE, bids_now, bids_begin, state) >>> 0
  memory.levels = now
  memory.asks = asks_now
  memory.bids = bids_now
  spare = levels
  return memory.checksum
}

function recall(book: Book): Memory {
  const known = memories.get(book)
  const { price_decimals, size_decimals } = book
  if (known?.price_decimals === price_decimals && known.size_decimals === size_decimals) {
    return known
  }
  // every number has other digits now
  const levels = new Float64Array(2 * SIDE)
  const memory = { levels, asks: 0, bids: 0, checksum: 0, price_decimals, size_decimals }
  memories.set(book, memory)
  return memory
}

/**
 * Completes the levels of one side, which begin at `from`: those that stood there before contribute
 * what they did, the others are computed. Returns how many from the best on are as they were.
 */
function compare(
  now: Float64Array,
  count: number,
  before: Float64Array,
  count_before: number,
  from: number,
  book: Book,
): number {
  const end = from + count * STRIDE
  const end_before = from + count_before * STRIDE
  const worse = from === 0 ? 1 : -1
  let at = from
  while (at < end && at < end_before && isSame(now, at, before, at)) {
    keep(now, at, before, at)
    now[at + 4] = before[at + 4] as number
    at += STRIDE
  }
  const same = (at - from) / STRIDE
  // both are sorted: a level that is still there stands no further on than the first worse one
  for (let was = at; at < end; at += STRIDE) {
    const price = (now[at] as number) * worse
    while (was < end_before && (before[was] as number) * worse < price) was += STRIDE
    if (was < end_before && isSame(now, at, before, was)) keep(now, at, before, was)
    else contribute(now, at, book)
  }
  return same
}

function isSame(now: Float64Array, at: number, before: Float64Array, was: number): boolean {
  return now[at] === before[was] && now[at + 1] === before[was + 1]
}

function keep(now: Float64Array, at: number, before: Float64Array, was: number): void {
  now[at + 2] = before[was + 2] as number
  now[at + 3] = before[was + 3] as number
}

/** CRC and number of a level's digits. */
function contribute(now: Float64Array, at: number, book: Book): void {
  now[at + 2] = 0
  now[at + 3] = 0
  addNumber(now, at, now[at] as number, book.price_decimals)
  addNumber(now, at, now[at + 1] as number, book.size_decimals)
}

function addNumber(now: Float64Array, at: number, value: number, decimals: number): void {
  const state = now[at + 2] as number
  const whole = Math.round(value * (POWER_OF_TEN[decimals] as number))
  if (whole <= Number.MAX_SAFE_INTEGER) {
    let digits = 1
    while (whole >= (POWER_OF_TEN[digits] as number)) digits++
    now[at + 2] = addDigits(state, whole)
    now[at + 3] = (now[at + 3] as number) + digits
    return
  }
  // the product is no longer exact; the decimal expansion still is
  const digits = Buffer.from(value.toFixed(decimals).replace('.', '').replace(/^0+/, ''))
  now[at + 2] = digits.reduce(addByte, state)
  now[at + 3] = (now[at + 3] as number) + digits.length
}

/** Carries the state on over one side's levels; over those before `first` it has been already. */
function join(
  levels: Float64Array,
  from: number,
  count: number,
  first: number,
  initial: number,
): number {
  const begin = from + first * STRIDE
  let state = first === 0 ? initial : (levels[begin - 1] as number)
  for (let at = begin; at < from + count * STRIDE; at += STRIDE) {
    state = advance(state, levels[at + 3] as number) ^ (levels[at + 2] as number)
    levels[at + 4] = state
  }
  return state
}
