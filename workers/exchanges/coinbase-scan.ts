/**
 * Coinbase Exchange's changes of a book, whole books and heartbeats, read from their bytes.
 * Everything else is left to the JSON reader.
 *
 *   {"type":"l2update","product_id":"BTC-USD","changes":[["buy","0.7896","2525.2"]],
 *    "time":"2021-04-17T16:43:44.432087Z"}
 *   {"type":"snapshot","product_id":"BTC-USD","asks":[["3.3024","97.66"]],"bids":[],"time":"…"}
 *   {"type":"heartbeat","sequence":90,"last_trade_id":20,"product_id":"BTC-USD","time":"…"}
 */
import { BookUpdate } from '../book/update.ts'
import type { FrameHandler, MarketTable } from './exchange.ts'
import type { FrameScanner } from './fast.ts'
import { MarketNames } from './names.ts'
import { anchor, Cursor, type LevelShape, QUOTED_PAIR } from './scan.ts'

const CHANGE = anchor('{"type":"l2update","product_id":"')
const CHANGES = anchor(',"changes":[')
const CHANGES_END = anchor('],"time":"')
const COMMA = anchor(',')
const SNAPSHOT = anchor('{"type":"snapshot","product_id":"')
const ASKS = anchor(',"asks":')
const BIDS = anchor(',"bids":')
const TIME = anchor(',"time":"')
const TIME_END = anchor('"}')
const END = anchor('}')
const HEARTBEAT = anchor('{"type":"heartbeat","sequence":')
const LAST_TRADE = anchor(',"last_trade_id":')
const PRODUCT = anchor(',"product_id":"')

const BOUGHT: LevelShape = { ...QUOTED_PAIR, open: anchor('["buy","') }
const SOLD: LevelShape = { ...QUOTED_PAIR, open: anchor('["sell","') }

export class CoinbaseScanner implements FrameScanner {
  private readonly cursor = new Cursor()
  private readonly update = new BookUpdate()
  private readonly names: MarketNames

  constructor(markets: MarketTable) {
    this.names = new MarketNames(markets)
  }

  scan(frame: Buffer, handler: FrameHandler): 'book' | 'control' | null {
    const { cursor, update } = this
    cursor.start(frame)
    update.reset()
    if (cursor.literal(CHANGE)) {
      if (!this.changes()) return null
    } else if (cursor.literal(SNAPSHOT)) {
      if (!this.snapshot()) return null
    } else {
      return this.heartbeat() ? 'control' : null
    }
    if (!cursor.end()) return null
    handler.book(update)
    return 'book'
  }

  private changes(): boolean {
    const { cursor, update } = this
    update.market = cursor.market(this.names)
    if (update.market < 0 || !cursor.literal(CHANGES)) return false
    do {
      if (cursor.literal(BOUGHT.open)) {
        if (!cursor.level(update, update.bids, BOUGHT)) return false
      } else {
        if (!cursor.literal(SOLD.open) || !cursor.level(update, update.asks, SOLD)) return false
      }
    } while (cursor.literal(COMMA))
    return cursor.literal(CHANGES_END) && this.time()
  }

  private snapshot(): boolean {
    const { cursor, update } = this
    update.snapshot = true
    update.market = cursor.market(this.names)
    if (update.market < 0) return false
    if (!cursor.literal(ASKS) || !cursor.levels(update, update.asks, QUOTED_PAIR)) return false
    if (!cursor.literal(BIDS) || !cursor.levels(update, update.bids, QUOTED_PAIR)) return false
    return cursor.literal(TIME) ? this.time() : cursor.literal(END)
  }

  private time(): boolean {
    const { cursor } = this
    if (!cursor.time()) return false
    this.update.exchange_time_ms = cursor.value
    return cursor.literal(TIME_END)
  }

  private heartbeat(): boolean {
    const { cursor } = this
    if (!cursor.literal(HEARTBEAT) || !cursor.integer()) return false
    if (!cursor.literal(LAST_TRADE) || !cursor.integer()) return false
    if (!cursor.literal(PRODUCT) || !cursor.text()) return false
    return cursor.literal(TIME) && cursor.text() && cursor.literal(END) && cursor.end()
  }
}
