/**
 * Binance's diff of a book, read from its bytes. Everything else is left to the JSON reader.
 *
 *   {"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT",
 *    "U":50093239189,"u":50093239202,"b":[["61737.63000000","0.00000000"]],"a":[]}}
 */
import { BookUpdate } from '../book/update.ts'
import { found } from './digits.ts'
import type { FrameHandler, MarketTable } from './exchange.ts'
import type { FrameScanner } from './fast.ts'
import { MarketNames } from './names.ts'
import { anchor, arrived, begin, integer, literal, milliseconds, pairs, text } from './scan.ts'

const STREAM = anchor('{"stream":"')
const EVENT_TIME = anchor(',"data":{"e":"depthUpdate","E":')
const SYMBOL = anchor(',"s":"')
const FIRST_ID = anchor(',"U":')
const LAST_ID = anchor(',"u":')
const BIDS = anchor(',"b":')
const ASKS = anchor(',"a":')
const END = anchor('}}')

export class BinanceScanner implements FrameScanner {
  private readonly update = new BookUpdate()
  private readonly names: MarketNames

  constructor(markets: MarketTable) {
    this.names = new MarketNames(markets)
  }

  scan(frame: Buffer, handler: FrameHandler): 'book' | null {
    const { update } = this
    begin(update)
    let at = literal(frame, 0, STREAM)
    at = text(frame, at)
    at = literal(frame, at, EVENT_TIME)
    at = milliseconds(frame, at, update)
    const name = literal(frame, at, SYMBOL)
    at = text(frame, name)
    update.market = this.names.find(frame, name, at - 1)
    at = literal(frame, at, FIRST_ID)
    at = integer(frame, at)
    update.first_id = found.integer
    at = literal(frame, at, LAST_ID)
    at = integer(frame, at)
    update.last_id = found.integer
    at = literal(frame, at, BIDS)
    at = pairs(frame, at, update.bids)
    at = literal(frame, at, ASKS)
    at = pairs(frame, at, update.asks)
    at = literal(frame, at, END)
    if (!arrived(frame, at, update)) return null
    if (update.market < 0 || update.last_id < update.first_id) return null
    handler.book(update)
    return 'book'
  }
}
