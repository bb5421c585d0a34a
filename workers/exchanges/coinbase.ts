/**
 * Coinbase Exchange: `level2_batch`, the whole book and then groups of 50 ms, without ids or
 * checksums; `heartbeat` proves the connection, `status` says which products trade.
 * It never reads tickers: they speak on trades only.
 * https://docs.cdp.coinbase.com/exchange/websocket-feed/channels
 */
import type { Market } from '../../shared/market.ts'
import { BookUpdate } from '../book/update.ts'
import { advancedTrade, refuse } from './coinbase-advanced.ts'
import { coinbaseAssets } from './coinbase-assets.ts'
import { CoinbaseScanner } from './coinbase-scan.ts'
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
  type JsonObject,
  located,
  object,
  parseJson,
  pushLevel,
  pushPairs,
  shown,
  text,
  time,
  timeOrNaN,
} from './json.ts'

class CoinbaseReader implements FrameReader {
  private readonly update = new BookUpdate()
  private readonly markets: MarketTable

  constructor(markets: MarketTable) {
    this.markets = markets
  }

  read(frame: Buffer, handler: FrameHandler): 'book' | 'control' | 'ignored' {
    const message = object(parseJson(frame), 'frame')
    switch (message.type) {
      case 'l2update':
      case 'snapshot':
        return this.book(message, handler)
      case 'heartbeat':
        return 'control'
      case 'subscriptions':
        return this.subscriptions(message, handler)
      case 'status':
        return this.status(message, handler)
      case 'error':
        return refuse(message, this.markets, handler)
      default:
        return 'ignored'
    }
  }

  private book(message: JsonObject, handler: FrameHandler): 'book' | 'ignored' {
    const market = this.markets.find(text(message.product_id, 'product_id'))
    if (market < 0) return 'ignored'
    const { update } = this
    located(market, () => {
      update.reset()
      update.market = market
      update.snapshot = message.type === 'snapshot'
      update.exchange_time_ms = timeOrNaN(message.time)
      if (update.snapshot) {
        pushPairs(update, update.bids, message.bids)
        pushPairs(update, update.asks, message.asks)
      } else {
        for (const change of array(message.changes, 'changes')) this.change(array(change, 'change'))
      }
    })
    handler.book(update)
    return 'book'
  }

  /** "changes: [side, price, size]; the size is the updated size at that price, not a delta" */
  private change([side, price, size]: ReturnType<typeof array>): void {
    const { update } = this
    if (side === 'buy') pushLevel(update, update.bids, price, size)
    else if (side === 'sell') pushLevel(update, update.asks, price, size)
    else throw new FrameError(`side: ${shown(side)}`)
  }

  /** The frame lists every subscription of the connection, not only the last change. */
  private subscriptions(message: JsonObject, handler: FrameHandler): 'control' {
    const products = array(message.channels, 'channels')
      .map((channel) => object(channel, 'channel'))
      .filter((channel) => channel.name === 'level2_batch' || channel.name === 'level2')
      .flatMap((channel) => array(channel.product_ids, 'product_ids'))
      .map((product) => text(product, 'product_id'))
    for (const product of products) {
      if (this.markets.find(product) >= 0) handler.subscribed(product)
    }
    return 'control'
  }

  private status(message: JsonObject, handler: FrameHandler): 'control' {
    const products = array(message.products, 'products')
      .map((product) => object(product, 'product'))
      .map((product) => ({ id: text(product.id, 'id'), open: isTrading(product) }))
    for (const { id, open } of products) {
      if (this.markets.find(id) >= 0) handler.trading(id, open)
    }
    return 'control'
  }
}

function isTrading(product: JsonObject): boolean {
  const closed = ['trading_disabled', 'cancel_only', 'post_only', 'limit_only', 'auction_mode']
  return product.status === 'online' && closed.every((flag) => product[flag] !== true)
}

