/** Halts that no stream tells: what the exchanges answer, how soon a feed knows, and how it asks. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { binance } from '../exchanges/binance.ts'
import { bybit } from '../exchanges/bybit.ts'
import { coinbase } from '../exchanges/coinbase.ts'
import type { Exchange, Protocol, TradingStatusProcedure } from '../exchanges/exchange.ts'
import { exchanges } from '../exchanges/index.ts'
import { dialects, TrueBook } from '../exchanges/testing.ts'
import type { RestAnswer } from './rest.ts'
import { Bench } from './testing.ts'
import { allLive, bybitServes, exchangeServer, START, startFeed, WAIT } from './testing-server.ts'
import { TradingStatus } from './trading-status.ts'

/** The same questions, asked so often that a test need not wait. */
function hurried(exchange: Exchange): Exchange {
  const { trading_status = [] } = exchange
  return {
    ...exchange,
    trading_status: trading_status.map((one) => ({ ...one, every_ms: 50 })),
  }
}

const instrument = (symbol: string, status = 'Trading') => ({
  symbol,
  baseCoin: symbol.replace('USDT', ''),
  quoteCoin: 'USDT',
  status,
  lotSizeFilter: { basePrecision: '0.001', minOrderQty: '0.001', minOrderAmt: '5' },
  priceFilter: { tickSize: '0.01' },
})

const bybitAnswer = (result: object) =>
  JSON.stringify({ retCode: 0, retMsg: 'OK', result, retExtInfo: {}, time: 1 })

const bybitList = (...list: object[]) => bybitAnswer({ category: 'spot', list })

const maintenance = (state: string, more: object = {}) => ({
  id: '4d95b2a0',
  title: 'Spot upgrade',
  state,
  begin: '1751596902000',
  end: '1751597011000',
  href: '',
  serviceTypes: [1, 5],
  product: [2],
  uidSuffix: [],
  maintainType: 1,
  env: 1,
  ...more,
})

const parserOf = (exchange: Exchange | Protocol, path: RegExp) => {
  const found = exchange.trading_status?.find((one) => path.test(one.path))
  if (found === undefined) throw new Error(`nothing is asked at ${path}`)
  return found.parse
}

describe('an answer', () => {
  const advanced = coinbase.alternatives?.[0]?.protocol as Protocol

  it('of Binance names the symbols whose status is TRADING', () => {
    const parse = parserOf(binance, /ticker\/price\?symbolStatus=TRADING$/)
    const body = '[{"symbol":"BTCUSDT","price":"1.0"},{"symbol":"币安人生USDT","price":"2.0"}]'
    expect([...(parse(body).trading ?? [])]).toEqual(['BTCUSDT', '币安人生USDT'])
    expect(parse('[]').trading?.size).toBe(0)
  })

  it('of Binance tells system maintenance', () => {
    const parse = parserOf(binance, /system\/status/)
    const told = (body: string) => parse(body).system
    expect(told('{"status":0,"msg":"normal"}')).toEqual({ state: 'online', reason: 'normal' })
    expect(told('{"status":1,"msg":"system_maintenance"}')).toEqual({
      state: 'maintenance',
      reason: 'system_maintenance',
    })
  })

  it('of Bybit names what has the status Trading, and nothing that is not listed', () => {
    const parse = parserOf(bybit, /instruments-info/)
    const body = bybitList(instrument('BTCUSDT'), instrument('ETHUSDT', 'Closed'))
    expect([...(parse(body).trading ?? [])]).toEqual(['BTCUSDT'])
  })

  it.each([
    ['is under way', maintenance('ongoing'), 'maintenance'],
    ['is only announced', maintenance('scheduled'), 'online'],
    ['is over', maintenance('completed'), 'online'],
    ['concerns other products', maintenance('ongoing', { product: [1, 3] }), 'online'],
    ['concerns private streams', maintenance('ongoing', { serviceTypes: [4] }), 'online'],
    ['concerns the demo', maintenance('ongoing', { env: 2 }), 'online'],
  ])('of Bybit about maintenance that %s', (_what, entry, state) => {
    const parse = parserOf(bybit, /system\/status/)
    expect(parse(bybitAnswer({ list: [entry] })).system?.state).toBe(state)
    expect(parse(bybitAnswer({ list: [] })).system).toEqual({ state: 'online', reason: 'online' })
  })

  it('of Coinbase counts the flags that close a product', () => {
    const parse = parserOf(advanced, /^\/products$/)
    const body = JSON.stringify([
      { id: 'BTC-USD', status: 'online' },
      { id: 'ETH-USD', status: 'online', cancel_only: true },
      { id: 'SOL-USD', status: 'delisted' },
    ])
    expect([...(parse(body).trading ?? [])]).toEqual(['BTC-USD'])
  })

  it.each([...exchanges, advanced].flatMap(({ trading_status = [] }) => trading_status))(
    'that is none is refused: $path',
    ({ parse }) => {
      for (const body of [
        '',
        'null',
        '{}',
        '[{}]',
        '{"retCode":10006,"retMsg":"Too many visits!"}',
      ]) {
        expect(() => parse(body)).toThrow(/./)
      }
    },
  )

  it('costs a fiftieth of what REST may weigh, or less', () => {
    for (const { trading_status = [], limits } of [...exchanges, advanced]) {
      const { weight, window_ms } = limits.rest
      const per_window = trading_status.reduce(
        (sum, one) => sum + one.weight * (window_ms / one.every_ms),
        0,
      )
      expect(per_window / weight).toBeLessThanOrEqual(0.02)
    }
  })
})

