/** Coinbase by its other door, on real sockets: when it is taken, and what a lost frame does there. */
import { describe, expect, it } from 'vitest'
import { coinbase } from '../exchanges/coinbase.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import { dialects, protocolsOf, TrueBook } from '../exchanges/testing.ts'
import {
  allLive,
  type Behaviour,
  exchangeServer,
  START,
  startFeed,
  WAIT,
} from './testing-server.ts'

const [, [advanced_name] = ['']] = protocolsOf(coinbase)
const advanced = dialects[advanced_name]!
const PRODUCTS = ['BTC-USD', 'ETH-USD']

type Server = Awaited<ReturnType<typeof exchangeServer>>

function withAdvanced(primary: Server, secondary: Server): Exchange {
  const [alternative] = coinbase.alternatives ?? []
  const alternatives = [{ ...alternative, websocket_url: secondary.websocket_url }]
  return { ...coinbase, websocket_url: primary.websocket_url, alternatives }
}

const serves =
  (truth: TrueBook): NonNullable<Behaviour['said']> =>
  (socket, frame) => {
    if (frame.channel !== 'level2' || frame.type !== 'subscribe') return
    for (const product of frame.product_ids as string[]) {
      socket.send(advanced.snapshot(truth, product))
    }
  }

describe('Coinbase', () => {
  it('is read by Advanced Trade when the Exchange feed refuses the handshake again and again', async () => {
    const primary = await exchangeServer({ upgradeStatus: 503 })
    const secondary = await exchangeServer({ said: serves(new TrueBook(START)) })
    const { feed } = startFeed(primary, withAdvanced(primary, secondary), PRODUCTS)
    await allLive(feed, 2)
    expect(primary.attempts()).toBe(3)
    expect(feed.status()).toMatchObject({ id: 'coinbase', name: 'Coinbase Exchange' })
    expect(secondary.frames[0]).toEqual({ type: 'subscribe', channel: 'heartbeats' })
  })

  it('is read by Advanced Trade when the Exchange feed refuses the channel', async () => {
    const primary = await exchangeServer({
      said: (socket, frame) => {
        const asks_books = String(frame.channels).includes('level2_batch')
        const reason = 'level2_batch requires authentication'
        if (asks_books) {
          socket.send(JSON.stringify({ type: 'error', message: 'Failed to subscribe', reason }))
        }
      },
    })
    const secondary = await exchangeServer({ said: serves(new TrueBook(START)) })
    const { feed } = startFeed(primary, withAdvanced(primary, secondary), PRODUCTS)
    await allLive(feed, 2)
    expect(primary.attempts()).toBe(1)
    expect(feed.status().refused).toEqual([])
  })

  it('does not leave the Exchange feed for one product that it refuses', async () => {
    const exchange_feed = dialects.coinbase!
    const truth = new TrueBook(START)
    const primary = await exchangeServer({
      said: (socket, frame) => {
        const products = (frame.product_ids as string[] | undefined) ?? []
        if (products.includes('ETH-USD')) {
          const reason = 'ETH-USD is not a valid product'
          socket.send(JSON.stringify({ type: 'error', message: 'Failed to subscribe', reason }))
        }
        if (products.includes('BTC-USD')) socket.send(exchange_feed.snapshot(truth, 'BTC-USD'))
      },
    })
    const secondary = await exchangeServer({})
    const { feed } = startFeed(primary, withAdvanced(primary, secondary), PRODUCTS)
    await allLive(feed, 1)
    await expect.poll(() => feed.status().refused.length, WAIT).toBe(1)
    expect(secondary.attempts()).toBe(0)
  })
})

describe('Advanced Trade', () => {
  it('is connected anew when its counter shows a lost frame, and no book is trusted meanwhile', async () => {
    const truth = new TrueBook(START)
    const primary = await exchangeServer({ upgradeStatus: 503 })
    const secondary = await exchangeServer({ said: serves(truth) })
    const { feed, books } = startFeed(primary, withAdvanced(primary, secondary), PRODUCTS)
    await allLive(feed, 2)
    const changes = truth.change([['bid', '99.95', '1.0000']])
    // one that nobody receives
    advanced.delta(truth, changes, 1, 'ETH-USD')
    secondary.sockets[0]!.send(advanced.delta(truth, changes, 1, 'BTC-USD'))
    await expect.poll(() => secondary.attempts(), WAIT).toBe(2)
    await allLive(feed, 2)
    for (const product of PRODUCTS) expect(books.history).toContain(`${product} stale gap`)
    expect(feed.status()).toMatchObject({ reconnects_total: 1, resyncs_total: 2, gaps_total: 2 })
    expect(primary.attempts()).toBe(3)
  })
})