function parseMarket(product: JsonObject): Market {
  const id = text(product.id, 'id')
  // BTCAUCTION-USD also says base_currency BTC: only the id tells them apart
  const [base, quote] = id.toUpperCase().split('-')
  if (!base || !quote) throw new FrameError(`product id: ${id}`)
  return {
    exchange: 'coinbase',
    symbol: symbolOf(base, quote),
    market: id,
    base,
    quote,
    price_step: stepText(product.quote_increment, 'quote_increment'),
    size_step: stepText(product.base_increment, 'base_increment'),
    minimum_size: '0',
    minimum_notional: stepText(product.min_market_funds ?? '0', 'min_market_funds'),
    taker_fee_percent: coinbase.fees.taker_percent,
    trading: isTrading(product),
  }
}

/** Coinbase serves X-USDC from the book of X-USD; only these two have books of their own. */
const OWN_USDC_BOOK = new Set(['USDT', 'EURC'])

function parseInstruments(body: string): Market[] {
  const markets = array(parseJson(body), 'products').map((entry) =>
    parseMarket(object(entry, 'product')),
  )
  const names = new Set(markets.map((market) => market.symbol))
  return markets.filter(
    ({ base, quote }) => quote !== 'USDC' || OWN_USDC_BOOK.has(base) || !names.has(`${base}/USD`),
  )
}

function parseTrading(body: string): TradingReport {
  const products = array(parseJson(body), 'products')
    .map((entry) => object(entry, 'product'))
    .map((product) => ({ id: text(product.id, 'id'), open: isTrading(product) }))
  return { trading: new Set(products.filter(({ open }) => open).map(({ id }) => id)) }
}

function parseBook(body: string, update: BookUpdate): void {
  const book = object(parseJson(body), 'book')
  update.reset()
  update.snapshot = true
  pushPairs(update, update.bids, book.bids)
  pushPairs(update, update.asks, book.asks)
}

const request = (type: string, markets: readonly string[]) => [
  JSON.stringify({ type, product_ids: markets, channels: ['level2_batch', 'heartbeat'] }),
]

export const coinbase: Exchange = {
  id: 'coinbase',
  name: 'Coinbase Exchange',
  websocket_url: 'wss://ws-feed.exchange.coinbase.com',
  rest_url: 'https://api.exchange.coinbase.com',
  alternatives: [
    {
      websocket_url: 'wss://advanced-trade-ws.coinbase.com',
      protocol: {
        ...advancedTrade,
        // its status channel does not carry the flags that close a product
        trading_status: [{ path: '/products', weight: 1, every_ms: 10_000, parse: parseTrading }],
      },
    },
  ],
  hosts: [
    'ws-feed.exchange.coinbase.com',
    'api.exchange.coinbase.com',
    'ws-feed.pro.coinbase.com',
    'api.pro.coinbase.com',
  ],
  stream_paths: ['/'],
  limits: {
    frames_per_second: 10,
    // each snapshot is a whole book, some of several MB: they come in small groups
    markets_per_frame: 10,
    markets_per_connection: 60,
    // 8 a second per address: half is left to a standby
    connects: { count: 4, window_ms: 1_000 },
    // 10 a second per address
    rest: { weight: 5, window_ms: 1_000 },
    largest_frame_bytes: 32 << 20,
  },
  // a heartbeat comes each second and product
  keepalive: { idle_ms: 6_000, answer_ms: 10_000, quiet_ms: 120_000 },
  fees: {
    taker_percent: '0.6',
    source: 'https://exchange.coinbase.com/fees',
    as_of: '2026-07-26',
  },
  instruments: { paths: ['/products'], parse: (bodies) => bodies.flatMap(parseInstruments) },
  time: {
    path: '/time',
    parse: (body) => time(object(parseJson(body), 'time').iso, 'iso'),
    resolution_ms: 1,
  },
  continuity: 'none',
  assets: coinbaseAssets,
  audit: {
    // the best level alone: more may be the whole book, some of several MB
    path: (market) => `/products/${encodeURIComponent(market)}/book?level=1`,
    weight: 1,
    every_ms: 45_000,
    settle_ms: 1_000,
    parse: parseBook,
  },
  hello: () => ['{"type":"subscribe","channels":[{"name":"status"}]}'],
  subscribe: (markets) => request('subscribe', markets),
  unsubscribe: (markets) => request('unsubscribe', markets),
  reader: (markets) => new FastReader(new CoinbaseScanner(markets), new CoinbaseReader(markets)),
}
