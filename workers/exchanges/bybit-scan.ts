/**
 * Bybit's snapshots and deltas of a book, read from their bytes. Everything else is left to the JSON
 * reader. Spot has `ts` before `type`, the other categories have it behind.
 *
 *   {"topic":"orderbook.50.BTCUSDT","ts":1687940967466,"type":"delta","data":{"s":"BTCUSDT",
 *    "b":[["30240.00","0"]],"a":[],"u":177400507,"seq":66544703342},"cts":1687940967464}
 */
import { BookUpdate } from '../book/update.ts'
import type { FrameHandler, MarketTable } from './exchange.ts'
import type { FrameScanner } from './fast.ts'
import { MarketNames } from './names.ts'
import { anchor, Cursor, QUOTED_PAIR } from './scan.ts'

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
    if (!cursor.literal(TOPIC) || !this.depth()) return null
    update.market = cursor.market(this.names)
    if (update.market < 0 || !this.timeAndType()) return null
    if (!cursor.literal(SYMBOL) || !cursor.text()) return null
    if (!cursor.literal(BIDS) || !cursor.levels(update, update.bids, QUOTED_PAIR)) return null
    if (!cursor.literal(ASKS) || !cursor.levels(update, update.asks, QUOTED_PAIR)) return null
    if (!cursor.literal(UPDATE_ID) || !cursor.integer()) return null
    update.first_id = cursor.value
    update.last_id = cursor.value
    // "If u is 1, it is a snapshot data due to a restart of the service: overwrite your book"
    if (update.last_id === 1) update.snapshot = true
    if (!cursor.literal(SEQUENCE) || !cursor.integer()) return null
    if (!cursor.literal(ENGINE_TIME) || !cursor.milliseconds()) return null
    update.exchange_time_ms = cursor.value
    if (!cursor.literal(END) || !cursor.end()) return null
    handler.book(update)
    return 'book'
  }

  private depth(): boolean {
    for (const depth of DEPTHS) if (this.cursor.literal(depth)) return true
    return false
  }

  private timeAndType(): boolean {
    const { cursor } = this
    if (!cursor.literal(PUSH_TIME))
      return this.type() && cursor.literal(PUSH_TIME) && cursor.integer()
    return cursor.integer() && this.type()
  }

  private type(): boolean {
    if (this.cursor.literal(DELTA)) return true
    this.update.snapshot = true
    return this.cursor.literal(SNAPSHOT)
  }
}
