/** What only one exchange does. */
import { describe, expect, it } from 'vitest'
import { BookUpdate } from '../book/update.ts'
import { binance } from './binance.ts'
import { bybit } from './bybit.ts'
import { coinbase } from './coinbase.ts'
import { type Exchange, FrameError, type FrameHandler } from './exchange.ts'

function read(exchange: Exchange, market: string, frame: string) {
  const updates: BookUpdate[] = []
  const trading: [string, boolean][] = []
  const subscribed: string[] = []
  const handler: FrameHandler = {
    book: (update) => updates.push(update.clone()),
    subscribed: (name) => subscribed.push(name),
    refused: () => {},
    system: () => {},
    trading: (name, open) => trading.push([name, open]),
    closing: () => {},
  }
  const reader = exchange.reader({ find: (name) => (name === market ? 3 : -1) })
  const kind = reader.read(Buffer.from(frame), handler)
  return { kind, updates, trading, subscribed }
}

describe('Binance', () => {
  const event = (symbol: string, U: number, u: number) =>
    `{"e":"depthUpdate","E":1672515782136,"s":"${symbol}","U":${U},"u":${u},"b":[["0.0024","10"]],"a":[]}`

  it('reads symbols that are not ASCII, wrapped in a stream or bare', () => {
    const symbol = '币安人生USDT'
    const bare = event(symbol, 157, 160)
    const wrapped = `{"stream":"${symbol.toLowerCase()}@depth@100ms","data":${bare}}`
    for (const frame of [bare, wrapped]) {
      const [update] = read(binance, symbol, frame).updates
      expect([update?.market, update?.first_id, update?.last_id]).toEqual([3, 157, 160])
      expect(update?.exchange_time_ms).toBe(1672515782136)
    }
    expect(binance.subscribe([symbol])[0]).toContain('币安人生usdt@depth@100ms')
    expect(binance.snapshot?.path(symbol)).toContain(encodeURIComponent(symbol))
  })

  it('refuses a range that ends before it starts and ids that are not exact', () => {
    expect(() => read(binance, 'BNBBTC', event('BNBBTC', 160, 157))).toThrow(FrameError)
    expect(() => read(binance, 'BNBBTC', event('BNBBTC', 1, 2 ** 53))).toThrow(FrameError)
  })

  it('plans no more streams than a connection may have', () => {
    expect(binance.limits.markets_per_connection).toBeLessThanOrEqual(1_024)
    expect(binance.limits.frames_per_second).toBeLessThan(5)
  })

  it('reads a snapshot and refuses an error body', () => {
    const update = new BookUpdate()
    binance.snapshot?.parse(
      '{"lastUpdateId":1027024,"bids":[["4.00000000","431.00000000"]],"asks":[["4.00000200","12.00000000"]]}',
      update,
    )
    expect([update.snapshot, update.last_id, update.asks.price[0]]).toEqual([
      true,
      1027024,
      4.000002,
    ])
    const error = '{"code":-1121,"msg":"Invalid symbol."}'
    expect(() => binance.snapshot?.parse(error, update)).toThrow(FrameError)
  })

  it('splits symbols as exchangeInfo says, and keeps the rules of an order', () => {
    const [market] = binance.instruments.parse([
      JSON.stringify({
        symbols: [
          {
            symbol: '1000SATSUSDT',
            status: 'TRADING',
            baseAsset: '1000SATS',
            quoteAsset: 'USDT',
            isSpotTradingAllowed: true,
            filters: [
              { filterType: 'PRICE_FILTER', tickSize: '0.00000010' },
              { filterType: 'LOT_SIZE', minQty: '1.00000000', stepSize: '1.00000000' },
              { filterType: 'NOTIONAL', minNotional: '1.00000000' },
            ],
          },
        ],
      }),
    ])
    expect(market).toMatchObject({
      symbol: '1000SATS/USDT',
      price_step: '0.0000001',
      size_step: '1',
      minimum_size: '1',
      minimum_notional: '1',
      trading: true,
    })
  })
})

