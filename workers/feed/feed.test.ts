/** A feed against small servers that misbehave as exchanges do. */
import type { ServerResponse } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { silentLog } from '../../shared/log.ts'
import { binance } from '../exchanges/binance.ts'
import { bybit } from '../exchanges/bybit.ts'
import { kraken } from '../exchanges/kraken.ts'
import { dialects, TrueBook } from '../exchanges/testing.ts'
import { fetchInstruments } from './instruments.ts'
import {
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

describe('a connection', () => {
  it('brings books live, and says that a sandbox is one', async () => {
    const truth = new TrueBook(START)
    const server = await exchangeServer({ sandbox: true, said: bybitServes(truth) })
    const { feed, state } = startFeed(server, bybit, ['BTCUSDT', 'ETHUSDT'])
    await expect.poll(() => [state('BTCUSDT'), state('ETHUSDT')], WAIT).toEqual(['live', 'live'])
    expect(feed.status()).toMatchObject({
      id: 'bybit',
      connected: true,
      state: 'online',
      reason: null,
      simulated: true,
      books_live: 2,
      books_total: 2,
      reconnects_total: 0,
      refused: [],
    })
    expect(feed.status().messages_total).toBe(3)
  })

  it('does not call a real exchange simulated', async () => {
    const server = await exchangeServer({ said: bybitServes(new TrueBook(START)) })
    const { feed, state } = startFeed(server, bybit, ['BTCUSDT'])
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    expect(feed.status().simulated).toBe(false)
  })

  it('that is cut makes its books stale at once and comes back', async () => {
    const server = await exchangeServer({ said: bybitServes(new TrueBook(START)) })
    const { feed, books, state } = startFeed(server, bybit, ['BTCUSDT'])
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    server.sockets[0]!.terminate()
    await expect.poll(() => feed.status().reconnects_total, WAIT).toBe(1)
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    expect(books.history).toEqual([
      'BTCUSDT syncing',
      'BTCUSDT live',
      'BTCUSDT stale disconnected',
      'BTCUSDT live',
    ])
    expect(feed.status().resyncs_total).toBe(1)
  })

  it('that falls silent is cut and dialled again', async () => {
    const truth = new TrueBook(START)
    const serves = bybitServes(truth)
    // the first connection neither speaks nor answers pings after the snapshots
    const server = await exchangeServer({ autoPong: false, said: serves })
    const { feed, books, state } = startFeed(server, withIdle(bybit, 200), ['BTCUSDT'])
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    await expect.poll(() => server.sockets.length, WAIT).toBeGreaterThan(1)
    expect(books.history).toContain('BTCUSDT stale disconnected')
    await expect.poll(() => feed.status().reconnects_total, WAIT).toBeGreaterThan(0)
  })

  it('that only answers pings keeps its quiet books confirmed', async () => {
    const server = await exchangeServer({ said: bybitServes(new TrueBook(START)) })
    const { entry, state } = startFeed(server, withIdle(bybit, 200), ['BTCUSDT'])
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    const confirmed_ms = entry('BTCUSDT').confirmed_ms
    await expect.poll(() => entry('BTCUSDT').confirmed_ms, WAIT).toBeGreaterThan(confirmed_ms + 500)
    expect(server.sockets).toHaveLength(1)
    expect(state('BTCUSDT')).toBe('live')
  })

  it('sends the ping that the exchange asks for', async () => {
    const server = await exchangeServer({ said: bybitServes(new TrueBook(START)) })
    const ping = { every_ms: 20, frame: () => '{"op":"ping"}' }
    startFeed(server, { ...bybit, keepalive: { ...bybit.keepalive, ping } }, ['BTCUSDT'])
    await expect
      .poll(() => server.frames.filter(({ op }) => op === 'ping').length, WAIT)
      .toBeGreaterThan(2)
  })

  it('that sends more than a frame may hold is closed and opened again', async () => {
    const server = await exchangeServer({
      said: bybitServes(new TrueBook(START)),
      connected: (socket, index) => {
        if (index === 0) socket.send('x'.repeat(200_000))
      },
    })
    const small = { ...bybit, limits: { ...bybit.limits, largest_frame_bytes: 100_000 } }
    const { feed, state } = startFeed(server, small, ['BTCUSDT'])
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    expect(feed.status().reconnects_total).toBe(1)
  })

  it('that speaks nonsense is counted and lives on', async () => {
    const server = await exchangeServer({
      said: bybitServes(new TrueBook(START)),
      connected: (socket) => {
        for (const frame of ['{"topic":', '', 'null', '{"topic":"orderbook.50.BTCUSDT"}']) {
          socket.send(frame)
        }
      },
    })
    const { feed, state } = startFeed(server, bybit, ['BTCUSDT'])
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    expect(feed.status().connected).toBe(true)
    expect(server.sockets).toHaveLength(1)
  })

  it('is not opened again after stop', async () => {
    const server = await exchangeServer({ said: bybitServes(new TrueBook(START)) })
    const { feed, state } = startFeed(server, bybit, ['BTCUSDT'])
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    await feed.stop()
    expect(state('BTCUSDT')).toBe('stale')
    expect(feed.status().connected).toBe(false)
    await expect.poll(() => server.sockets[0]!.readyState, WAIT).toBe(3)
    expect(server.sockets).toHaveLength(1)
  })
})

describe('one market', () => {
  it('with a gap is subscribed anew alone, on the same connection', async () => {
    const truth = new TrueBook(START)
    const server = await exchangeServer({ said: bybitServes(truth) })
    const { feed, books, state } = startFeed(server, bybit, ['BTCUSDT', 'ETHUSDT'])
    await expect.poll(() => feed.status().books_live, WAIT).toBe(2)
    const changes = truth.change([['bid', '99.95', '1.0000']])
    server.sockets[0]!.send(dialects.bybit!.delta(truth, changes, 2, 'ETHUSDT'))
    await expect.poll(() => books.history, WAIT).toContain('ETHUSDT stale gap')
    await expect.poll(() => state('ETHUSDT'), WAIT).toBe('live')
    expect(server.frames.slice(-2)).toEqual([
      { op: 'unsubscribe', args: ['orderbook.50.ETHUSDT'] },
      { op: 'subscribe', args: ['orderbook.50.ETHUSDT'] },
    ])
    expect(books.history.filter((step) => step.startsWith('BTCUSDT'))).toEqual([
      'BTCUSDT syncing',
      'BTCUSDT live',
    ])
    expect(feed.status()).toMatchObject({ gaps_total: 1, resyncs_total: 1, reconnects_total: 0 })
  })

  it('that was asked for as often as the exchange allows moves to a new connection', async () => {
    const truth = new TrueBook(START)
    const server = await exchangeServer({ said: bybitServes(truth) })
    const frugal = { ...bybit, limits: { ...bybit.limits, frames_per_connection: 3 } }
    const { feed, state } = startFeed(server, frugal, ['BTCUSDT'])
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    const changes = truth.change([['bid', '99.95', '1.0000']])
    server.sockets[0]!.send(dialects.bybit!.delta(truth, changes, 2, 'BTCUSDT'))
    await expect.poll(() => server.sockets.length, WAIT).toBe(2)
    await expect.poll(() => server.sockets[0]!.readyState, WAIT).toBe(3)
    expect(state('BTCUSDT')).toBe('live')
    expect(server.frames.filter(({ op }) => op === 'subscribe')).toHaveLength(3)
    expect(feed.status().reconnects_total).toBe(0)
  })

  it('with a wrong digit fails its checksum and is subscribed anew', async () => {
    const truth = new TrueBook(START)
    const said: Behaviour['said'] = (socket, frame) => {
      if (asksBooks(frame)) socket.send(dialects.kraken!.snapshot(truth))
    }
    const server = await exchangeServer({ said })
    const { feed, state } = startFeed(server, kraken, ['BTC/USD'])
    await expect.poll(() => state('BTC/USD'), WAIT).toBe('live')
    const changes = truth.change([['bid', '99.95', '1.0000']])
    const wrong = dialects.kraken!.delta(truth, changes, 1).replace('99.95', '99.96')
    server.sockets[0]!.send(wrong)
    await expect.poll(() => feed.status().checksums_failed, WAIT).toBe(1)
    await expect.poll(() => state('BTC/USD'), WAIT).toBe('live')
    expect(feed.status()).toMatchObject({ checksums_ok: 2, resyncs_total: 1 })
  })

  it('that the exchange refuses by name is reported and harms no other', async () => {
    const truth = new TrueBook(START)
    const said: Behaviour['said'] = (socket, frame) => {
      if (!asksBooks(frame)) return
      for (const symbol of (frame.params as { symbol: string[] }).symbol) {
        if (symbol === 'FOO/BAR') {
          socket.send(
            '{"error":"Currency pair not supported FOO/BAR","method":"subscribe","success":false,"symbol":"FOO/BAR"}',
          )
        } else {
          socket.send(dialects.kraken!.snapshot(truth, symbol))
        }
      }
    }
    const server = await exchangeServer({ said })
    const { feed, state } = startFeed(server, kraken, ['BTC/USD', 'FOO/BAR', 'ETH/USD'])
    await expect.poll(() => feed.status().books_live, WAIT).toBe(2)
    expect(state('FOO/BAR')).toBe('syncing')
    expect(feed.status().refused).toEqual([
      { market: 'FOO/BAR', reason: 'Currency pair not supported FOO/BAR' },
    ])
  })

  it('that takes a whole frame down with it leaves the others to be asked for alone', async () => {
    const truth = new TrueBook(START)
    const serves = bybitServes(truth)
    const said: Behaviour['said'] = (socket, frame, index) => {
      if (frame.op === 'subscribe' && argsOf(frame).includes('FOOUSDT')) {
        const ret_msg = 'Invalid topic: orderbook.50.FOOUSDT'
        socket.send(JSON.stringify({ success: false, ret_msg, op: 'subscribe' }))
      } else {
        serves(socket, frame, index)
      }
    }
    const server = await exchangeServer({ said })
    const { feed, state } = startFeed(server, bybit, ['BTCUSDT', 'FOOUSDT', 'ETHUSDT'])
    await expect.poll(() => feed.status().books_live, WAIT).toBe(2)
    expect(state('FOOUSDT')).toBe('syncing')
    expect(feed.status().refused.map(({ market }) => market)).toEqual(['FOOUSDT'])
  })
})

describe('the exchange', () => {
  it('in maintenance halts every book and says so', async () => {
    const truth = new TrueBook(START)
    const status = (system: string) =>
      `{"channel":"status","type":"update","data":[{"system":"${system}"}]}`
    const server = await exchangeServer({
      connected: (socket) => socket.send(status('online')),
      said: (socket, frame) => {
        if (asksBooks(frame)) socket.send(dialects.kraken!.snapshot(truth))
      },
    })
    const { feed, state } = startFeed(server, kraken, ['BTC/USD'])
    await expect.poll(() => state('BTC/USD'), WAIT).toBe('live')
    server.sockets[0]!.send(status('maintenance'))
    await expect.poll(() => state('BTC/USD'), WAIT).toBe('halted')
    expect(feed.status()).toMatchObject({
      state: 'maintenance',
      reason: 'maintenance',
      books_halted: 1,
    })
    server.sockets[0]!.send(status('online'))
    await expect.poll(() => state('BTC/USD'), WAIT).toBe('live')
    expect(feed.status()).toMatchObject({ state: 'online', reason: null })
  })

  it.each([451, 403])(
    'that answers %i is blocked and asked no second time',
    async (upgradeStatus) => {
      const server = await exchangeServer({ upgradeStatus })
      const { feed } = startFeed(server, bybit, ['BTCUSDT'])
      await expect.poll(() => feed.status().state, WAIT).toBe('blocked')
      expect(feed.status().reason).toBe(`HTTP ${upgradeStatus}, our address is not served`)
      // with no jitter at all, a storm would have begun by now
      await new Promise((resolve) => setTimeout(resolve, 300))
      expect(server.attempts()).toBe(1)
    },
  )

  it('that refuses everybody sees no more attempts than its budget', async () => {
    const server = await exchangeServer({ upgradeStatus: 503 })
    const connects = { count: 4, window_ms: 60_000 }
    const { feed } = startFeed(server, { ...bybit, limits: { ...bybit.limits, connects } }, [
      'BTCUSDT',
    ])
    await expect.poll(() => server.attempts(), WAIT).toBe(4)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(server.attempts()).toBe(4)
    expect(feed.status()).toMatchObject({ state: 'down', connected: false })
  })

  it('that announces its shutdown is left only when the next connection has taken over', async () => {
    const truth = new TrueBook(START)
    let batch = 0
    const server = await exchangeServer({
      rest: (_request, response) => response.end(dialects.binance!.snapshot(truth)),
    })
    const { feed, books, state } = startFeed(server, binance, ['BTCUSDT'])
    const ticker = setInterval(() => {
      const changes = truth.change([['bid', '99.95', `${1 + (++batch % 9)}.0000`]])
      for (const socket of server.sockets)
        socket.send(dialects.binance!.delta(truth, changes, batch))
    }, 20)
    onTestFinished(() => clearInterval(ticker))
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    server.sockets[0]!.send(
      '{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}',
    )
    await expect.poll(() => server.sockets[0]!.readyState, WAIT).toBe(3)
    await expect.poll(() => feed.status().connected, WAIT).toBe(true)
    expect(server.sockets).toHaveLength(2)
    expect(books.history).toEqual(['BTCUSDT syncing', 'BTCUSDT live'])
    expect(feed.status()).toMatchObject({ gaps_total: 0, books_live: 1, reconnects_total: 0 })
  })
})

describe('REST snapshots', () => {
  /** Deltas flow from the first subscription on; `answer` serves /api/v3/depth. */
  async function diffServer(
    answer: (response: ServerResponse, truth: TrueBook, n: number) => void,
  ) {
    const truth = new TrueBook(START)
    const asked_ms: number[] = []
    const server = await exchangeServer({
      rest: (_request, response) => {
        asked_ms.push(performance.now())
        answer(response, truth, asked_ms.length)
      },
    })
    const ticker = setInterval(() => {
      const changes = truth.change([['bid', '99.95', '1.0000']])
      for (const socket of server.sockets) socket.send(dialects.binance!.delta(truth, changes, 1))
    }, 20)
    onTestFinished(() => clearInterval(ticker))
    return { ...server, truth, asked_ms }
  }

  it('are asked for again while they are older than the buffer', async () => {
    const old = dialects.binance!.snapshot(new TrueBook(START))
    const server = await diffServer((response, truth, n) =>
      response.end(n <= 2 ? old.replace('100', '90') : dialects.binance!.snapshot(truth)),
    )
    const { state } = startFeed(server, binance, ['BTCUSDT'])
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    expect(server.asked_ms).toHaveLength(3)
  })

  it('wait as long as Retry-After says', async () => {
    const server = await diffServer((response, truth, n) => {
      if (n === 1) response.writeHead(429, { 'retry-after': '1' }).end()
      else response.end(dialects.binance!.snapshot(truth))
    })
    const { feed, state } = startFeed(server, binance, ['BTCUSDT'])
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    expect(server.asked_ms[1]! - server.asked_ms[0]!).toBeGreaterThan(950)
    expect(feed.status().state).toBe('online')
  })

  it('of a market that does not exist are reported as its refusal', async () => {
    const server = await diffServer((response) =>
      response.writeHead(400).end('{"code":-1121,"msg":"Invalid symbol."}'),
    )
    const { feed } = startFeed(server, binance, ['BTCUSDT'])
    await expect
      .poll(() => feed.status().refused, WAIT)
      .toEqual([{ market: 'BTCUSDT', reason: 'HTTP 400: {"code":-1121,"msg":"Invalid symbol."}' }])
    expect(server.asked_ms).toHaveLength(1)
  })

  it('that are refused to our address say that the exchange is blocked', async () => {
    const server = await diffServer((response) => response.writeHead(451).end())
    const { feed } = startFeed(server, binance, ['BTCUSDT'])
    await expect.poll(() => feed.status().state, WAIT).toBe('blocked')
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(server.asked_ms).toHaveLength(1)
  })

  it('stay within the weight budget', async () => {
    const server = await diffServer((response, truth) =>
      response.end(dialects.binance!.snapshot(truth)),
    )
    const limits = { ...binance.limits, rest: { weight: 110, window_ms: 60_000 } }
    startFeed(server, { ...binance, limits }, ['AUSDT', 'BUSDT', 'CUSDT', 'BTCUSDT'])
    for (const [index, market] of ['AUSDT', 'BUSDT', 'CUSDT'].entries()) {
      await expect.poll(() => server.sockets.length, WAIT).toBe(1)
      const changes = server.truth.change([['bid', `9${index}.00`, '1.0000']])
      server.sockets[0]!.send(dialects.binance!.delta(server.truth, changes, 1, market))
    }
    await expect.poll(() => server.asked_ms.length, WAIT).toBe(2)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(server.asked_ms).toHaveLength(2)
  })
})

describe('fetchInstruments', () => {
  const body = JSON.stringify({ error: [], result: {} })

  it('reads the list and whether a sandbox gave it', async () => {
    const paths: (string | undefined)[] = []
    const server = await exchangeServer({
      rest: (request, response) => {
        paths.push(request.url)
        response.writeHead(200, { 'x-spreadwire-sandbox': '1' }).end(body)
      },
    })
    const { rest_url } = server
    const list = await fetchInstruments({ exchange: kraken, rest_url, log: silentLog })
    expect(list).toEqual({ markets: [], simulated: true })
    expect(paths).toEqual(['/0/public/AssetPairs'])
  })

  it('throws what went wrong, with the address', async () => {
    const server = await exchangeServer({
      rest: (_request, response) => response.writeHead(451).end(),
    })
    const options = { exchange: kraken, rest_url: server.rest_url, log: silentLog }
    await expect(fetchInstruments(options)).rejects.toThrow(
      /kraken: GET http.*AssetPairs.* HTTP 451/,
    )
    const nowhere = { ...options, rest_url: 'http://127.0.0.1:1' }
    await expect(fetchInstruments(nowhere)).rejects.toThrow(/kraken: GET .* failed/)
  })
})
