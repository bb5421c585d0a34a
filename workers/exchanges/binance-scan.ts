/**
 * Binance's diff of a book, read from its bytes. Everything else is left to the JSON reader.
 *
 *   {"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT",
 *    "U":50093239189,"u":50093239202,"b":[["61737.63000000","0.00000000"]],"a":[]}}
 */
import { BookUpdate } from '../book/update.ts'
import type { FrameHandler, MarketTable } from './exchange.ts'
import type { FrameScanner } from './fast.ts'
import { MarketNames } from './names.ts'
import { anchor, Cursor, QUOTED_PAIR } from './scan.ts'

const STREAM = anchor('{"stream":"')
const EVENT_TIME = anchor(',"data":{"e":"depthUpdate","E":')
const SYMBOL = anchor(',"s":"')
const FIRST_ID = anchor(',"U":')
const LAST_ID = anchor(',"u":')
const BIDS = anchor(',"b":')
const ASKS = anchor(',"a":')
const END = anchor('}}')

export class BinanceScanner implements FrameScanner {
  private readonly cursor = new Cursor()
  private readonly update = new BookUpdate()
  private readonly names: MarketNames

  constructor(markets: MarketTable) {
    this.names = new MarketNames(markets)
  }

  scan(frame: Buffer, handler: FrameHandler): 'book' | null {
    const { cursor, update } = this
    cursor.start(frame)
    update.reset()
    if (!cursor.literal(STREAM) || !cursor.text()) return null
    if (!cursor.literal(EVENT_TIME) || !cursor.milliseconds()) return null
    update.exchange_time_ms = cursor.value
    if (!cursor.literal(SYMBOL)) return null
    update.market = cursor.market(this.names)
    if (update.market < 0) return null
    if (!cursor.literal(FIRST_ID) || !cursor.integer()) return null
    update.first_id = cursor.value
    if (!cursor.literal(LAST_ID) || !cursor.integer()) return null
    update.last_id = cursor.value
    if (update.last_id < update.first_id) return null
    if (!cursor.literal(BIDS) || !cursor.levels(update, update.bids, QUOTED_PAIR)) return null
    if (!cursor.literal(ASKS) || !cursor.levels(update, update.asks, QUOTED_PAIR)) return null
    if (!cursor.literal(END) || !cursor.end()) return null
    handler.book(update)
    return 'book'
  }
}
