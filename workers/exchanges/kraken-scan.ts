/**
 * Kraken's changes of one book and its heartbeats, read from their bytes. Snapshots and everything
 * else are left to the JSON reader, which keeps what a connection must remember about windows.
 *
 *   {"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[],
 *    "asks":[{"price":63405.1,"qty":0.03154320}],"checksum":1396314585,
 *    "timestamp":"2026-08-02T03:35:51.671461Z"}]}
 *   {"channel":"heartbeat"}
 */
import { BookUpdate } from '../book/update.ts'
import type { FrameHandler, MarketTable } from './exchange.ts'
import type { FrameScanner } from './fast.ts'
import { MarketNames } from './names.ts'
import { anchor, Cursor, type LevelShape } from './scan.ts'

const SYMBOL = anchor('{"channel":"book","type":"update","data":[{"symbol":"')
const BIDS = anchor(',"bids":')
const ASKS = anchor(',"asks":')
const CHECKSUM = anchor(',"checksum":')
const TIMESTAMP = anchor(',"timestamp":"')
const END = anchor('"}]}')
const HEARTBEAT = anchor('{"channel":"heartbeat"}')

const LEVEL: LevelShape = {
  open: anchor('{"price":'),
  middle: anchor(',"qty":'),
  close: anchor('}'),
  bare: true,
}

export class KrakenScanner implements FrameScanner {
  private readonly cursor = new Cursor()
  private readonly update = new BookUpdate()
  private readonly names: MarketNames

  constructor(markets: MarketTable) {
    this.names = new MarketNames(markets)
  }

  scan(frame: Buffer, handler: FrameHandler): 'book' | 'control' | null {
    const { cursor, update } = this
    cursor.start(frame)
    if (!cursor.literal(SYMBOL)) return cursor.literal(HEARTBEAT) && cursor.end() ? 'control' : null
    update.reset()
    update.market = cursor.market(this.names)
    if (update.market < 0) return null
    if (!cursor.literal(BIDS) || !cursor.levels(update, update.bids, LEVEL)) return null
    if (!cursor.literal(ASKS) || !cursor.levels(update, update.asks, LEVEL)) return null
    if (!cursor.literal(CHECKSUM) || !cursor.integer()) return null
    update.checksum = cursor.value
    if (!cursor.literal(TIMESTAMP) || !cursor.time()) return null
    update.exchange_time_ms = cursor.value
    if (!cursor.literal(END) || !cursor.end()) return null
    handler.book(update)
    return 'book'
  }
}