describe('a feed', () => {
  it('halts what Binance does not name as trading, hints at its list, and takes it back', async () => {
    const truth = new TrueBook(START)
    const trading = new Set(['BTCUSDT', 'ETHUSDT'])
    let hints = 0
    const server = await exchangeServer({
      rest: (_request, response) => response.end(dialects.binance!.snapshot(truth)),
      status: (path, response) => {
        if (path.startsWith('/sapi')) response.end('{"status":0,"msg":"normal"}')
        else response.end(JSON.stringify([...trading].map((symbol) => ({ symbol, price: '1.0' }))))
      },
    })
    const { feed, state } = startFeed(server, hurried(binance), [...trading], {
      onListChanged: () => hints++,
    })
    const ticker = setInterval(() => {
      const changes = truth.change([['bid', '99.95', '1.0000']])
      for (const name of ['BTCUSDT', 'ETHUSDT']) {
        const frame = dialects.binance!.delta(truth, changes, 1, name)
        for (const socket of server.sockets) socket.send(frame)
      }
    }, 20)
    onTestFinished(() => clearInterval(ticker))
    await allLive(feed, 2)
    expect(hints).toBe(0)
    trading.delete('ETHUSDT')
    await expect.poll(() => state('ETHUSDT'), WAIT).toBe('halted')
    expect(state('BTCUSDT')).toBe('live')
    await expect.poll(() => hints, WAIT).toBe(1)
    trading.add('ETHUSDT')
    await expect.poll(() => state('ETHUSDT'), WAIT).toBe('live')
    await expect.poll(() => hints, WAIT).toBe(2)
  })

  it('halts everything while Bybit is in maintenance, in its words', async () => {
    let state = 'completed'
    const server = await exchangeServer({
      said: bybitServes(new TrueBook(START)),
      status: (path, response) => {
        if (path === '/v5/system/status') {
          response.end(bybitAnswer({ list: [maintenance(state)] }))
        } else {
          response.end(bybitList(instrument('BTCUSDT'), instrument('ETHUSDT')))
        }
      },
    })
    const { feed } = startFeed(server, hurried(bybit), ['BTCUSDT', 'ETHUSDT'])
    await allLive(feed, 2)
    state = 'ongoing'
    await expect.poll(() => feed.status().books_halted, WAIT).toBe(2)
    expect(feed.status()).toMatchObject({ state: 'maintenance', reason: 'Spot upgrade' })
    state = 'completed'
    await allLive(feed, 2)
    expect(feed.status()).toMatchObject({ state: 'online', reason: null })
  })

  it('goes on when its exchange does not answer, or answers nonsense', async () => {
    const asked: string[] = []
    const server = await exchangeServer({
      said: bybitServes(new TrueBook(START)),
      status: (path, response) => {
        asked.push(path)
        if (path === '/v5/system/status') response.writeHead(500).end()
        else response.end('{"retCode":10006,"retMsg":"Too many visits!"}')
      },
    })
    const { feed } = startFeed(server, hurried(bybit), ['BTCUSDT'])
    await allLive(feed, 1)
    await expect.poll(() => asked.length, WAIT).toBeGreaterThan(6)
    expect(feed.status()).toMatchObject({ books_live: 1, state: 'online' })
  })
})

