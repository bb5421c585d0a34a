/** Advanced Trade's rules, and that its books are those of the market, digit for digit. */
import { describe, expect, it } from 'vitest'
import { ADVANCED_RULES, advancedServer } from './coinbase-advanced.ts'
import { simulatedCoinbase } from './coinbase-books.ts'
import {
  applyPairs,
  asNumbers,
  ChurningSource,
  Client,
  emptyBook,
  type Json,
  market,
  serve,
  truth,
  until,
} from './testing.ts'

async function start(rules = ADVANCED_RULES) {
  const source = new ChurningSource([
    market('coinbase', 'BTC', 'USD', 2, 8),
    market('coinbase', 'USDT', 'USDC'),
  ])
  const { websocket_url } = await serve(advancedServer(simulatedCoinbase(source).advanced, rules))
  return { source, websocket_url }
}

const subscribe = (channel: string, ...product_ids: string[]) => ({
  type: 'subscribe',
  channel,
  product_ids,
})

interface Update {
  side: 'bid' | 'offer'
  price_level: string
  new_quantity: string
}

interface BookEvent {
  type: 'snapshot' | 'update'
  product_id: string
  updates: Update[]
}

/** As the documentation tells: one counter for all frames, then the events one after another. */
function follow(frames: readonly Json[], product: string) {
  let book = emptyBook()
  for (const [index, { channel, sequence_num, events }] of frames.entries()) {
    expect(sequence_num).toBe(index)
    if (channel !== 'l2_data') continue
    for (const { type, product_id, updates } of events as BookEvent[]) {
      if (product_id !== product) continue
      if (type === 'snapshot') book = emptyBook()
      for (const { side, price_level, new_quantity } of updates) {
        applyPairs(side === 'bid' ? book.bids : book.asks, [[price_level, new_quantity]])
      }
    }
  }
  return asNumbers(book)
}

describe('level2', () => {
  it('rebuilds the exact whole book of every client under one counter for all its frames', async () => {
    const { source, websocket_url } = await start({ ...ADVANCED_RULES, heartbeat_every_ms: 50 })
    const stop = source.keepChurning()
    const clients: Client[] = []
    for (let i = 0; i < 2; i++) {
      const client = await Client.connect(websocket_url)
      client.send(subscribe('heartbeats'))
      client.send(subscribe('level2', 'BTC-USD', 'USDT-USDC'))
      await until(() => client.having({ channel: 'l2_data' }).length > 40)
      clients.push(client)
    }
    stop()
    for (const client of clients) {
      for (const [index, product] of ['BTC-USD', 'USDT-USDC'].entries()) {
        const expected = JSON.stringify(truth(source, index))
        await until(() => JSON.stringify(follow(client.having({}), product)) === expected)
      }
      const counters = client
        .having({ channel: 'heartbeats' })
        .map(({ events }) => (events as { heartbeat_counter: number }[])[0]?.heartbeat_counter)
      expect(counters.length).toBeGreaterThan(1)
      expect(counters).toEqual(counters.map((_, index) => index))
    }
  })

  it('serves the -USD book to those who ask for its -USDC twin', async () => {
    const { websocket_url } = await start()
    const client = await Client.connect(websocket_url)
    client.send(subscribe('level2', 'BTC-USDC'))
    const { events } = await client.first({ channel: 'l2_data' })
    expect(events).toMatchObject([{ type: 'snapshot', product_id: 'BTC-USD' }])
    expect(client.having({})[0]).toMatchObject({
      channel: 'subscriptions',
      events: [{ subscriptions: { level2: ['BTC-USDC'] } }],
    })
  })

  it('stops when it is unsubscribed', async () => {
    const { source, websocket_url } = await start()
    const client = await Client.connect(websocket_url)
    client.send(subscribe('level2', 'BTC-USD'))
    await client.first({ channel: 'l2_data' })
    client.send({ type: 'unsubscribe', channel: 'level2', product_ids: ['BTC-USD'] })
    await until(() => client.having({ channel: 'subscriptions' }).length === 2)
    const before = client.having({ channel: 'l2_data' }).length
    for (let i = 0; i < 50; i++) source.churn()
    client.send(subscribe('heartbeats'))
    await client.first({ channel: 'heartbeats' })
    expect(client.having({ channel: 'l2_data' })).toHaveLength(before)
  })
})

describe('a session', () => {
  it('is closed when it does not subscribe in time, or hears nothing for long', async () => {
    const rules = { ...ADVANCED_RULES, subscribe_within_ms: 200, quiet_ms: 600 }
    const { websocket_url } = await start({ ...rules, heartbeat_every_ms: 100 })
    const [silent, quiet, kept] = [
      await Client.connect(websocket_url),
      await Client.connect(websocket_url),
      await Client.connect(websocket_url),
    ]
    quiet.send(subscribe('ticker', 'BTC-USD'))
    kept.send(subscribe('heartbeats'))
    await until(() => silent.close_code !== undefined && quiet.close_code !== undefined)
    expect(kept.socket.readyState).toBe(kept.socket.OPEN)
  })

  it.each([
    ['user', ['BTC-USD'], 'authentication'],
    ['nope', ['BTC-USD'], 'nope'],
    ['level2', [], 'product_ids'],
    ['level2', ['NOPE-USD'], 'NOPE-USD'],
  ])('is refused %s for %j', async (channel, products, reason) => {
    const { websocket_url } = await start()
    const client = await Client.connect(websocket_url)
    client.send(subscribe(channel, ...products))
    const { message } = await client.first({ type: 'error' })
    expect(message).toContain(reason)
  })

  it('answers garbage with errors and lives on; more than its messages cut it off', async () => {
    const { websocket_url } = await start({
      ...ADVANCED_RULES,
      messages: { count: 5, window_ms: 60_000 },
    })
    const client = await Client.connect(websocket_url)
    for (const text of ['', '{', 'null', '{"type":"fly"}']) client.send(text)
    await until(() => client.having({ type: 'error' }).length === 4)
    client.send(subscribe('heartbeats'))
    await client.first({ channel: 'subscriptions' })
    client.send(subscribe('heartbeats'))
    await until(() => client.close_code !== undefined)
  })
})
