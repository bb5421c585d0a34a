/** Markets that join and leave while a feed runs, on real sockets. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { binance } from '../exchanges/binance.ts'
import { bybit } from '../exchanges/bybit.ts'
import { coinbase } from '../exchanges/coinbase.ts'
import { dialects, TrueBook, testMarket } from '../exchanges/testing.ts'
import {
  allLive,
  argsOf,
  bybitServes,
  exchangeServer,
  START,
  startFeed,
  WAIT,
} from './testing-server.ts'

const markets = (...names: string[]) => names.map((name) => testMarket('bybit', name))

/** What the server was asked, without pings. */
const asked = (frames: Record<string, unknown>[]) =>
  frames.filter(({ op }) => op !== 'ping').map((frame) => `${frame.op} ${argsOf(frame)}`)

async function twoMarkets() {
  const truth = new TrueBook(START)
  const server = await exchangeServer({ said: bybitServes(truth) })
  const started = startFeed(server, bybit, ['BTCUSDT', 'ETHUSDT'])
  await allLive(started.feed, 2)
  return { truth, server, ...started }
}

describe('a market', () => {
  it('that joins is subscribed on the same connection and disturbs nobody', async () => {
    const { feed, server, books, state } = await twoMarkets()
    feed.watch(markets('BTCUSDT', 'ETHUSDT', 'SOLUSDT'))
    await expect.poll(() => state('SOLUSDT'), WAIT).toBe('live')
    expect(asked(server.frames)).toEqual(['subscribe BTCUSDT,ETHUSDT', 'subscribe SOLUSDT'])
    expect(server.sockets).toHaveLength(1)
    expect(books.history.filter((step) => !step.startsWith('SOL'))).toEqual([
      'BTCUSDT syncing',
      'ETHUSDT syncing',
      'BTCUSDT live',
      'ETHUSDT live',
    ])
    expect(feed.status()).toMatchObject({ books_live: 3, books_total: 3, reconnects_total: 0 })
  })

  it('that leaves is halted at once, unsubscribed, and nothing more counts for it', async () => {
    const { feed, server, truth, entry, state } = await twoMarkets()
    feed.watch(markets('BTCUSDT'))
    expect([state('ETHUSDT'), entry('ETHUSDT').reason]).toEqual(['halted', 'halted'])
    expect(entry('ETHUSDT').market.trading).toBe(false)
    expect(feed.status()).toMatchObject({ books_live: 1, books_total: 1, books_halted: 0 })
    await expect.poll(() => asked(server.frames).at(-1), WAIT).toBe('unsubscribe ETHUSDT')
    const seen = feed.status().messages_total
    server.sockets[0]!.send(dialects.bybit!.snapshot(truth, 'ETHUSDT'))
    await expect.poll(() => feed.status().messages_total, WAIT).toBeGreaterThan(seen)
    expect(state('ETHUSDT')).toBe('halted')
  })

  it('that returns gets its old place and a new snapshot', async () => {
    const { feed, entry, books, state } = await twoMarkets()
    const before = entry('ETHUSDT')
    feed.watch(markets('BTCUSDT'))
    feed.watch(markets('BTCUSDT', 'ETHUSDT'))
    await expect.poll(() => state('ETHUSDT'), WAIT).toBe('live')
    expect(entry('ETHUSDT')).toBe(before)
    expect(books.all).toHaveLength(2)
    expect(before.market.trading).toBe(true)
  })

  it('whose ticks, lots or fees change keeps its book and shows the new rules', async () => {
    const { feed, entry, state, server } = await twoMarkets()
    const [btc, eth] = markets('BTCUSDT', 'ETHUSDT')
    feed.watch([{ ...btc!, price_step: '0.5', taker_fee_percent: '0.2' }, eth!])
    expect(entry('BTCUSDT').market).toMatchObject({ price_step: '0.5', taker_fee_percent: '0.2' })
    expect(state('BTCUSDT')).toBe('live')
    expect(asked(server.frames)).toHaveLength(1)
  })
})

