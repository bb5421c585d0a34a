/**
 * Binance spot, market-data-only hosts: diff streams of 100 ms, bridged from a REST snapshot.
 * It reads depthUpdate and nothing else that the combined stream carries.
 * https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams
 */
import type { Market } from '../../shared/market.ts'
import { BookUpdate } from '../book/update.ts'
import { binanceAccount, binanceAssets } from './binance-account.ts'
import { BinanceScanner } from './binance-scan.ts'
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
  object,
  parseJson,
  pushPairs,
  text,
  time,
  timeOrNaN,
} from './json.ts'

class BinanceReader implements FrameReader {
  private readonly update = new BookUpdate()
  private readonly markets: MarketTable

  constructor(markets: MarketTable) {
    this.markets = markets
  }

  read(frame: Buffer, handler: FrameHandler): 'book' | 'control' | 'ignored' {
    const message = object(parseJson(frame), 'frame')
    // /stream wraps every event as {"stream":…,"data":…}, /ws does not
    const event = message.data === undefined ? message : object(message.data, 'data')
    if (event.e === 'depthUpdate') return this.depth(event, handler)
    if (event.e === 'serverShutdown') {
      handler.closing('serverShutdown')
      return 'control'
    }
    if (message.msg !== undefined || message.error !== undefined) {
      const error = message.error === undefined ? message : object(message.error, 'error')
      handler.refused(null, text(error.msg, 'msg'))
      return 'control'
    }
    return message.result === undefined ? 'ignored' : 'control'
  }

  private depth(event: JsonObject, handler: FrameHandler): 'book' | 'ignored' {
    const market = this.markets.find(text(event.s, 's'))
    if (market < 0) return 'ignored'
    const { update } = this
    located(market, () => {
      update.reset()
      update.market = market
      update.first_id = integer(event.U, 'U')
      update.last_id = integer(event.u, 'u')
      if (update.last_id < update.first_id) throw new FrameError('u is below U')
      update.exchange_time_ms = timeOrNaN(event.E)
      pushPairs(update, update.bids, event.b)
      pushPairs(update, update.asks, event.a)
    })
    handler.book(update)
    return 'book'
  }
}

function parseSnapshot(body: string, update: BookUpdate): void {
  const snapshot = object(parseJson(body), 'snapshot')
  update.reset()
  update.snapshot = true
  update.last_id = integer(snapshot.lastUpdateId, 'lastUpdateId')
  pushPairs(update, update.bids, snapshot.bids)
  pushPairs(update, update.asks, snapshot.asks)
}

function parseMarket(entry: JsonObject): Market {
  const filters = new Map(
    array(entry.filters, 'filters').map((item) => {
      const filter = object(item, 'filter')
      return [text(filter.filterType, 'filterType'), filter]
    }),
  )
  const lot = object(filters.get('LOT_SIZE'), 'LOT_SIZE')
  const notional = filters.get('NOTIONAL') ?? filters.get('MIN_NOTIONAL')
  const base = text(entry.baseAsset, 'baseAsset').toUpperCase()
  const quote = text(entry.quoteAsset, 'quoteAsset').toUpperCase()
  return {
    exchange: 'binance',
    symbol: symbolOf(base, quote),
    market: text(entry.symbol, 'symbol'),
    base,
    quote,
    price_step: stepText(object(filters.get('PRICE_FILTER'), 'PRICE_FILTER').tickSize, 'tickSize'),
    size_step: stepText(lot.stepSize, 'stepSize'),
    minimum_size: stepText(lot.minQty, 'minQty'),
    minimum_notional: notional ? stepText(notional.minNotional, 'minNotional') : '0',
    taker_fee_percent: binance.fees.taker_percent,
    trading: entry.status === 'TRADING' && entry.isSpotTradingAllowed !== false,
  }
}

/** "symbolStatus: filters for symbols that have this tradingStatus" */
function parseTrading(body: string): TradingReport {
  const prices = array(parseJson(body), 'prices')
  return { trading: new Set(prices.map((item) => text(object(item, 'price').symbol, 'symbol'))) }
}

