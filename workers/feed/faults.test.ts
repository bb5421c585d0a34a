/** Faults of networks and exchanges, one after another, on real sockets. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { binance } from '../exchanges/binance.ts'
import { bybit } from '../exchanges/bybit.ts'
import { coinbase } from '../exchanges/coinbase.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import { kraken } from '../exchanges/kraken.ts'
import { dialects, TrueBook } from '../exchanges/testing.ts'
import { Budget } from './budget.ts'
import {
  allLive,
  argsOf,
  asksBooks,
  type Behaviour,
  bybitServes,
  exchangeServer,
  START,
  startFeed,
  WAIT,
  withIdle,
} from './testing-server.ts'

const withKeepalive = (
  exchange: Exchange,
  keepalive: Partial<Exchange['keepalive']>,
): Exchange => ({ ...exchange, keepalive: { ...exchange.keepalive, ...keepalive } })

const withLimits = (exchange: Exchange, limits: Partial<Exchange['limits']>): Exchange => ({
  ...exchange,
  limits: { ...exchange.limits, ...limits },
})

const krakenServes = (truth: TrueBook): NonNullable<Behaviour['said']> => {
  return (socket, frame) => {
    if (!asksBooks(frame)) return
    for (const symbol of (frame.params as { symbol: string[] }).symbol) {
      socket.send(dialects.kraken!.snapshot(truth, symbol))
    }
  }
}

/** The cable between a feed and its exchange. */
async function cable(websocket_url: string) {
  const port = Number(new URL(websocket_url).port)
  const ends: Socket[] = []
  let swallowed = false
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    ends.push(near, far)
    // what is under way when the cable is cut arrives nowhere, and nobody is told
    const silent = () => swallowed && ends.indexOf(near) < cut
    near.on('data', (data) => silent() || far.write(data))
    far.on('data', (data) => silent() || near.write(data))
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => {})
      one.on('close', () => silent() || other.destroy())
    }
  })
  let cut = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const end of ends) end.destroy()
    server.close()
  })
  return {
    websocket_url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ends,
    /** swallows both ways on the connections there are; new ones work */
    swallow: () => {
      swallowed = true
      cut = ends.length
    },
  }
}

