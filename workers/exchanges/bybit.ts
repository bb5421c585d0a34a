/**
 * Bybit v5 spot: `orderbook.50`, a snapshot and then deltas with consecutive ids.
 * It derives nothing from tickers: the spot ones carry no bid and no ask.
 * https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook
 */
import type { Market } from '../../shared/market.ts'
import { BookUpdate } from '../book/update.ts'
import { bybitAccount, bybitAssets } from './bybit-account.ts'
import { BybitScanner } from './bybit-scan.ts'
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

const TOPIC = 'orderbook.50.'
/** Recordings may hold another depth. Depth 1 is no book, and `full` starts from REST. */
const BOOK_TOPIC = /^orderbook\.(?:50|200|500|1000)\.(.+)$/u

class BybitReader implements FrameReader {
  private readonly update = new BookUpdate()
  private readonly markets: MarketTable

  constructor(markets: MarketTable) {
    this.markets = markets
  }

  read(frame: Buffer, handler: FrameHandler): 'book' | 'control' | 'ignored' {
    const message = object(parseJson(frame), 'frame')
    if (typeof message.topic === 'string') {
      const name = BOOK_TOPIC.exec(message.topic)?.[1]
      return name === undefined ? 'ignored' : this.book(message, name, handler)
    }
    if (message.op === undefined && message.success === undefined) return 'ignored'
    // the answer to an unsubscribe may complain; it changes nothing for the market
    if (message.success === false && message.op === 'subscribe') {
      const reason = text(message.ret_msg, 'ret_msg')
      handler.refused(marketNamedIn(reason, this.markets), reason)
    }
    return 'control'
  }

  private book(message: JsonObject, name: string, handler: FrameHandler): 'book' | 'ignored' {
    const market = this.markets.find(name)
    if (market < 0) return 'ignored'
    const { update } = this
    located(market, () => {
      const data = object(message.data, 'data')
      update.reset()
      update.market = market
      update.last_id = integer(data.u, 'u')
      update.first_id = update.last_id
      // "If u is 1, it is a snapshot data due to a restart of the service: overwrite your book"
      update.snapshot = isSnapshot(message.type) || update.last_id === 1
      // cts is the matching engine's clock, ts only that of the push
      update.exchange_time_ms = timeOrNaN(message.cts ?? message.ts)
      pushPairs(update, update.bids, data.b)
      pushPairs(update, update.asks, data.a)
    })
    handler.book(update)
    return 'book'
  }
}

function isSnapshot(type: unknown): boolean {
  if (type === 'snapshot') return true
  if (type === 'delta') return false
  throw new FrameError(`type: ${shown(type)}`)
}

function parseMarket(entry: JsonObject): Market {
  const lot = object(entry.lotSizeFilter, 'lotSizeFilter')
  const base = text(entry.baseCoin, 'baseCoin').toUpperCase()
  const quote = text(entry.quoteCoin, 'quoteCoin').toUpperCase()
  return {
    exchange: 'bybit',
    symbol: symbolOf(base, quote),
    market: text(entry.symbol, 'symbol'),
    base,
    quote,
    price_step: stepText(object(entry.priceFilter, 'priceFilter').tickSize, 'tickSize'),
    size_step: stepText(lot.basePrecision, 'basePrecision'),
    minimum_size: stepText(lot.minOrderQty, 'minOrderQty'),
    minimum_notional: stepText(lot.minOrderAmt, 'minOrderAmt'),
    // the zone of risky listings has another table of fees, which is not published
    taker_fee_percent: entry.symbolType === 'adventure' ? null : bybit.fees.taker_percent,
    trading: entry.status === 'Trading',
  }
}

function parseInstruments(body: string): Market[] {
  const answer = object(parseJson(body), 'instruments-info')
  if (answer.retCode !== 0)
    throw new FrameError(`retCode ${shown(answer.retCode)}: ${shown(answer.retMsg)}`)
  return (
    array(object(answer.result, 'result').list, 'list')
      .map((entry) => object(entry, 'instrument'))
      // a tokenised stock's price is the share's times a multiplier: another kind of asset
      .filter((entry) => entry.symbolType !== 'xstocks')
      .map(parseMarket)
  )
}

