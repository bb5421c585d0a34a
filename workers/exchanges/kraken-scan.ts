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
import { decimalAt, digitAt, found } from './digits.ts'
import type { FrameHandler, MarketTable } from './exchange.ts'
import type { FrameScanner } from './fast.ts'
import { MarketNames } from './names.ts'
import {
  anchor,
  arrived,
  begin,
  integer,
  literal,
  price_decimals,
  size_decimals,
  text,
  timestamp,
} from './scan.ts'

const SYMBOL = anchor('{"channel":"book","type":"update","data":[{"symbol":"')
const BIDS = anchor(',"bids":[')
const ASKS = anchor(',"asks":[')
const PRICE = anchor('{"price":')
const SIZE = anchor(',"qty":')
const CHECKSUM = anchor(',"checksum":')
const TIMESTAMP = anchor(',"timestamp":"')
const END = anchor('"}]}')
const HEARTBEAT = anchor('{"channel":"heartbeat"}')
const COMMA = 0x2c
const CLOSE = 0x5d
const CLOSE_LEVEL = 0x7d

export class KrakenScanner implements FrameScanner {
  private readonly update = new BookUpdate()
  private readonly names: MarketNames

  constructor(markets: MarketTable) {
    this.names = new MarketNames(markets)
  }

  scan(frame: Buffer, handler: FrameHandler): 'book' | 'control' | null {
    const name = literal(frame, 0, SYMBOL)
    if (name < 0) return literal(frame, 0, HEARTBEAT) === frame.length ? 'control' : null
    const { update } = this
    begin(update)
    let at = text(frame, name)
    update.market = this.names.find(frame, name, at - 1)
    at = literal(frame, at, BIDS)
    at = levels(frame, at, update.bids)
    at = literal(frame, at, ASKS)
    at = levels(frame, at, update.asks)
    at = literal(frame, at, CHECKSUM)
    at = integer(frame, at)
    update.checksum = found.integer
    at = literal(frame, at, TIMESTAMP)
    at = timestamp(frame, at, update)
    at = literal(frame, at, END)
    if (!arrived(frame, at, update) || update.market < 0) return null
    handler.book(update)
    return 'book'
  }
}

/** `{"price":63405.1,"qty":0.03154320},…]`, added to `side`. */
function levels(frame: Buffer, from: number, side: Levels): number {
  if (from < 0 || frame[from] === CLOSE) return from < 0 ? -1 : from + 1
  for (let at = from; ; at++) {
    const { count } = side
    if (count === side.price.length) side.grow()
    at = decimal(frame, literal(frame, at, PRICE), side.price, count, price_decimals)
    if (at < 0 || side.price[count] === 0) return -1
    at = decimal(frame, literal(frame, at, SIZE), side.size, count, size_decimals)
    if (at < 0 || frame[at++] !== CLOSE_LEVEL) return -1
    side.count = count + 1
    if (frame[at] === CLOSE) return at + 1
    if (frame[at] !== COMMA) return -1
  }
}

/** A JSON number: where the others have decimals in quotes, leading zeros are an error here. */
function decimal(
  frame: Buffer,
  from: number,
  into: Float64Array,
  index: number,
  decimals: typeof price_decimals,
): number {
  if (from < 0 || (frame[from] === 0x30 && digitAt(frame, from + 1) >= 0)) return -1
  return decimalAt(frame, from, into, index, decimals)
}
