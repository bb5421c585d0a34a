/**
 * OKX v5 spot: `books`, 400 levels a side every 100 ms, a snapshot and then changes that name the id
 * they follow. No account is read: its keys have a third part, the passphrase, and without one OKX
 * tells neither fees nor networks.
 * https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel
 */
import type { Market } from '../../shared/market.ts'
import { BookUpdate } from '../book/update.ts'
import {
  type Exchange,
  FrameError,
  type FrameHandler,
  type FrameReader,
  type MarketTable,
  type TradingReport,
} from './exchange.ts'
import { FastReader } from './fast.ts'
import { stepText, symbolOf } from './instruments.ts'
import {
  array,
  integer,
  type JsonObject,
  type JsonValue,
  located,
  marketNamedIn,
  object,
  parseJson,
  pushPairs,
  shown,
  text,
  time,
  timeOrNaN,
} from './json.ts'
import { OkxScanner } from './okx-scan.ts'

/** https://www.okx.com/docs-v5/en/#overview-websocket-connect: "expect a 'pong' as a response" */
const PONG = Buffer.from('pong')
/** https://www.okx.com/docs-v5/en/#overview-websocket-notification */
const SERVICE_UPGRADE = '64008'
/**
 * WebSocket, spot, trading service. Others concern single accounts, bots or products, and what is
 * suspended is no longer `live` in the list of instruments.
 * https://www.okx.com/docs-v5/en/#status-ws-status-channel
 */
const TOUCHING_SERVICES: readonly unknown[] = ['0', '1', '5']
const PRODUCTION = '1'

class OkxReader implements FrameReader {
  private readonly update = new BookUpdate()
  private readonly markets: MarketTable

  constructor(markets: MarketTable) {
    this.markets = markets
  }

  read(frame: Buffer, handler: FrameHandler): 'book' | 'control' | 'ignored' {
    if (frame.equals(PONG)) return 'control'
    const message = object(parseJson(frame), 'frame')
    if (typeof message.event === 'string') return this.event(message, message.event, handler)
    if (message.arg === undefined) return 'ignored'
    const { channel, instId } = object(message.arg, 'arg')
    if (channel === 'status') return this.status(message, handler)
    if (channel !== 'books') return 'ignored'
    return this.book(message, text(instId, 'instId'), handler)
  }

  private event(message: JsonObject, event: string, handler: FrameHandler): 'control' | 'ignored' {
    switch (event) {
      case 'subscribe': {
        const { channel, instId } = object(message.arg, 'arg')
        if (channel !== 'books') return 'control'
        const market = text(instId, 'instId')
        if (this.markets.find(market) >= 0) handler.subscribed(market)
        return 'control'
      }
      case 'unsubscribe':
        return 'control'
      case 'error': {
        const reason = `${text(message.code, 'code')}: ${text(message.msg, 'msg')}`
        handler.refused(marketNamedIn(reason, this.markets), reason)
        return 'control'
      }
      case 'notice':
        // "disconnected within 60 seconds: establish a new connection before"
        if (message.code === SERVICE_UPGRADE) handler.closing(text(message.msg, 'msg'))
        return 'control'
      default:
        return 'ignored'
    }
  }

  private status(message: JsonObject, handler: FrameHandler): 'control' {
    const states = array(message.data, 'data')
      .map((entry) => object(entry, 'status'))
      .filter(({ serviceType }) => TOUCHING_SERVICES.includes(serviceType))
      .filter(({ env }) => (env ?? PRODUCTION) === PRODUCTION)
      .map(({ state, title }) => ({ state, reason: text(title, 'title') }))
    for (const { state, reason } of states) {
      if (state === 'ongoing') handler.system('maintenance', reason)
      // `scheduled` is yet to come, and `pre_open` not over
      if (state === 'completed' || state === 'canceled') handler.system('online', 'online')
    }
    return 'control'
  }

  private book(message: JsonObject, name: string, handler: FrameHandler): 'book' | 'ignored' {
    const market = this.markets.find(name)
    if (market < 0) return 'ignored'
    const { update } = this
    located(market, () => {
      const [entry, ...more] = array(message.data, 'data')
      if (more.length > 0) throw new FrameError(`data: ${more.length + 1} books`)
      const data = object(entry, 'data')
      update.reset()
      update.market = market
      update.snapshot = isSnapshot(message.action)
      readIds(update, data)
      update.exchange_time_ms = timeText(data.ts)
      pushPairs(update, update.asks, data.asks)
      pushPairs(update, update.bids, data.bids)
    })
    handler.book(update)
    return 'book'
  }
}

/**
 * "prevSeqId: the seqId of the last sent message; -1 for a snapshot". Recordings from before 2023
 * have neither.
 * https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel
 */
function readIds(update: BookUpdate, { seqId, prevSeqId }: JsonObject): void {
  if (seqId === undefined && prevSeqId === undefined) return
  update.last_id = integer(seqId, 'seqId')
  update.first_id = update.snapshot ? update.last_id : integer(prevSeqId, 'prevSeqId') + 1
}

function isSnapshot(action: unknown): boolean {
  if (action === 'snapshot') return true
  if (action === 'update') return false
  throw new FrameError(`action: ${shown(action)}`)
}

/** Milliseconds as text. */
function timeText(value: JsonValue | undefined): number {
  return typeof value === 'string' && /^\d{1,15}$/.test(value)
    ? timeOrNaN(Number(value))
    : Number.NaN
}