/** Its `u` counts the updates of the 1,000 levels, not of ours: only the times are comparable. */
function parseOrderBook(body: string, update: BookUpdate): void {
  const result = object(object(parseJson(body), 'orderbook').result, 'result')
  update.reset()
  update.snapshot = true
  update.exchange_time_ms = timeOrNaN(result.cts)
  pushPairs(update, update.bids, result.b)
  pushPairs(update, update.asks, result.a)
}

/** "Status is Trading" for all that trade; what is halted has another one or is not listed. */
function parseTrading(body: string): TradingReport {
  const markets = parseInstruments(body).filter(({ trading }) => trading)
  return { trading: new Set(markets.map(({ market }) => market)) }
}

/** https://bybit-exchange.github.io/docs/v5/enum#product */
const SPOT = 2
const PRODUCTION = 1
/** "4: private websocket stream": public books go on and so does trading */
const PRIVATE_STREAM = 4

/** Maintenance that is under way and touches the trading of spot, or the books that we read. */
function parseSystemStatus(body: string): TradingReport {
  const answer = object(parseJson(body), 'system status')
  if (answer.retCode !== 0) throw new FrameError(`retCode ${shown(answer.retCode)}`)
  const touching = array(object(answer.result, 'result').list, 'list')
    .map((entry) => object(entry, 'maintenance'))
    .find(
      ({ state, product, serviceTypes, env }) =>
        state === 'ongoing' &&
        Number(env) === PRODUCTION &&
        array(product, 'product').includes(SPOT) &&
        array(serviceTypes, 'serviceTypes').some((service) => service !== PRIVATE_STREAM),
    )
  if (touching === undefined) return { system: { state: 'online', reason: 'online' } }
  return { system: { state: 'maintenance', reason: text(touching.title, 'title') } }
}

const request = (op: string, markets: readonly string[]) => [
  JSON.stringify({ op, args: markets.map((market) => TOPIC + market) }),
]

export const bybit: Exchange = {
  id: 'bybit',
  name: 'Bybit',
  websocket_url: 'wss://stream.bybit.com/v5/public/spot',
  rest_url: 'https://api.bybit.com',
  hosts: ['stream.bybit.com', 'api.bybit.com', 'api.bytick.com'],
  stream_paths: ['/v5/public/spot'],
  limits: {
    frames_per_second: 10,
    // spot: "you can input up to 10 args for each subscription request"
    markets_per_frame: 10,
    // 21,000 characters of args a connection are allowed; the load is spread
    markets_per_connection: 150,
    // 500 connections in 5 minutes per domain: half is left to a standby
    connects: { count: 250, window_ms: 300_000 },
    // 600 requests in 5 seconds per address
    rest: { weight: 300, window_ms: 5_000 },
    largest_frame_bytes: 1 << 20,
  },
  keepalive: {
    idle_ms: 10_000,
    answer_ms: 10_000,
    quiet_ms: 120_000,
    // "send the ping heartbeat packet every 20 seconds"
    ping: { every_ms: 20_000, frame: () => '{"op":"ping"}' },
  },
  fees: {
    taker_percent: '0.1',
    source: 'https://www.bybit.com/en/announcement-info/fee-rate/',
    as_of: '2026-07-26',
  },
  instruments: {
    paths: ['/v5/market/instruments-info?category=spot'],
    parse: (bodies) => bodies.flatMap(parseInstruments),
  },
  time: {
    path: '/v5/market/time',
    parse: (body) => time(object(parseJson(body), 'time').time, 'time'),
    resolution_ms: 1,
  },
  continuity: 'increment',
  audit: {
    path: (market) =>
      `/v5/market/orderbook?category=spot&symbol=${encodeURIComponent(market)}&limit=50`,
    weight: 1,
    every_ms: 45_000,
    settle_ms: 1_000,
    parse: parseOrderBook,
  },
  trading_status: [
    {
      path: '/v5/market/instruments-info?category=spot',
      weight: 1,
      // a list of some hundred kilobytes
      every_ms: 15_000,
      parse: parseTrading,
    },
    { path: '/v5/system/status', weight: 1, every_ms: 10_000, parse: parseSystemStatus },
  ],
  assets: bybitAssets,
  account: bybitAccount,
  subscribe: (markets) => request('subscribe', markets),
  unsubscribe: (markets) => request('unsubscribe', markets),
  reader: (markets) => new FastReader(new BybitScanner(markets), new BybitReader(markets)),
}