describe('a connection', () => {
  it('that is half open is stale soon after its idle limit, is cut and dialled again', async () => {
    const server = await exchangeServer({ said: bybitServes(new TrueBook(START)) })
    const { websocket_url, swallow } = await cable(server.websocket_url)
    const { feed, books, entry, state } = startFeed(
      { websocket_url, rest_url: server.rest_url },
      withIdle(bybit, 300),
      ['BTCUSDT'],
    )
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    swallow()
    await expect.poll(() => books.history, WAIT).toContain('BTCUSDT stale disconnected')
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    expect(entry('BTCUSDT').reason).toBeNull()
    expect(feed.status()).toMatchObject({ reconnects_total: 1, resyncs_total: 1 })
  })

  it.each(['reset', 'close 1001', 'corrupt frame'])('that ends by %s comes back', async (end) => {
    const server = await exchangeServer({ said: bybitServes(new TrueBook(START)) })
    const { websocket_url, ends } = await cable(server.websocket_url)
    const { feed, books, state } = startFeed({ ...server, websocket_url }, bybit, ['BTCUSDT'])
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    if (end === 'reset') ends[0]!.resetAndDestroy()
    else if (end === 'close 1001') server.sockets[0]!.close(1001)
    // reserved bits that nobody negotiated
    else ends[0]!.write(Buffer.from([0xf1, 0x01, 0x41]))
    await expect.poll(() => feed.status().reconnects_total, WAIT).toBe(1)
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    expect(books.history).toContain('BTCUSDT stale disconnected')
  })

  it('that grows old is replaced without a moment of staleness', async () => {
    const truth = new TrueBook(START)
    const server = await exchangeServer({
      rest: (_request, response) => response.end(dialects.binance!.snapshot(truth)),
    })
    const aged = withLimits(binance, { connection_life_ms: 500 })
    const { feed, books, state } = startFeed(server, aged, ['BTCUSDT'])
    let batch = 0
    const ticker = setInterval(() => {
      const changes = truth.change([['bid', '99.95', `${1 + (++batch % 9)}.0000`]])
      for (const socket of server.sockets) {
        socket.send(dialects.binance!.delta(truth, changes, batch))
      }
    }, 20)
    onTestFinished(() => clearInterval(ticker))
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    await expect.poll(() => server.sockets[0]!.readyState, WAIT).toBe(3)
    expect(server.sockets).toHaveLength(2)
    expect(books.history).toEqual(['BTCUSDT syncing', 'BTCUSDT live'])
    expect(feed.status()).toMatchObject({ gaps_total: 0, reconnects_total: 0, state: 'online' })
  })

  it('that falls behind is replaced by one with nothing waiting', async () => {
    const truth = new TrueBook(START)
    const server = await exchangeServer({ said: bybitServes(truth) })
    const { feed, books, state, entry } = startFeed(server, bybit, ['BTCUSDT'], {
      // minutes pass quickly here: the limit is ten seconds
      clock: { monotonic_ms: () => performance.now() * 20, wall_ms: () => Date.now() },
    })
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    let batch = 0
    const send = (late_ms: number) => {
      const changes = truth.change([['bid', '99.95', '1.0000']])
      truth.time_ms = performance.now() * 20 + 1.7e12 - late_ms
      server.sockets[0]!.send(dialects.bybit!.delta(truth, changes, ++batch))
    }
    send(0)
    // what is late by three seconds arrives three seconds after what was not
    await new Promise((resolve) => setTimeout(resolve, 3_000 / 20))
    const ticker = setInterval(() => send(3_000), 20)
    onTestFinished(() => clearInterval(ticker))
    await expect.poll(() => feed.isBehind(entry('BTCUSDT')), WAIT).toBe(true)
    await expect.poll(() => server.sockets[0]!.readyState, WAIT).toBe(3)
    expect(server.sockets).toHaveLength(2)
    expect(books.history).toEqual(['BTCUSDT syncing', 'BTCUSDT live'])
    expect(feed.isBehind(entry('BTCUSDT'))).toBe(false)
  })

  it('with heartbeats and no data loses its market at the limit, and asks for it again', async () => {
    const truth = new TrueBook(START)
    const server = await exchangeServer({
      connected: (socket) => {
        const beat = setInterval(
          () => socket.send('{"type":"heartbeat","product_id":"BTC-USD","sequence":1}'),
          20,
        )
        socket.on('close', () => clearInterval(beat))
      },
      said: (socket, frame) => {
        if (frame.type === 'subscribe' && frame.product_ids !== undefined) {
          socket.send(dialects.coinbase!.snapshot(truth))
        }
      },
    })
    const { books, state } = startFeed(server, withKeepalive(coinbase, { quiet_ms: 500 }), [
      'BTC-USD',
    ])
    await expect.poll(() => state('BTC-USD'), WAIT).toBe('live')
    await expect.poll(() => books.history, WAIT).toContain('BTC-USD stale stale')
    await expect.poll(() => state('BTC-USD'), WAIT).toBe('live')
    expect(server.sockets).toHaveLength(1)
  })
})

