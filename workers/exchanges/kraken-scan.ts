/**
 * Kraken's changes of one book and its heartbeats, read from their bytes. Snapshots and everything
 * else are left to the JSON reader, which keeps what a connection must remember about windows.
 *
 *   {"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[],
 *    "asks":[{"price":63405.1,"qty":0.03154320}],"checksum":1396314585,
 *    "timestamp":"2026-08-02T03:35:51.671461Z"}]}
 *   {"channel":"heartbeat"}
 */
import { BookUpdate, type Levels } from '../book/update.ts'
import { decimalAt, found, integerAt } from './digits.ts'
import type { FrameHandler, MarketTable } from './exchange.ts'
import type { FrameScanner } from './fast.ts'
import { arrived, begin, price_decimals, size_decimals } from './scan.ts'
import { bytes, phrase, phraseAt, take, timeAt, WordNames } from './words.ts'

const SYMBOL = phrase('{"channel":"book","type":"update","data":[{"symbol":"')
const BIDS = phrase(',"bids":[')
const ASKS = phrase(',"asks":[')
const PRICE = phrase('{"price":')
const SIZE = phrase(',"qty":')
const CHECKSUM = phrase(',"checksum":')
const TIMESTAMP = phrase(',"timestamp":"')
const END = phrase('"}]}')
const HEARTBEAT = phrase('{"channel":"heartbeat"}')
const ZERO = 0x30
const NINE = 0x39
const COMMA = 0x2c
const CLOSE = 0x5d
const CLOSE_LEVEL = 0x7d

export class KrakenScanner implements FrameScanner {
  private readonly update = new BookUpdate()
  private readonly names: WordNames

  constructor(markets: MarketTable) {
    this.names = new WordNames(markets)
  }

  scan(frame: Buffer, handler: FrameHandler): 'book' | 'control' | null {
    if (!take(frame)) return null
    const name = phraseAt(0, SYMBOL)
    if (name < 0) return phraseAt(0, HEARTBEAT) === frame.length ? 'control' : null
    const { update } = this
    begin(update)
    let at = this.names.find(frame, name)
    update.market = this.names.market
    at = phraseAt(at, BIDS)
    at = levels(at, update.bids)
    at = phraseAt(at, ASKS)
    at = levels(at, update.asks)
    at = phraseAt(at, CHECKSUM)
    at = at < 0 ? -1 : integerAt(bytes, at)
    update.checksum = found.integer
    at = phraseAt(at, TIMESTAMP)
    at = timeAt(at, update)
    at = phraseAt(at, END)
    if (!arrived(frame, at, update)) return null
    handler.book(update)
    return 'book'
  }
}

/** `{"price":63405.1,"qty":0.03154320},…]`, added to `side`. */
function levels(from: number, side: Levels): number {
  if (from < 0 || bytes[from] === CLOSE) return from < 0 ? -1 : from + 1
  for (let at = from; ; at++) {
    const { count } = side
    if (count === side.price.length) side.grow()
    at = jsonNumber(phraseAt(at, PRICE), side.price, count, price_decimals)
    if (at < 0 || side.price[count] === 0) return -1
    at = jsonNumber(phraseAt(at, SIZE), side.size, count, size_decimals)
    if (at < 0 || bytes[at++] !== CLOSE_LEVEL) return -1
    side.count = count + 1
    if (bytes[at] === CLOSE) return at + 1
    if (bytes[at] !== COMMA) return -1
  }
}

/** Where the others have decimals in quotes, leading zeros are an error here. */
function jsonNumber(
  from: number,
  into: Float64Array,
  index: number,
  decimals: typeof price_decimals,
): number {
  if (from < 0) return -1
  const second = bytes[from + 1] as number
  if (bytes[from] === ZERO && second >= ZERO && second <= NINE) return -1
  return decimalAt(bytes, from, into, index, decimals)
}
