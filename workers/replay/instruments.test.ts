import { describe, expect, it } from 'vitest'
import { exchanges } from '../exchanges/index.ts'
import { Hosts } from './hosts.ts'
import { inferMarket, splitName } from './infer.ts'
import { Instruments } from './instruments.ts'

const exchangeOf = (id: string) => exchanges.find((exchange) => exchange.id === id)!

const binanceEntry = (symbol: string, base: string, quote: string) => ({
  symbol,
  status: 'TRADING',
  baseAsset: base,
  quoteAsset: quote,
  filters: [
    { filterType: 'PRICE_FILTER', minPrice: '0.01', maxPrice: '1000000', tickSize: '0.01000000' },
    { filterType: 'LOT_SIZE', minQty: '0.00010000', maxQty: '9000', stepSize: '0.00010000' },
    { filterType: 'MIN_NOTIONAL', minNotional: '10' },
  ],
})
const krakenPair = (wsname: string) => ({
  wsname,
  pair_decimals: 1,
  lot_decimals: 8,
  ordermin: '0.0001',
  fees: [[0, 0.26]],
  status: 'online',
})
const product = (id: string) => ({
  id,
  quote_increment: '0.01',
  base_increment: '0.00000001',
  min_market_funds: '5.0',
  status: 'online',
})
const bybitEntry = (symbol: string, baseCoin: string, quoteCoin: string) => ({
  symbol,
  baseCoin,
  quoteCoin,
  status: 'Trading',
  priceFilter: { tickSize: '0.01' },
  lotSizeFilter: { basePrecision: '0.0001', minOrderQty: '0.001', minOrderAmt: '1' },
})

/** Two markets, the second of which lacks what the adapter needs. */
const LISTS: Record<string, { path: string; whole: object; broken: object; names: string[] }> = {
  binance: {
    path: 'https://api.binance.com/api/v3/exchangeInfo',
    whole: {
      rateLimits: [{ a: 1 }, { b: 2 }, { c: 3 }],
      symbols: [binanceEntry('BTCUSDT', 'BTC', 'USDT'), binanceEntry('ETHBTC', 'ETH', 'BTC')],
    },
    broken: {
      rateLimits: [{ a: 1 }, { b: 2 }, { c: 3 }],
      symbols: [binanceEntry('BTCUSDT', 'BTC', 'USDT'), { symbol: 'ETHBTC', baseAsset: 'ETH' }],
    },
    names: ['BTCUSDT', 'ETHBTC'],
  },
  bybit: {
    path: 'https://api.bybit.com/v5/market/instruments-info?category=spot&limit=500',
    whole: {
      retCode: 0,
      result: {
        category: 'spot',
        list: [bybitEntry('BTCUSDT', 'BTC', 'USDT'), bybitEntry('XUSDT', 'X', 'USDT')],
      },
      retExtInfo: {},
    },
    broken: {
      retCode: 0,
      result: {
        category: 'spot',
        list: [bybitEntry('BTCUSDT', 'BTC', 'USDT'), { symbol: 'XUSDT' }],
      },
      retExtInfo: {},
    },
    names: ['BTCUSDT', 'XUSDT'],
  },
  coinbase: {
    path: 'https://api.pro.coinbase.com/products',
    whole: [product('BTC-USD'), product('ETH-USD')],
    broken: [product('BTC-USD'), { id: 'ETH-USD', status: 'online' }],
    names: ['BTC-USD', 'ETH-USD'],
  },
  kraken: {
    path: 'https://api.kraken.com/0/public/AssetPairs',
    whole: {
      error: [],
      result: { XXBTZUSD: krakenPair('XBT/USD'), XETHZUSD: krakenPair('ETH/USD') },
    },
    broken: {
      error: [],
      result: { XXBTZUSD: krakenPair('XBT/USD'), XETHZUSD: { wsname: 'ETH/USD' } },
    },
    names: ['BTC/USD', 'ETH/USD'],
  },
}

