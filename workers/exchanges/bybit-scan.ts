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
import { timeOrNaN } from './json.ts'
import { type Opening, Openings } from './openings.ts'
import { arrived, begin, pairs } from './scan.ts'
import { bytes, integer, literal, literalOf, open } from './window.ts'

const TOPIC = String.raw`\{"topic":"orderbook\.(?:50|200|500|1000)\.(?<name>[^"\\\p{Cc}]+)"`
const TIME = String.raw`(?:0|[1-9]\d{0,14})`
const TYPE = `,"type":"(?<type>delta|snapshot)"`
const BIDS = String.raw`,"data":\{"s":"\k<name>","b":`
const OPENINGS = [
  new RegExp(`^(?<head>${TOPIC},"ts":)${TIME}(?<middle>${TYPE}${BIDS})`, 'u'),
  new RegExp(`^(?<head>${TOPIC}${TYPE},"ts":)${TIME}(?<middle>${BIDS})`, 'u'),
]
/** where the depth of 50 and then the market's name stand */
const NAME = 20
const ASKS = literalOf(',"a":')
const UPDATE_ID = literalOf(',"u":')
const SEQUENCE = literalOf(',"seq":')
const ENGINE_TIME = literalOf('},"cts":')
const END = literalOf('}')

export class BybitScanner implements FrameScanner {
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
    at = pairs(bytes, at, update.bids)
    at = literal(at, ASKS)
    at = pairs(bytes, at, update.asks)
    at = literal(at, UPDATE_ID)
    at = integer(at)
    update.first_id = found.integer
    update.last_id = found.integer
    at = literal(at, SEQUENCE)
    at = integer(at)
    at = literal(at, ENGINE_TIME)
    at = integer(at)
    update.exchange_time_ms = timeOrNaN(found.integer)
    at = literal(at, END)
    if (!arrived(frame, at, update)) return null
    // "If u is 1, it is a snapshot data due to a restart of the service: overwrite your book"
    update.snapshot = openings.snapshot || update.last_id === 1
    handler.book(update)
    return 'book'
  }
}

function parseOpening(text: string): Opening | null {
  for (const pattern of OPENINGS) {
    const { name, head, middle, type } = pattern.exec(text)?.groups ?? {}
    if (name === undefined || head === undefined || middle === undefined) continue
    return { name, head, middle, snapshot: type === 'snapshot' }
  }
  return null
}
