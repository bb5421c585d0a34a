import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { KEYS } from '../../shared/keys.ts'
import { Spread } from '../../shared/spread.ts'
import { type TopOfBook, topField } from '../../shared/top.ts'
import { WatchedMarket } from '../../shared/watched.ts'
import { fetchProblem } from '../testing/check.ts'
import { type Stack, startStack } from '../testing/stack.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack?.stop())
beforeEach(() => stack.redis.del(KEYS.top, KEYS.markets))

function top(exchange: string, symbol: string, bid: string, ask: string): TopOfBook {
  const size = '1.5'
  const updated_at = '2026-10-01T00:00:00.000Z'
  const quotes = { bid: { price: bid, size }, ask: { price: ask, size } }
  return { exchange, symbol, market: symbol.replace('/', ''), state: 'live', ...quotes, updated_at }
}

function watched({ exchange, symbol, market }: TopOfBook): WatchedMarket {
  const [base = '', quote = ''] = symbol.split('/')
  const rules = { price_step: '0.01', size_step: '0.001', minimum_size: '0', minimum_notional: '5' }
  return {
    ...{ exchange, symbol, market, base, quote, ...rules },
    taker_fee: { percent: '0.1', source: 'schedule' },
  }
}

async function set(...tops: TopOfBook[]): Promise<void> {
  for (const one of tops) {
    const field = topField(one.exchange, one.symbol)
    await stack.redis.hset(KEYS.top, field, JSON.stringify(one))
    await stack.redis.hset(KEYS.markets, field, JSON.stringify(watched(one)))
  }
}

const TOPS = [
  top('kraken', 'BTC/USDT', '100', '101'),
  top('bybit', 'BTC/USDT', '102', '103'),
  top('binance', 'BTC/USDT', '99', '100.5'),
  top('kraken', 'ETH/USDT', '10', '10.1'),
  top('bybit', 'ETH/USDT', '10', '10.2'),
  top('kraken', 'ONLY/USD', '1', '2'),
]

async function get<T>(path: string, schema: z.ZodType<T>): Promise<T[]> {
  const response = await fetch(stack.url + path)
  expect(response.status).toBe(200)
  return z.strictObject({ data: z.array(schema) }).parse(await response.json()).data
}

describe('GET /v1/spreads', () => {
  it('shows the whole matrix of one symbol', async () => {
    await set(...TOPS)
    const [spread, ...others] = await get('/v1/spreads?symbol=btc/usdt', Spread)
    expect(others).toEqual([])
    expect(spread?.quotes.map(({ exchange }) => exchange).sort()).toEqual([
      'binance',
      'bybit',
      'kraken',
    ])
    expect(spread?.routes.length).toBe(6)
    // 102/100.5 times 0.999 squared
    expect(spread?.routes[0]).toMatchObject({
      ...{ buy_exchange: 'binance', sell_exchange: 'bybit', net_percent: '1.2896' },
    })
  })

  it('shows the best route of every symbol that two exchanges quote, best first', async () => {
    await set(...TOPS)
    const all = await get('/v1/spreads', Spread)
    expect(all.map(({ symbol, routes, quotes }) => [symbol, routes.length, quotes.length])).toEqual(
      [
        ['BTC/USDT', 1, 2],
        ['ETH/USDT', 1, 2],
      ],
    )
    expect((await get('/v1/spreads?limit=1', Spread)).length).toBe(1)
  })

  it('is empty while nothing is quoted, and says so of a symbol that is not watched', async () => {
    expect(await get('/v1/spreads', Spread)).toEqual([])
    expect((await fetchProblem(`${stack.url}/v1/spreads?symbol=XRP/USDT`)).status).toBe(404)
    expect((await fetchProblem(`${stack.url}/v1/spreads?symbol=XRP`)).status).toBe(400)
  })
})

describe('GET /v1/markets', () => {
  it('lists what is watched by symbol, then exchange', async () => {
    await set(...TOPS)
    const all = await get('/v1/markets', WatchedMarket)
    expect(all.map(({ symbol, exchange }) => `${symbol} ${exchange}`)).toEqual([
      'BTC/USDT binance',
      'BTC/USDT bybit',
      'BTC/USDT kraken',
      'ETH/USDT bybit',
      'ETH/USDT kraken',
      'ONLY/USD kraken',
    ])
    const one = await get('/v1/markets?symbol=ETH/USDT&exchange=kraken', WatchedMarket)
    expect(one).toEqual([watched(TOPS[3]!)])
  })

  it('refuses what it does not know, and names the store that is away', async () => {
    const problem = await fetchProblem(`${stack.url}/v1/markets?base=BTC`)
    expect(problem.errors).toMatchObject([{ field: 'base' }])
    await stack.closeUpstash()
    const away = await fetchProblem(`${stack.url}/v1/markets`)
    await stack.openUpstash()
    expect(away).toMatchObject({ status: 503, detail: expect.stringMatching(/^redis/) })
  })
})