describe('a subscription', () => {
  it('of fifty markets with one refused leaves forty-nine live and one reported', async () => {
    const names = Array.from({ length: 50 }, (_, n) => `M${n}/USD`)
    const truth = new TrueBook(START)
    const serves = krakenServes(truth)
    const server = await exchangeServer({
      said: (socket, frame, index) => {
        if (!asksBooks(frame)) return
        const { symbol } = frame.params as { symbol?: string[] }
        if (symbol?.includes('M7/USD')) {
          const error = 'Currency pair not supported M7/USD'
          const answer = { method: 'subscribe', success: false, symbol: 'M7/USD', error }
          socket.send(JSON.stringify(answer))
        }
        const params = {
          channel: 'book',
          symbol: symbol?.filter((name) => name !== 'M7/USD') ?? [],
        }
        serves(socket, { ...frame, params }, index)
      },
    })
    const { feed, state } = startFeed(server, kraken, names)
    await allLive(feed, 49)
    expect(state('M7/USD')).toBe('syncing')
    expect(feed.status().refused).toEqual([
      { market: 'M7/USD', reason: 'Currency pair not supported M7/USD' },
    ])
    expect(server.frames.filter(asksBooks)).toHaveLength(1)
  })

  it('that is acknowledged and never served is asked for again, alone, then reported', async () => {
    const serves = bybitServes(new TrueBook(START))
    const server = await exchangeServer({
      said: (socket, frame, index) => {
        const args = argsOf(frame).filter((name) => name !== 'MUTEUSDT')
        serves(socket, { ...frame, args: args.map((name) => `orderbook.50.${name}`) }, index)
      },
    })
    const { feed } = startFeed(server, withKeepalive(bybit, { answer_ms: 300 }), [
      'BTCUSDT',
      'MUTEUSDT',
    ])
    await expect
      .poll(() => feed.status().refused, WAIT)
      .toEqual([{ market: 'MUTEUSDT', reason: 'subscribed, but no snapshot came' }])
    expect(feed.status()).toMatchObject({ books_live: 1, resyncs_total: 0 })
    const again = server.frames.slice(1).filter(({ op }) => op !== 'ping')
    expect(again.every((frame) => argsOf(frame).join() === 'MUTEUSDT')).toBe(true)
  })

  it('that is acknowledged and silent is settled by REST where that knows the market', async () => {
    const paths: (string | undefined)[] = []
    const server = await exchangeServer({
      said: (socket, { id }) => socket.send(JSON.stringify({ result: null, id })),
      rest: (request, response) => {
        paths.push(request.url)
        response.writeHead(400).end('{"code":-1121,"msg":"Invalid symbol."}')
      },
    })
    const { feed } = startFeed(server, withKeepalive(binance, { answer_ms: 300 }), ['MUTEUSDT'])
    await expect
      .poll(() => feed.status().refused.map(({ market }) => market), WAIT)
      .toEqual(['MUTEUSDT'])
    expect(paths).toHaveLength(1)
  })
})

/**
 * When the client began each attempt to connect there, on the clock that its budget was asked by:
 * what a loaded server notices later, and in bunches, is not what the client spent.
 */
function attemptsAt(websocket_url: string): number[] {
  const at_ms: number[] = []
  const { host } = new URL(websocket_url)
  const note = (message: unknown) => {
    const { request } = message as { request: ClientRequest }
    if (request.getHeader('host') === host) at_ms.push(granted_ms)
  }
  let granted_ms = Number.NaN
  const { take } = Budget.prototype
  vi.spyOn(Budget.prototype, 'take').mockImplementation(function (this: Budget, cost, now_ms) {
    granted_ms = now_ms
    return take.call(this, cost, now_ms)
  })
  subscribe('http.client.request.start', note)
  onTestFinished(() => {
    unsubscribe('http.client.request.start', note)
    vi.restoreAllMocks()
  })
  return at_ms
}

describe('a subscription that the exchange forgot', () => {
  it('is asked for again though REST answers: a snapshot without a change proves no stream', async () => {
    const truth = new TrueBook(START)
    const subscribed = new Set<string>()
    let requests = 0
    const server = await exchangeServer({
      said: (socket, { id, method, params }) => {
        socket.send(JSON.stringify({ result: null, id }))
        if (method === 'UNSUBSCRIBE' || ++requests === 1) return
        for (const stream of params as string[]) subscribed.add(stream)
      },
      rest: (_request, response) => response.end(dialects.binance!.snapshot(truth)),
    })
    const { feed, state } = startFeed(server, withKeepalive(binance, { answer_ms: 300 }), [
      'BTCUSDT',
    ])
    const ticker = setInterval(() => {
      const changes = truth.change([['bid', '99.95', '1.0000']])
      if (!subscribed.has('btcusdt@depth@100ms')) return
      server.sockets[0]!.send(dialects.binance!.delta(truth, changes, 1))
    }, 20)
    onTestFinished(() => clearInterval(ticker))
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    expect(requests).toBe(2)
    expect(server.sockets).toHaveLength(1)
    expect(feed.status().refused).toEqual([])
  })

  it('is renewed together with the others that were lost at once', async () => {
    const names = Array.from({ length: 150 }, (_, n) => `M${n}/USD`)
    const truth = new TrueBook(START)
    const server = await exchangeServer({ said: krakenServes(truth) })
    const { feed } = startFeed(server, kraken, names)
    await allLive(feed, 150)
    const changes = truth.change([['bid', '99.95', '1.0000']])
    for (const name of names) {
      const delta = dialects.kraken!.delta(truth, changes, 1, name)
      server.sockets[0]!.send(delta.replace('99.95', '99.96'))
    }
    await expect.poll(() => feed.status().resyncs_total, WAIT).toBe(150)
    await allLive(feed, 150)
    // the first ones alone, at once; the rest by fifties while those are on their way
    expect(server.frames.filter(asksBooks).length).toBeLessThanOrEqual(3 + 10)
    expect(server.sockets).toHaveLength(1)
  })
})