/** "status: 0 normal, 1 system maintenance" */
function parseSystemStatus(body: string): TradingReport {
  const { status, msg } = object(parseJson(body), 'system status')
  const online = integer(status, 'status') === 0
  return { system: { state: online ? 'online' : 'maintenance', reason: text(msg, 'msg') } }
}

const streams = (markets: readonly string[]) =>
  markets.map((market) => `${market.toLowerCase()}@depth@100ms`)

/** Acks carry the id and nothing else; nothing waits for them, the first event is the proof. */
let next_id = 1
const request = (method: string, markets: readonly string[]) => [
  JSON.stringify({ method, params: streams(markets), id: next_id++ }),
]

export const binance: Exchange = {
  id: 'binance',
  name: 'Binance',
  websocket_url: 'wss://stream.binance.com/stream',
  rest_url: 'https://api.binance.com',
  alternatives: [
    // the market-data-only hosts: the others answer 451 from some countries, public data included
    {
      websocket_url: 'wss://data-stream.binance.vision/stream',
      rest_url: 'https://data-api.binance.vision',
    },
  ],
  hosts: [
    'data-stream.binance.vision',
    'data-api.binance.vision',
    'stream.binance.com',
    'api.binance.com',
  ],
  stream_paths: ['/stream', '/ws'],
  limits: {
    // 5 incoming messages a second, PING and PONG frames count: two are left to them
    frames_per_second: 3,
    markets_per_frame: 100,
    // 1,024 streams are allowed; a slow reader is cut off, so the load is spread
    markets_per_connection: 200,
    // 300 connection attempts in 5 minutes per address: half is left to a standby
    connects: { count: 150, window_ms: 300_000 },
    // REQUEST_WEIGHT is 6,000 a minute: a sixth is left to instruments and to a standby
    rest: { weight: 5_000, window_ms: 60_000 },
    largest_frame_bytes: 1 << 20,
    // "a single connection is only valid for 24 hours"
    connection_life_ms: 23 * 3_600_000,
  },
  keepalive: { idle_ms: 10_000, answer_ms: 10_000, quiet_ms: 120_000 },
  fees: {
    taker_percent: '0.1',
    source: 'https://www.binance.com/en/fee/schedule',
    as_of: '2026-07-26',
  },
  instruments: {
    paths: ['/api/v3/exchangeInfo?permissions=SPOT&symbolStatus=TRADING&showPermissionSets=false'],
    parse: (bodies) =>
      bodies.flatMap((body) =>
        array(object(parseJson(body), 'exchangeInfo').symbols, 'symbols').map((entry) =>
          parseMarket(object(entry, 'symbol')),
        ),
      ),
  },
  time: {
    path: '/api/v3/time',
    parse: (body) => time(object(parseJson(body), 'time').serverTime, 'serverTime'),
    resolution_ms: 1,
  },
  continuity: 'range',
  snapshot: {
    // 1,000 levels weigh 50; fewer would leave liquid books thin after a move
    path: (market) => `/api/v3/depth?symbol=${encodeURIComponent(market)}&limit=1000`,
    weight: 50,
    parse: parseSnapshot,
  },
  audit: {
    // up to 100 levels weigh 5
    path: (market) => `/api/v3/depth?symbol=${encodeURIComponent(market)}&limit=100`,
    weight: 5,
    every_ms: 45_000,
    settle_ms: 1_000,
    parse: parseSnapshot,
  },
  trading_status: [
    {
      // the smallest list that knows the status of every symbol; all of them together weigh 4
      path: '/api/v3/ticker/price?symbolStatus=TRADING',
      weight: 4,
      every_ms: 5_000,
      parse: parseTrading,
    },
    {
      // https://developers.binance.com/docs/wallet/others/system-status
      path: '/sapi/v1/system/status',
      weight: 1,
      every_ms: 15_000,
      own_address_only: true,
      parse: parseSystemStatus,
    },
  ],
  assets: binanceAssets,
  account: binanceAccount,
  subscribe: (markets) => request('SUBSCRIBE', markets),
  unsubscribe: (markets) => request('UNSUBSCRIBE', markets),
  reader: (markets) => new FastReader(new BinanceScanner(markets), new BinanceReader(markets)),
}
