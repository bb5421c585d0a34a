/** Audits on real sockets: a wrong level with a right sequence is found and healed, alone. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Side } from '../book/book.ts'
import { Levels } from '../book/update.ts'
import { binance } from '../exchanges/binance.ts'
import { bybit } from '../exchanges/bybit.ts'
import { coinbase } from '../exchanges/coinbase.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import { dialects, TrueBook } from '../exchanges/testing.ts'
import { allLive, bybitServes, exchangeServer, START, startFeed, WAIT } from './testing-server.ts'

/** Changes a level behind the exchange's back. */
function spoil(side: Side, price: number, size: number): void {
  const levels = new Levels()
  levels.push(price, size)
  side.apply(levels)
}

/** Audits as in production, only faster. */
function hurried(exchange: Exchange): Exchange {
  if (exchange.audit === undefined) throw new Error('nothing to hurry')
  return { ...exchange, audit: { ...exchange.audit, every_ms: 20, settle_ms: 60 } }
}

const marketIn = (request: IncomingMessage) =>
  new URL(request.url ?? '', 'http://x').searchParams.get('symbol') ?? ''

describe('Bybit', () => {
  const MARKETS = ['AUSDT', 'BUSDT']

  async function started() {
    const truths = new Map(MARKETS.map((market) => [market, new TrueBook(START)]))
    const truthOf = (market: string) => truths.get(market)!
    const batches = new Map<string, number>()
    const server = await exchangeServer({
      said: (socket, frame, index) => {
        for (const topic of (frame.args as string[] | undefined) ?? []) {
          const market = topic.replace('orderbook.50.', '')
          batches.set(market, 0)
          bybitServes(truthOf(market))(socket, { ...frame, args: [topic] }, index)
        }
      },
      rest: (request, response) => {
        const truth = truthOf(marketIn(request))
        const [b, a] = [truth.levels('bids', 50), truth.levels('asks', 50)]
        const result = { s: 'X', b, a, ts: 1, u: 12, seq: 9, cts: truth.time_ms }
        response.end(JSON.stringify({ retCode: 0, result }))
      },
    })
    const { feed, books, state, entry } = startFeed(server, hurried(bybit), MARKETS)
    const ticker = setInterval(() => {
      for (const [market, truth] of truths) {
        const batch = (batches.get(market) ?? 0) + 1
        batches.set(market, batch)
        const changes = truth.change([['bid', '98.00', `${1 + (batch % 9)}.0000`]])
        for (const socket of server.sockets) {
          socket.send(dialects.bybit!.delta(truth, changes, batch, market))
        }
      }
    }, 15)
    onTestFinished(() => clearInterval(ticker))
    await allLive(feed, 2)
    return { feed, books, state, entry }
  }

  it('agrees with books that keep changing', async () => {
    const { feed, books } = await started()
    await expect.poll(() => feed.status().audits_ok, WAIT).toBeGreaterThan(20)
    expect(feed.status()).toMatchObject({ audits_failed: 0, gaps_total: 0, books_live: 2 })
    expect(books.history.some((step) => step.includes('stale'))).toBe(false)
  })

  it('shows a wrong level, which costs this market its thread and nobody else', async () => {
    const { feed, books, entry, state } = await started()
    spoil(entry('AUSDT').book.asks, 100.1, 7)
    await expect.poll(() => books.history, WAIT).toContain('AUSDT stale gap')
    await expect.poll(() => state('AUSDT'), WAIT).toBe('live')
    expect(entry('AUSDT').book.asks.size(0)).toBe(1.5)
    expect(feed.status()).toMatchObject({ audits_failed: 1, gaps_total: 1, reconnects_total: 0 })
    expect(books.history.some((step) => step.startsWith('BUSDT stale'))).toBe(false)
  })

  it('leaves a market alone that differs again after it was built anew', async () => {
    const { feed, entry } = await started()
    for (const failures of [1, 2]) {
      await allLive(feed, 2)
      spoil(entry('AUSDT').book.asks, 100.1, 7)
      await expect.poll(() => feed.status().audits_failed, WAIT).toBe(failures)
    }
    await allLive(feed, 2)
    spoil(entry('AUSDT').book.asks, 100.1, 7)
    const { audits_ok = 0 } = feed.status()
    await expect.poll(() => feed.status().audits_ok, WAIT).toBeGreaterThan(audits_ok + 10)
    expect(feed.status().audits_failed).toBe(2)
  })
})

describe('Binance', () => {
  it('shows a level that should have been deleted, by the ids of the answer', async () => {
    const truth = new TrueBook(START)
    const server = await exchangeServer({
      rest: (_request, response) => response.end(dialects.binance!.snapshot(truth)),
    })
    const { feed, books, state, entry } = startFeed(server, hurried(binance), ['BTCUSDT'])
    let batch = 0
    const ticker = setInterval(() => {
      const changes = truth.change([['bid', '98.00', `${1 + (++batch % 9)}.0000`]])
      for (const socket of server.sockets) {
        socket.send(dialects.binance!.delta(truth, changes, batch))
      }
    }, 15)
    onTestFinished(() => clearInterval(ticker))
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    await expect.poll(() => feed.status().audits_ok, WAIT).toBeGreaterThan(2)
    spoil(entry('BTCUSDT').book.bids, 99.95, 1)
    await expect.poll(() => books.history, WAIT).toContain('BTCUSDT stale gap')
    await expect.poll(() => state('BTCUSDT'), WAIT).toBe('live')
    expect(entry('BTCUSDT').book.bids.price(0)).toBe(99.9)
    expect(feed.status().audits_failed).toBe(1)
  })
})

describe('Coinbase', () => {
  async function started(answer: (response: ServerResponse) => void) {
    const server = await exchangeServer({
      said: (socket, frame) => {
        if (frame.type === 'subscribe' && frame.product_ids !== undefined) {
          socket.send(dialects.coinbase!.snapshot(new TrueBook(START)))
        }
      },
      rest: (_request, response) => answer(response),
    })
    const started = startFeed(server, hurried(coinbase), ['BTC-USD'])
    await expect.poll(() => started.state('BTC-USD'), WAIT).toBe('live')
    return started
  }

  it('shows a wrong top when it is quiet', async () => {
    const { feed, entry, state, books } = await started((response) =>
      response.end(
        '{"sequence":1,"bids":[["99.90","1.0000",3]],"asks":[["100.10","1.5000",1]],"auction_mode":false}',
      ),
    )
    await expect.poll(() => feed.status().audits_ok, WAIT).toBeGreaterThan(1)
    spoil(entry('BTC-USD').book.asks, 100, 1)
    await expect.poll(() => books.history, WAIT).toContain('BTC-USD stale gap')
    await expect.poll(() => state('BTC-USD'), WAIT).toBe('live')
    expect(entry('BTC-USD').book.asks.price(0)).toBe(100.1)
  })

  it.each([
    ['an answer that is no book', 200, '{"message":"later"}'],
    ['a refusal', 404, '{"message":"NotFound"}'],
    ['a failure', 500, ''],
  ])('is not judged by %s', async (_what, status, body) => {
    let asked = 0
    const { feed, state } = await started((response) => {
      asked++
      response.writeHead(status).end(body)
    })
    await expect.poll(() => asked, WAIT).toBeGreaterThan(2)
    expect(feed.status()).toMatchObject({ audits_ok: 0, audits_failed: 0 })
    expect(state('BTC-USD')).toBe('live')
  })
})