describe('Bybit', () => {
  it('takes the clock of the matching engine, wherever the fields stand', () => {
    const frame =
      '{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1687940967466,"data":{"s":"BTCUSDT","b":[["30240.00","0"]],"a":[],"u":177400507,"seq":66544703342},"cts":1687940967464}'
    const [update] = read(bybit, 'BTCUSDT', frame).updates
    expect([update?.exchange_time_ms, update?.last_id]).toEqual([1687940967464, 177400507])
  })

  it('reads recordings of other depths, but not level 1 and not the full stream', () => {
    const frame = (depth: string) =>
      `{"topic":"orderbook.${depth}.X","type":"snapshot","ts":1,"data":{"s":"X","b":[],"a":[],"u":9,"seq":1}}`
    expect(['50', '200', '500', '1000'].map((d) => read(bybit, 'X', frame(d)).kind)).toEqual(
      Array(4).fill('book'),
    )
    expect(['1', 'full'].map((d) => read(bybit, 'X', frame(d)).kind)).toEqual(
      Array(2).fill('ignored'),
    )
  })

  it('puts at most ten topics into a frame, and 21,000 characters on a connection', () => {
    expect(bybit.limits.markets_per_frame).toBeLessThanOrEqual(10)
    const topic = 'orderbook.50.1000000MOGUSDT'.length
    expect(bybit.limits.markets_per_connection * topic).toBeLessThanOrEqual(21_000)
  })

  it('leaves tokenised stocks out and reads a failed answer as an error', () => {
    const entry = (symbol: string, symbolType: string) => ({
      symbol,
      baseCoin: symbol.replace('USDT', ''),
      quoteCoin: 'USDT',
      status: 'Trading',
      symbolType,
      lotSizeFilter: { basePrecision: '0.000001', minOrderQty: '0.000011', minOrderAmt: '5' },
      priceFilter: { tickSize: '0.1' },
    })
    const body = {
      retCode: 0,
      result: { list: [entry('BTCUSDT', ''), entry('TSLAXUSDT', 'xstocks')] },
    }
    const markets = bybit.instruments.parse([JSON.stringify(body)])
    expect(markets.map(({ symbol }) => symbol)).toEqual(['BTC/USDT'])
    expect(() =>
      bybit.instruments.parse(['{"retCode":10006,"retMsg":"Too many visits!"}']),
    ).toThrow('Too many visits!')
  })
})

describe('Coinbase', () => {
  const change = (time: string, size: string) =>
    `{"type":"l2update","product_id":"BTC-EUR","time":"${time}","changes":[["sell","9202.54000000","${size}"]]}`

  it('does not believe a clock of the year 1', () => {
    const frame = change('0001-01-01T00:00:00.000000Z', '0.432')
    const [update] = read(coinbase, 'BTC-EUR', frame).updates
    expect(update?.exchange_time_ms).toBeNaN()
    expect(update?.asks.size[0]).toBe(0.432)
  })

  it('refuses the size 0.-10000, which was once sent', () => {
    const frame = change('2019-08-01T00:00:03.818Z', '0.-10000')
    expect(() => read(coinbase, 'BTC-EUR', frame)).toThrow(FrameError)
  })

  it('reads snapshots without a time and acknowledges level2 as it does level2_batch', () => {
    const frame =
      '{"type":"snapshot","product_id":"BAT-USDC","bids":[["0.247175","5299"]],"asks":[]}'
    const [update] = read(coinbase, 'BAT-USDC', frame).updates
    expect([update?.snapshot, update?.price_decimals]).toEqual([true, 6])
    const ack =
      '{"type":"subscriptions","channels":[{"name":"level2","product_ids":["BAT-USDC","X-Y"]}]}'
    expect(read(coinbase, 'BAT-USDC', ack).subscribed).toEqual(['BAT-USDC'])
  })

  it.each(['trading_disabled', 'cancel_only', 'post_only', 'limit_only', 'auction_mode'])(
    'closes a market that is %s',
    (flag) => {
      const frame = JSON.stringify({
        type: 'status',
        products: [{ id: 'BTC-EUR', status: 'online', [flag]: true }],
      })
      expect(read(coinbase, 'BTC-EUR', frame).trading).toEqual([['BTC-EUR', false]])
    },
  )

  it('splits ids, drops the USDC twin of a USD book and keeps USDC books of their own', () => {
    const product = (id: string) => ({
      id,
      base_currency: 'BTC',
      quote_currency: 'USD',
      quote_increment: '0.01',
      base_increment: '0.00000001',
      min_market_funds: '1',
      status: 'online',
    })
    const ids = ['BTC-USD', 'BTC-USDC', 'USDT-USD', 'USDT-USDC', 'BTCAUCTION-USD', 'ZZZ-USDC']
    const markets = coinbase.instruments.parse([JSON.stringify(ids.map(product))])
    expect(markets.map(({ symbol }) => symbol)).toEqual([
      'BTC/USD',
      'USDT/USD',
      'USDT/USDC',
      'BTCAUCTION/USD',
      'ZZZ/USDC',
    ])
  })
})
