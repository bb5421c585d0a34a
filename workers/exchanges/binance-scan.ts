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
import { timeOrNaN } from './json.ts'
import { type Opening, Openings } from './openings.ts'
import { arrived, begin, pairs } from './scan.ts'
import { bytes, integer, literal, literalOf, open } from './window.ts'

const OPENING =
  /^(\{"stream":"([^"\\\p{Cc}]+)@depth(?:@100ms|@1000ms)?","data":\{"e":"depthUpdate","E":)(?:0|[1-9]\d{0,14})(,"s":"([^"\\\p{Cc}]+)","U":)/u
/** where the stream's name begins */
const NAME = 11
const LAST_ID = literalOf(',"u":')
const BIDS = literalOf(',"b":')
const ASKS = literalOf(',"a":')
const END = literalOf('}}')

export class BinanceScanner implements FrameScanner {
  private readonly update = new BookUpdate()
  private readonly openings: Openings

  constructor(markets: MarketTable) {
    this.openings = new Openings(markets, NAME, parseOpening)
  }

  scan(frame: Buffer, handler: FrameHandler): 'book' | null {
    const { update, openings } = this
    if (open(frame) < 0) return null
    let at = openings.match()
    if (at < 0) return null
    begin(update)
    update.market = openings.market
    update.exchange_time_ms = timeOrNaN(found.integer)
    at = integer(at)
    update.first_id = found.integer
    at = literal(at, LAST_ID)
    at = integer(at)
    update.last_id = found.integer
    at = literal(at, BIDS)
    at = pairs(bytes, at, update.bids)
    at = literal(at, ASKS)
    at = pairs(bytes, at, update.asks)
    at = literal(at, END)
    if (!arrived(frame, at, update) || update.last_id < update.first_id) return null
    handler.book(update)
    return 'book'
  }
}

function parseOpening(text: string): Opening | null {
  const [, head, stream, middle, name] = OPENING.exec(text) ?? []
  if (head === undefined || middle === undefined || name === undefined) return null
  return stream === name.toLowerCase() ? { name, head, middle, snapshot: false } : null
}