describe('connections', () => {
  const small = { ...bybit, limits: { ...bybit.limits, markets_per_connection: 2 } }

  it('are opened for what no other has room for, and given up when their last market leaves', async () => {
    const server = await exchangeServer({ said: bybitServes(new TrueBook(START)) })
    const { feed } = startFeed(server, small, ['AUSDT', 'BUSDT'])
    await allLive(feed, 2)
    feed.watch(markets('AUSDT', 'BUSDT', 'CUSDT', 'DUSDT', 'EUSDT'))
    await allLive(feed, 5)
    expect(server.sockets).toHaveLength(3)
    feed.watch(markets('AUSDT', 'BUSDT', 'CUSDT'))
    await allLive(feed, 3)
    await expect.poll(() => server.sockets.filter((s) => s.readyState === 1).length, WAIT).toBe(2)
    feed.watch(markets('AUSDT', 'BUSDT', 'CUSDT', 'FUSDT'))
    await allLive(feed, 4)
    expect(server.sockets).toHaveLength(3)
    expect(feed.status()).toMatchObject({ reconnects_total: 0, reason: null, state: 'online' })
  })

  it('open for a feed that had no market at first', async () => {
    const server = await exchangeServer({ said: bybitServes(new TrueBook(START)) })
    const { feed } = startFeed(server, small, [])
    expect(server.attempts()).toBe(0)
    feed.watch(markets('AUSDT'))
    await allLive(feed, 1)
  })

  it('take a market in even while they hand over to a successor', async () => {
    const truths = { BTCUSDT: new TrueBook(START), ETHUSDT: new TrueBook(START) }
    const server = await exchangeServer({
      rest: (request, response) => {
        const truth = request.url?.includes('BTCUSDT') ? truths.BTCUSDT : truths.ETHUSDT
        response.end(dialects.binance!.snapshot(truth))
      },
    })
    const { feed, books } = startFeed(server, binance, ['BTCUSDT'])
    let batch = 0
    // the first market falls silent before the hand-over ends: the successor cannot join it
    const silent = new Set<string>()
    const ticker = setInterval(() => {
      batch++
      for (const [name, truth] of Object.entries(truths)) {
        if (silent.has(name)) continue
        const changes = truth.change([['bid', '99.95', `${1 + (batch % 9)}.0000`]])
        const frame = dialects.binance!.delta(truth, changes, batch, name)
        for (const socket of server.sockets) socket.send(frame)
      }
    }, 20)
    onTestFinished(() => clearInterval(ticker))
    await allLive(feed, 1)
    silent.add('BTCUSDT')
    server.sockets[0]!.send('{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}')
    await expect.poll(() => server.sockets.length, WAIT).toBe(2)
    feed.watch(['BTCUSDT', 'ETHUSDT'].map((name) => testMarket('binance', name)))
    const requests = () => server.frames.filter(({ method }) => method === 'SUBSCRIBE')
    await expect
      .poll(
        () => requests().filter(({ params }) => String(params).includes('ethusdt')).length,
        WAIT,
      )
      .toBe(2)
    silent.clear()
    await allLive(feed, 2)
    await expect.poll(() => server.sockets[0]!.readyState, WAIT).toBe(3)
    await allLive(feed, 2)
    expect(books.history.filter((step) => step.includes('stale'))).toEqual([])
  })
})

describe('a hint that the list changed', () => {
  const status = (cancel_only: boolean) =>
    JSON.stringify({ type: 'status', products: [{ id: 'BTC-USD', status: 'online', cancel_only }] })

  it('is given when a market closes and when it opens again, also after it has left', async () => {
    let hints = 0
    const server = await exchangeServer({
      said: (socket, frame) => {
        if (frame.type === 'subscribe' && frame.product_ids !== undefined) {
          socket.send(dialects.coinbase!.snapshot(new TrueBook(START)))
        }
      },
    })
    const { feed, state } = startFeed(server, coinbase, ['BTC-USD', 'ETH-USD'], {
      onListChanged: () => hints++,
    })
    await expect.poll(() => state('BTC-USD'), WAIT).toBe('live')
    server.sockets[0]!.send(status(true))
    await expect.poll(() => hints, WAIT).toBe(1)
    expect(state('BTC-USD')).toBe('halted')
    feed.watch([testMarket('coinbase', 'ETH-USD')])
    server.sockets[0]!.send(status(false))
    await expect.poll(() => hints, WAIT).toBe(2)
    expect(state('BTC-USD')).toBe('halted')
  })
})