/** Time stands still until a test moves it; REST answers at once. */
function bench(exchange: Exchange, answer: (path: string) => RestAnswer, elsewhere = false) {
  const world = new Bench(exchange, ['A', 'B'])
  const asked: { path: string; at_ms: number }[] = []
  const status = new TradingStatus({
    clock: { monotonic_ms: () => world.now_ms, wall_ms: () => world.now_ms },
    intake: world.intake,
    fleet: { protocol: exchange },
    rest: {
      take: () => 0,
      stopped: false,
      elsewhere,
      get: async (path) => {
        asked.push({ path, at_ms: world.now_ms })
        return answer(path)
      },
    },
    onBadFrame: () => {},
  })
  /** Sweeps as a feed does; `each` happens before every sweep. */
  const pass = async (ms: number, each = () => {}) => {
    for (const until_ms = world.now_ms + ms; world.now_ms < until_ms; ) {
      world.now_ms += 200
      each()
      status.sweep(world.now_ms)
      await Promise.resolve()
    }
  }
  return { ...world, status, asked, pass, world }
}

const body = (text: string): RestAnswer => ({
  kind: 'body',
  body: text,
  sent_ms: 0,
  received_ms: 0,
})

describe('questions', () => {
  const one: TradingStatusProcedure = {
    path: '/who',
    weight: 1,
    every_ms: 60_000,
    parse: () => ({}),
  }
  const asking = (more: Partial<TradingStatusProcedure> = {}): Exchange => ({
    ...bybit,
    trading_status: [{ ...one, ...more }],
  })

  it('are asked in their period, and two seconds apart however much hints', async () => {
    const { pass, asked, status } = bench(asking(), () => body('{}'))
    await pass(180_000)
    expect(asked.length).toBe(3)
    await pass(60_000, () => status.hint())
    const gaps = asked.slice(3).map(({ at_ms }, n) => at_ms - (asked[n + 2]?.at_ms ?? 0))
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(2_000)
    expect(gaps.length).toBeGreaterThan(25)
  })

  it('that an address does not know are left for ten minutes, whatever hints', async () => {
    const { pass, asked, status } = bench(asking(), () => ({ kind: 'refused', reason: 'HTTP 404' }))
    await pass(590_000, () => status.hint())
    expect(asked).toHaveLength(1)
    await pass(20_000)
    expect(asked).toHaveLength(2)
  })

  it('that only the own address knows are not asked elsewhere', async () => {
    const { pass, asked } = bench(asking({ own_address_only: true }), () => body('{}'), true)
    await pass(120_000)
    expect(asked).toEqual([])
  })

  it('are asked soon after a busy book stops, and not because a slow one is slow', async () => {
    const { pass, asked, world } = bench(asking(), () => body('{}'))
    // A changes at every sweep, B every five seconds
    const batches = { A: 0, B: 0 }
    const truths = { A: new TrueBook(START), B: new TrueBook(START) }
    for (const [market, own] of Object.entries(truths)) {
      world.frame(dialects.bybit!.snapshot(own, market))
    }
    const change = (market: 'A' | 'B') => {
      const own = truths[market]
      const changes = own.change([['bid', '99.95', `${1 + (++batches[market] % 9)}.0000`]])
      world.frame(dialects.bybit!.delta(own, changes, batches[market], market))
    }
    await pass(30_000, () => {
      change('A')
      if (world.now_ms % 5_000 === 0) change('B')
    })
    expect(asked).toHaveLength(1)
    const silent_ms = world.now_ms
    await pass(5_000, () => {
      if (world.now_ms % 5_000 === 0) change('B')
    })
    expect(asked).toHaveLength(2)
    expect((asked[1]?.at_ms ?? 0) - silent_ms).toBeLessThanOrEqual(3_400)
    await pass(20_000)
    expect(asked).toHaveLength(2)
  })
})
