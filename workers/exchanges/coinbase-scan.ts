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
import { bytes, phrase, phraseAt, take, timeAt, WordNames } from './words.ts'

const CHANGE = phrase('{"type":"l2update","product_id":"')
const CHANGES = phrase(',"changes":[')
const BOUGHT = phrase('["buy","')
const SOLD = phrase('["sell","')
const CHANGE_TIME = phrase('],"time":"')
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
const QUOTE = 0x22
const COMMA = 0x2c
const CLOSE_FRAME = 0x7d

export class CoinbaseScanner implements FrameScanner {
  private readonly update = new BookUpdate()
  private readonly names: WordNames
  private readonly names_of_books: MarketNames

  constructor(markets: MarketTable) {
    this.names = new WordNames(markets)
    this.names_of_books = new MarketNames(markets)
  }

  scan(frame: Buffer, handler: FrameHandler): 'book' | 'control' | null {
    const { update } = this
    begin(update)
    const name = take(frame) ? phraseAt(0, CHANGE) : -1
    const at = name >= 0 ? this.changes(frame, name) : this.whole(frame)
    if (at < 0) return isHeartbeat(frame) ? 'control' : null
    if (!arrived(frame, at, update) || update.market < 0) return null
    handler.book(update)
    return 'book'
  }

  /** `BTC-USD","changes":[["buy","0.7896","2525.2"],…],"time":"…"}` */
  private changes(frame: Buffer, name: number): number {
    const { update, names } = this
    let at = phraseAt(names.find(frame, name), CHANGES)
    update.market = names.market
    while (at >= 0) {
      const bought = phraseAt(at, BOUGHT)
      at =
        bought >= 0
          ? pair(bytes, bought, update.bids)
          : pair(bytes, phraseAt(at, SOLD), update.asks)
      if (at < 0 || bytes[at] !== COMMA) break
      at++
    }
    at = phraseAt(at, CHANGE_TIME)
    if (at >= 0) at = timeAt(at, update)
    return at >= 0 && bytes[at] === QUOTE && bytes[at + 1] === CLOSE_FRAME ? at + 2 : -1
  }

  /** `{"type":"snapshot",…,"asks":[["3.3024","97.66"],…],"bids":[…]`, and a time or none */
  private whole(frame: Buffer): number {
    const { update } = this
    const name = literal(frame, 0, SNAPSHOT)
    let at = text(frame, name)
    update.market = this.names_of_books.find(frame, name, at - 1)
    update.snapshot = true
    at = literal(frame, at, ASKS)
    at = pairs(frame, at, update.asks)
    at = literal(frame, at, BIDS)
    at = pairs(frame, at, update.bids)
    const time = literal(frame, at, TIME)
    if (time < 0) return literal(frame, at, END)
    return literal(frame, timestamp(frame, time, update), TIME_END)
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