describe('an exchange that refuses everybody', () => {
  it('sees no more attempts of all connections in any window than its budget, then all return', async () => {
    const behaviour = {
      upgradeStatus: 503 as number | undefined,
      said: bybitServes(new TrueBook(START)),
    }
    const server = await exchangeServer(behaviour)
    const at_ms = attemptsAt(server.websocket_url)
    const other = await exchangeServer({ said: bybitServes(new TrueBook(START)) })
    const stormy = withLimits(bybit, {
      markets_per_connection: 1,
      connects: { count: 6, window_ms: 1_000 },
    })
    const { feed } = startFeed(server, stormy, ['AUSDT', 'BUSDT', 'CUSDT'])
    const neighbour = startFeed(other, bybit, ['BTCUSDT'])
    await allLive(neighbour.feed, 1)
    // with no jitter at all, thousands of attempts would be made by now
    await expect.poll(() => at_ms.length, WAIT).toBeGreaterThan(18)
    const windows = at_ms.map(
      (from_ms) =>
        at_ms.filter((time_ms) => time_ms >= from_ms && time_ms < from_ms + 1_000).length,
    )
    expect(Math.max(...windows)).toBeLessThanOrEqual(6)
    expect(neighbour.feed.status()).toMatchObject({ books_live: 1, reconnects_total: 0 })
    behaviour.upgradeStatus = undefined
    await expect.poll(() => feed.status().books_live, { ...WAIT, timeout: 20_000 }).toBe(3)
  })

  it.each([429, 418])(
    'with HTTP %i is left alone by every connection as long as it says',
    async (status) => {
      const at_ms: number[] = []
      const behaviour = {
        upgradeStatus: status as number | undefined,
        upgradeHeaders: 'Retry-After: 2\r\n',
        said: bybitServes(new TrueBook(START)),
        asked: () => {
          at_ms.push(performance.now())
          behaviour.upgradeStatus = undefined
        },
      }
      const server = await exchangeServer(behaviour)
      const two = withLimits(bybit, { markets_per_connection: 1 })
      const { feed } = startFeed(server, two, ['AUSDT', 'BUSDT'])
      await allLive(feed, 2)
      // the second connection was due a second after the first and waits with it
      expect(at_ms[1]! - at_ms[0]!).toBeGreaterThan(1_900)
      expect(at_ms).toHaveLength(3)
    },
  )
})

describe('REST snapshots', () => {
  async function started(answer: NonNullable<Behaviour['rest']>, truth: TrueBook) {
    const server = await exchangeServer({ rest: answer })
    const started = startFeed(server, binance, ['BTCUSDT'])
    const ticker = setInterval(() => {
      const changes = truth.change([['bid', '99.95', '1.0000']])
      for (const socket of server.sockets) socket.send(dialects.binance!.delta(truth, changes, 1))
    }, 20)
    onTestFinished(() => clearInterval(ticker))
    return started
  }

  it('that are slow are bridged by what was buffered meanwhile', async () => {
    const truth = new TrueBook(START)
    let asked = 0
    const { feed, state } = await started((_request, response) => {
      asked++
      const body = dialects.binance!.snapshot(truth)
      setTimeout(() => response.end(body), 1_000)
    }, truth)
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    expect(asked).toBe(1)
    expect(feed.status().gaps_total).toBe(0)
  })

  it('that are refused with 418 are not asked for before the time that it names', async () => {
    const truth = new TrueBook(START)
    const asked_ms: number[] = []
    const { state } = await started((_request, response) => {
      asked_ms.push(performance.now())
      if (asked_ms.length === 1) response.writeHead(418, { 'retry-after': '1' }).end()
      else response.end(dialects.binance!.snapshot(truth))
    }, truth)
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    expect(asked_ms[1]! - asked_ms[0]!).toBeGreaterThan(950)
  })
})
