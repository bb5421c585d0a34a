/**
 * Coinbase Exchange's changes of a book, whole books and heartbeats, read from their bytes.
 * Everything else is left to the JSON reader.
 *
 *   {"type":"l2update","product_id":"BTC-USD","changes":[["buy","0.7896","2525.2"]],
 *    "time":"2021-04-17T16:43:44.432087Z"}
 *   {"type":"snapshot","product_id":"BTC-USD","asks":[["3.3024","97.66"]],"bids":[],"time":"…"}
 *   {"type":"heartbeat","last_trade_id":20,"product_id":"BTC-USD","sequence":90,"time":"…"}
 */
import { BookUpdate } from '../book/update.ts'
import type { FrameHandler, MarketTable } from './exchange.ts'
import type { FrameScanner } from './fast.ts'
import { MarketNames } from './names.ts'
import { anchor, arrived, begin, integer, literal, pair, pairs, text, timestamp } from './scan.ts'

const CHANGE = anchor('{"type":"l2update","product_id":"')
const CHANGES = anchor(',"changes":')
const BOUGHT = anchor('["buy","')
const SOLD = anchor('["sell","')
const SNAPSHOT = anchor('{"type":"snapshot","product_id":"')
const ASKS = anchor(',"asks":')
const BIDS = anchor(',"bids":')
const TIME = anchor(',"time":"')
const TIME_END = anchor('"}')
const END = anchor('}')
const HEARTBEAT = anchor('{"type":"heartbeat"')
const SEQUENCE = anchor(',"sequence":')
const LAST_TRADE = anchor(',"last_trade_id":')
const PRODUCT = anchor(',"product_id":"')
const COMMA = 0x2c
const OPEN = 0x5b
const CLOSE = 0x5d

export class CoinbaseScanner implements FrameScanner {
  private readonly update = new BookUpdate()
  private readonly names: MarketNames

  constructor(markets: MarketTable) {
    this.names = new MarketNames(markets)
  }

  scan(frame: Buffer, handler: FrameHandler): 'book' | 'control' | null {
    const { update } = this
    begin(update)
    let name = literal(frame, 0, CHANGE)
    const is_change = name >= 0
    if (!is_change) name = literal(frame, 0, SNAPSHOT)
    if (name < 0) return isHeartbeat(frame) ? 'control' : null
    let at = text(frame, name)
    update.market = this.names.find(frame, name, at - 1)
    at = is_change ? this.changes(frame, at) : this.whole(frame, at)
    if (!arrived(frame, at, update) || update.market < 0) return null
    handler.book(update)
    return 'book'
  }

  /** `,"changes":[["buy","0.7896","2525.2"],…],"time":"…"}` */
  private changes(frame: Buffer, from: number): number {
    const { bids, asks } = this.update
    let at = literal(frame, from, CHANGES)
    if (at < 0 || frame[at] !== OPEN) return -1
    do {
      const bought = literal(frame, at + 1, BOUGHT)
      at = bought >= 0 ? pair(frame, bought, bids) : pair(frame, literal(frame, at + 1, SOLD), asks)
    } while (at >= 0 && frame[at] === COMMA)
    if (at < 0 || frame[at] !== CLOSE) return -1
    return this.time(frame, literal(frame, at + 1, TIME))
  }

  /** `,"asks":[["3.3024","97.66"],…],"bids":[…]`, and a time or none */
  private whole(frame: Buffer, from: number): number {
    const { update } = this
    update.snapshot = true
    let at = literal(frame, from, ASKS)
    at = pairs(frame, at, update.asks)
    at = literal(frame, at, BIDS)
    at = pairs(frame, at, update.bids)
    const time = literal(frame, at, TIME)
    return time >= 0 ? this.time(frame, time) : literal(frame, at, END)
  }

  private time(frame: Buffer, from: number): number {
    return literal(frame, timestamp(frame, from, this.update), TIME_END)
  }
}

/** The sequence stands first or behind the product. */
function isHeartbeat(frame: Buffer): boolean {
  let at = literal(frame, 0, HEARTBEAT)
  const counted = integer(frame, literal(frame, at, SEQUENCE))
  if (counted >= 0) at = counted
  at = integer(frame, literal(frame, at, LAST_TRADE))
  at = text(frame, literal(frame, at, PRODUCT))
  if (counted < 0) at = integer(frame, literal(frame, at, SEQUENCE))
  at = text(frame, literal(frame, at, TIME))
  at = literal(frame, at, END)
  return at === frame.length
}