/** Refusals come with HTTP 200, too. https://www.okx.com/docs-v5/en/#error-code-rest-api */
function dataOf(body: string, what: string): JsonObject[] {
  const answer = object(parseJson(body), what)
  if (answer.code !== '0') throw new FrameError(`code ${shown(answer.code)}: ${shown(answer.msg)}`)
  return array(answer.data, 'data').map((entry) => object(entry, what))
}

/**
 * There is no smallest notional: `minSz` is what counts.
 * https://www.okx.com/docs-v5/en/#public-data-rest-api-get-instruments
 */
function parseMarket(entry: JsonObject): Market {
  const base = text(entry.baseCcy, 'baseCcy').toUpperCase()
  const quote = text(entry.quoteCcy, 'quoteCcy').toUpperCase()
  return {
    exchange: 'okx',
    symbol: symbolOf(base, quote),
    market: text(entry.instId, 'instId'),
    base,
    quote,
    price_step: stepText(entry.tickSz, 'tickSz'),
    size_step: stepText(entry.lotSz, 'lotSz'),
    minimum_size: stepText(entry.minSz, 'minSz'),
    minimum_notional: '0',
    taker_fee_percent: okx.fees.taker_percent,
    trading: entry.state === 'live',
  }
}

/** Recordings hold lists of other kinds, too. What was only just announced may have no steps yet. */
function parseInstruments(body: string): Market[] {
  return dataOf(body, 'instruments')
    .filter(({ instType }) => instType === 'SPOT')
    .filter(({ state, tickSz }) => state === 'live' || tickSz !== '')
    .map(parseMarket)
}

function parseTrading(body: string): TradingReport {
  const live = dataOf(body, 'instruments').filter(({ state }) => state === 'live')
  return { trading: new Set(live.map(({ instId }) => text(instId, 'instId'))) }
}

/** https://www.okx.com/docs-v5/en/#order-book-trading-market-data-get-order-book */
function parseOrderBook(body: string, update: BookUpdate): void {
  const book = object(dataOf(body, 'book')[0], 'book')
  update.reset()
  update.snapshot = true
  update.exchange_time_ms = timeText(book.ts)
  pushPairs(update, update.bids, book.bids)
  pushPairs(update, update.asks, book.asks)
}

/** https://www.okx.com/docs-v5/en/#public-data-rest-api-get-system-time */
function parseTime(body: string): number {
  const answer = object(dataOf(body, 'time')[0], 'time')
  return time(timeText(answer.ts), 'ts')
}

const SPOT = '/api/v5/public/instruments?instType=SPOT'

/** https://www.okx.com/docs-v5/en/#overview-websocket-subscribe */
const request = (op: string, args: readonly object[]) => [JSON.stringify({ op, args })]
const books = (markets: readonly string[]) =>
  markets.map((instId) => ({ channel: 'books', instId }))

export const okx: Exchange = {
  id: 'okx',
  name: 'OKX',
  // the stacks of other regions (wsus, wseea) have other books: they are no alternatives
  websocket_url: 'wss://ws.okx.com:8443/ws/v5/public',
  rest_url: 'https://www.okx.com',
  hosts: ['ws.okx.com', 'www.okx.com'],
  stream_paths: ['/ws/v5/public'],
  limits: {
    frames_per_second: 3,
    // "the total length of multiple channels cannot exceed 64 KB": some fifty bytes each
    markets_per_frame: 100,
    // 236 were seen to stream cleanly
    markets_per_connection: 150,
    // https://www.okx.com/docs-v5/en/#overview-websocket-overview: 3 a second per address, of which
    // a standby needs half
    connects: { count: 1, window_ms: 1_500 },
    // "480 subscribe/unsubscribe/login requests per hour" and connection
    frames_per_connection: 360,
    // books: 40 in 2 seconds, instruments: 20, per address: half of those for books
    rest: { weight: 20, window_ms: 2_000 },
    largest_frame_bytes: 1 << 20,
  },
  keepalive: {
    idle_ms: 12_000,
    answer_ms: 10_000,
    // a book that stands still is repeated, empty, about once a minute
    quiet_ms: 150_000,
    // "if nothing is pushed for 30 seconds the connection breaks": a pong is heard long before
    ping: { every_ms: 5_000, frame: () => 'ping' },
  },
  fees: { taker_percent: '0.1', source: 'https://www.okx.com/fees', as_of: '2026-07-26' },
  instruments: { paths: [SPOT], parse: (bodies) => bodies.flatMap(parseInstruments) },
  time: { path: '/api/v5/public/time', parse: parseTime, resolution_ms: 1 },
  // its checksum is deprecated and always 0
  continuity: 'chain',
  audit: {
    path: (market) => `/api/v5/market/books?instId=${encodeURIComponent(market)}&sz=50`,
    weight: 1,
    every_ms: 45_000,
    settle_ms: 1_000,
    parse: parseOrderBook,
  },
  // a list of some hundred kilobytes
  trading_status: [{ path: SPOT, weight: 1, every_ms: 15_000, parse: parseTrading }],
  hello: () => request('subscribe', [{ channel: 'status' }]),
  subscribe: (markets) => request('subscribe', books(markets)),
  unsubscribe: (markets) => request('unsubscribe', books(markets)),
  reader: (markets) => new FastReader(new OkxScanner(markets), new OkxReader(markets)),
}
