/**
 * Bybit's snapshots and deltas of a book, read from their bytes. Everything else is left to the JSON
 * reader. Spot has `ts` before `type`, the other categories have it behind.
 *
 *   {"topic":"orderbook.50.BTCUSDT","ts":1687940967466,"type":"delta","data":{"s":"BTCUSDT",
 *    "b":[["30240.00","0"]],"a":[],"u":177400507,"seq":66544703342},"cts":1687940967464}
 */
import { BookUpdate } from '../book/update.ts'
import { found } from './digits.ts'
import type { FrameHandler, MarketTable } from './exchange.ts'
import type { FrameScanner } from './fast.ts'
import { MarketNames } from './names.ts'
import { anchor, arrived, begin, integer, literal, milliseconds, pairs, text } from './scan.ts'

const TOPIC = anchor('{"topic":"orderbook.')
const DEPTHS = ['50.', '200.', '500.', '1000.'].map(anchor)
const PUSH_TIME = anchor(',"ts":')
const DELTA = anchor(',"type":"delta"')
const SNAPSHOT = anchor(',"type":"snapshot"')
const SYMBOL = anchor(',"data":{"s":"')
const BIDS = anchor(',"b":')
const ASKS = anchor(',"a":')
const UPDATE_ID = anchor(',"u":')
const SEQUENCE = anchor(',"seq":')
const ENGINE_TIME = anchor('},"cts":')
const END = anchor('}')

export class BybitScanner implements FrameScanner {
  private readonly update = new BookUpdate()
  private readonly names: MarketNames

  constructor(markets: MarketTable) {
    this.names = new MarketNames(markets)
  }

  scan(frame: Buffer, handler: FrameHandler): 'book' | null {
    const { update } = this
    begin(update)
    const name = bookTopic(frame)
    let at = text(frame, name)
    update.market = this.names.find(frame, name, at - 1)
    const pushed = literal(frame, at, PUSH_TIME)
    if (pushed >= 0) {
      at = integer(frame, pushed)
      at = this.type(frame, at)
    } else {
      at = this.type(frame, at)
      at = literal(frame, at, PUSH_TIME)
      at = integer(frame, at)
    }
    at = literal(frame, at, SYMBOL)
    at = text(frame, at)
    at = literal(frame, at, BIDS)
    at = pairs(frame, at, update.bids)
    at = literal(frame, at, ASKS)
    at = pairs(frame, at, update.asks)
    at = literal(frame, at, UPDATE_ID)
    at = integer(frame, at)
    update.first_id = found.integer
    update.last_id = found.integer
    at = literal(frame, at, SEQUENCE)
    at = integer(frame, at)
    at = literal(frame, at, ENGINE_TIME)
    at = milliseconds(frame, at, update)
    at = literal(frame, at, END)
    if (!arrived(frame, at, update) || update.market < 0) return null
    // "If u is 1, it is a snapshot data due to a restart of the service: overwrite your book"
    if (update.last_id === 1) update.snapshot = true
    handler.book(update)
    return 'book'
  }

  private type(frame: Buffer, from: number): number {
    const at = literal(frame, from, DELTA)
    if (at >= 0) return at
    this.update.snapshot = true
    return literal(frame, from, SNAPSHOT)
  }
}

/** Position of the market's name, or -1 when the frame is of no such topic. */
function bookTopic(frame: Buffer): number {
  const from = literal(frame, 0, TOPIC)
  for (const depth of DEPTHS) {
    const at = literal(frame, from, depth)
    if (at >= 0) return at
  }
  return -1
}