describe.each(Object.keys(LISTS))('recorded lists of markets of %s', (id) => {
  const { path, whole, broken, names } = LISTS[id]!
  const taken = (...bodies: object[]) => {
    const instruments = new Instruments(exchangeOf(id))
    const problems = bodies.map((body) => instruments.take(new URL(path), JSON.stringify(body)))
    return { problems, found: names.map((name) => instruments.get(name)?.market) }
  }

  it('are read with the rules of the exchange', () => {
    expect(taken(whole)).toEqual({ problems: [null], found: names })
  })

  it('are read entry by entry when an entry is not what it should be', () => {
    const { problems, found } = taken(broken)
    expect(problems).toEqual([expect.any(String)])
    expect(found).toEqual([names[0], undefined])
  })

  it('that come again change nothing and add what is new', () => {
    expect(taken(broken, whole).found).toEqual(names)
  })

  it('are not looked for elsewhere', () => {
    const instruments = new Instruments(exchangeOf(id))
    const elsewhere = new URL('/some/other/answer', path)
    expect(instruments.take(elsewhere, JSON.stringify(whole))).toBeNull()
    expect(instruments.get(names[0]!)).toBeUndefined()
  })

  it.each(['', 'no JSON', '[]', '{}', 'null'])('of %j are none', (body) => {
    const instruments = new Instruments(exchangeOf(id))
    instruments.take(new URL(path), body)
    expect(instruments.get(names[0]!)).toBeUndefined()
  })
})

it.each([
  ['BTCUSDT', ['BTC', 'USDT']],
  ['BTCUSD', ['BTC', 'USD']],
  ['ETHBTC', ['ETH', 'BTC']],
  ['BNBFDUSD', ['BNB', 'FDUSD']],
  ['USDCUSDT', ['USDC', 'USDT']],
  ['BTC/USD', ['BTC', 'USD']],
  ['BAND-GBP', ['BAND', 'GBP']],
  ['btcusdt', ['BTC', 'USDT']],
  ['币安人生USDT', ['币安人生', 'USDT']],
  ['USDT', ['USDT', 'UNKNOWN']],
  ['NOBODYKNOWS', ['NOBODYKNOWS', 'UNKNOWN']],
])('splits %s into %j', (name, parts) => {
  expect(splitName(name)).toEqual(parts)
})

it('forbids nothing that the frames do not forbid', () => {
  const market = inferMarket(exchangeOf('kraken'), 'BTC/USD', {
    price_decimals: 1,
    size_decimals: 3,
  })
  expect(market).toMatchObject({
    symbol: 'BTC/USD',
    price_step: '0.1',
    size_step: '0.00000001',
    minimum_size: '0',
    minimum_notional: '0',
    taker_fee_percent: exchangeOf('kraken').fees.taker_percent,
  })
})

describe('addresses', () => {
  const hosts = new Hosts(exchanges)

  it.each(exchanges)('of $id are its own', (exchange) => {
    expect(hosts.stream(exchange.websocket_url)).toEqual({ exchange, is_read: true })
    expect(hosts.rest(new URL(exchange.rest_url))).toBe(exchange)
  })

  it.each([
    ['wss://stream.binance.com:9443/ws/btcusdt@depth', 'binance', true],
    ['wss://stream.binance.com:9443/stream?streams=btcusdt@depth', 'binance', true],
    ['wss://ws-feed.pro.coinbase.com', 'coinbase', true],
    ['wss://ws.kraken.com', 'kraken', false],
    ['wss://ws.kraken.com/v2beta', 'kraken', false],
    ['wss://stream.bybit.com/realtime_public', 'bybit', false],
    ['wss://stream.bybit.com/v5/public/linear', 'bybit', false],
  ])('%s is of %s, and whether it is read: %s', (address, id, is_read) => {
    expect(hosts.stream(address)).toEqual({ exchange: exchangeOf(id), is_read })
  })

  it.each(['wss://fstream.binance.com/stream', 'wss://api.gateio.ws/ws/v4/'])(
    '%s is of nobody',
    (address) => {
      expect(hosts.stream(address)).toBeNull()
    },
  )
})
