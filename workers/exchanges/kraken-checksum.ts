/**
 * Kraken's checksum of a book. Every message carries one and few messages change more than one of
 * the levels that it covers, so what the others contribute is remembered from the time before.
 *
 * https://docs.kraken.com/api/docs/guides/spot-ws-book-v2
 * 1. asks from low to high, then bids from high to low, ten of each
 * 2. of each level price, then quantity: the point removed, then leading zeros
 * 3. CRC32 of the concatenation, as an unsigned integer
 */
import { crc32 } from 'node:zlib'
import type { Book, Side } from '../book/book.ts'
import { addDigits, advance, digitsOf } from './crc32.ts'

/** "the checksum is always calculated over the top 10 bids and asks" */
const LEVELS = 10

/** The covered levels of one side and what each contributes. */
class Part {
  count = 0
  readonly price = new Float64Array(LEVELS)
  readonly size = new Float64Array(LEVELS)
  /** CRC of the level's digits alone, and how many they are */
  readonly crc = new Int32Array(LEVELS)
  readonly digits = new Uint8Array(LEVELS)
}

class Memory {
  asks = new Part()
  bids = new Part()
  price_decimals = -1
  size_decimals = -1
  checksum = 0
}

const memories = new WeakMap<Book, Memory>()
/** where the levels of now are put together, before they become the memory */
let spare = new Part()

/** The checksum that the exchange would compute over this book, from the digits as sent. */
export function checksum(book: Book): number {
  let memory = memories.get(book)
  if (memory === undefined) {
    memory = new Memory()
    memories.set(book, memory)
  }
  const same_digits =
    memory.price_decimals === book.price_decimals && memory.size_decimals === book.size_decimals
  if (!same_digits) {
    memory.asks.count = 0
    memory.bids.count = 0
    memory.price_decimals = book.price_decimals
    memory.size_decimals = book.size_decimals
  }
  const asks_before = memory.asks
  const asks_same = look(spare, asks_before, book.asks, 1, memory)
}
