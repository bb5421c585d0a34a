/** Which address is used when one refuses us: the rule alone, then on real sockets. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { silentLog } from '../../shared/log.ts'
import { binance } from '../exchanges/binance.ts'
import { bybit } from '../exchanges/bybit.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import { dialects, TrueBook } from '../exchanges/testing.ts'
import { Addresses, doorsOf, restAddressesOf } from './addresses.ts'
import { BLOCKED_RETRY_MS } from './backoff.ts'
import { fetchInstruments } from './instruments.ts'
import { bybitServes, exchangeServer, START, startFeed, WAIT } from './testing-server.ts'

describe('Addresses', () => {
  function three() {
    const clock = { now_ms: 0, monotonic_ms: () => clock.now_ms, wall_ms: () => 0 }
    return { clock, addresses: new Addresses(['a', 'b', 'c'], clock) }
  }

  it('uses the first until it refuses us, then the next, and returns after a while', () => {
    const { clock, addresses } = three()
    expect(addresses.current).toBe('a')
    expect(addresses.refused('a')).toBe(0)
    expect(addresses.current).toBe('b')
    clock.now_ms = BLOCKED_RETRY_MS
    expect(addresses.current).toBe('a')
  })

  it('is blocked only when all refuse us, until the first may be asked again', () => {
    const { clock, addresses } = three()
    addresses.refused('a')
    clock.now_ms = 1_000
    addresses.refused('b')
    expect(addresses.blocked_for_ms).toBe(0)
    expect(addresses.refused('c')).toBe(BLOCKED_RETRY_MS - 1_000)
    clock.now_ms = BLOCKED_RETRY_MS
    expect(addresses.blocked_for_ms).toBe(0)
    expect(addresses.current).toBe('a')
  })

  it('leaves one that fails three times in a row, and never runs out of them', () => {
    const { addresses } = three()
    addresses.failed('a')
    addresses.failed('a')
    addresses.succeeded('a')
    addresses.failed('a')
    addresses.failed('a')
    expect(addresses.current).toBe('a')
    addresses.failed('a')
    expect(addresses.current).toBe('b')
    expect(addresses.avoid('b')).toBe(true)
    expect(addresses.current).toBe('c')
    expect(addresses.avoid('c')).toBe(false)
    expect(addresses.current).toBe('a')
    expect(addresses.blocked_for_ms).toBe(0)
  })

  it('prefers one that merely failed to one that refuses us', () => {
    const { addresses } = three()
    addresses.avoid('c')
    addresses.refused('a')
    addresses.refused('b')
    expect(addresses.current).toBe('c')
  })
})

describe('an override', () => {
  it('switches the alternatives off', () => {
    expect(doorsOf(binance, binance.websocket_url).map(({ url }) => url)).toEqual([
      'wss://stream.binance.com/stream',
      'wss://data-stream.binance.vision/stream',
    ])
    expect(restAddressesOf(binance, binance.rest_url)).toEqual([
      'https://api.binance.com',
      'https://data-api.binance.vision',
    ])
    expect(doorsOf(binance, 'ws://mine').map(({ url }) => url)).toEqual(['ws://mine'])
    expect(restAddressesOf(binance, 'http://mine')).toEqual(['http://mine'])
  })
})

type Server = Awaited<ReturnType<typeof exchangeServer>>

/** The exchange at the first server, with the second as its alternative. */
function withTwo(exchange: Exchange, first: Server, second: Server): Exchange {
  const { websocket_url, rest_url } = second
  const alternatives = [{ websocket_url, rest_url }]
  return { ...exchange, ...first, alternatives }
}

describe('an exchange that does not serve our address', () => {
  it.each([451, 403])('with HTTP %i is reached by the other at once', async (upgradeStatus) => {
    const refusing = await exchangeServer({ upgradeStatus })
    const serving = await exchangeServer({ said: bybitServes(new TrueBook(START)) })
    const { feed, state } = startFeed(refusing, withTwo(bybit, refusing, serving), ['BTCUSDT'])
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    expect(feed.status()).toMatchObject({ state: 'online', reason: null, connected: true })
    expect([refusing.attempts(), serving.attempts()]).toEqual([1, 1])
  })

  it('is blocked when the other refuses us too, and asked no second time', async () => {
    const [one, two] = [
      await exchangeServer({ upgradeStatus: 451 }),
      await exchangeServer({ upgradeStatus: 403 }),
    ]
    const { feed } = startFeed(one, withTwo(bybit, one, two), ['BTCUSDT'])
    await expect.poll(() => feed.status().state, WAIT).toBe('blocked')
    expect(feed.status().reason).toBe('HTTP 403, our address is not served')
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect([one.attempts(), two.attempts()]).toEqual([1, 1])
  })

  it('is not reached by another address when an operator chose this one', async () => {
    const refusing = await exchangeServer({ upgradeStatus: 451 })
    const other = await exchangeServer({})
    const overridden = { ...withTwo(bybit, refusing, other), websocket_url: 'wss://elsewhere' }
    const { feed } = startFeed(refusing, overridden, ['BTCUSDT'])
    await expect.poll(() => feed.status().state, WAIT).toBe('blocked')
    expect(other.attempts()).toBe(0)
  })

  it('gives its snapshots and its list of markets by the other', async () => {
    const truth = new TrueBook(START)
    let refused = 0
    const refusing = await exchangeServer({
      rest: (_request, response) => {
        refused++
        response.writeHead(451).end()
      },
    })
    const serving = await exchangeServer({
      rest: (request, response) =>
        response.end(
          request.url?.includes('exchangeInfo')
            ? '{"symbols":[]}'
            : dialects.binance!.snapshot(truth),
        ),
    })
    const exchange = withTwo(binance, refusing, serving)
    const { rest_url } = refusing
    const list = await fetchInstruments({ exchange, rest_url, log: silentLog })
    expect(list.markets).toEqual([])
    const { feed, state } = startFeed(refusing, exchange, ['BTCUSDT'])
    const ticker = setInterval(() => {
      const changes = truth.change([['bid', '99.95', '1.0000']])
      for (const socket of refusing.sockets) socket.send(dialects.binance!.delta(truth, changes, 1))
    }, 20)
    onTestFinished(() => clearInterval(ticker))
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    expect(feed.status().state).toBe('online')
    expect(refused).toBe(2)
  })
})

describe('an exchange that cannot be reached', () => {
  it('is tried by the other address after three attempts', async () => {
    const down = await exchangeServer({ upgradeStatus: 503 })
    const serving = await exchangeServer({ said: bybitServes(new TrueBook(START)) })
    const { state } = startFeed(down, withTwo(bybit, down, serving), ['BTCUSDT'])
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    expect(down.attempts()).toBe(3)
  })
})
