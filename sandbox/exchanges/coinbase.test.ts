import { describe, expect, it } from 'vitest'
import { COINBASE_RULES, coinbaseServer } from './coinbase.ts'
import { simulatedCoinbase } from './coinbase-books.ts'
import { asNumbers, ChurningSource, Client, get, market, serve, truth, until } from './testing.ts'
import { followCoinbase } from './testing-follow.ts'

async function start(rules = COINBASE_RULES) {
  const source = new ChurningSource([
    market('coinbase', 'BTC', 'USD', 2, 8),
    market('coinbase', 'ETH', 'USD'),
  ])
  const { websocket_url, rest_url } = await serve(
    coinbaseServer(simulatedCoinbase(source).exchange, rules),
  )
  return { source, websocket_url, rest_url }
}

const subscribe = (...product_ids: string[]) => ({
  type: 'subscribe',
  product_ids,
  channels: ['level2_batch'],
})

describe('level2_batch', () => {
  it('rebuilds the exact whole book, also for a client that comes later', async () => {
    const { source, websocket_url } = await start()
    const stop = source.keepChurning()
    const first = await Client.connect(websocket_url)
    first.send(subscribe('BTC-USD', 'ETH-USD'))
    await until(() => first.having({ type: 'l2update' }).length > 20)
    const second = await Client.connect(websocket_url)
    second.send(subscribe('BTC-USD', 'ETH-USD'))
    await until(() => second.having({ type: 'l2update' }).length > 20)
    stop()
    for (const client of [first, second]) {
      for (const [index, product] of ['BTC-USD', 'ETH-USD'].entries()) {
        const expected = JSON.stringify(truth(source, index))
        await until(
          () => JSON.stringify(asNumbers(followCoinbase(client.frames, product))) === expected,
        )
        expect(client.having({ type: 'snapshot', product_id: product })).toHaveLength(1)
      }
    }
  })

  it('groups what happens within 50 ms and names each price once', async () => {
    const { source, websocket_url } = await start()
    const client = await Client.connect(websocket_url)
    client.send(subscribe('BTC-USD'))
    await client.first({ type: 'snapshot' })
    const price = source.snapshot(0).bids[0]!.price
    source.apply(0, [{ side: 'bid', price, size: 1 }])
    source.apply(0, [{ side: 'bid', price, size: 2 }])
    const update = await client.first({ type: 'l2update' })
    expect(update.changes).toEqual([['buy', (price / 100).toFixed(2), '0.00000002']])
  })
})

describe('a session', () => {
  it('is closed when it does not subscribe in time', async () => {
    const { websocket_url } = await start({ ...COINBASE_RULES, subscribe_within_ms: 300 })
    const client = await Client.connect(websocket_url)
    const other = await Client.connect(websocket_url)
    other.send(subscribe('BTC-USD'))
    client.send(subscribe('NOPE-USD'))
    await until(() => client.close_code !== undefined)
    expect(other.socket.readyState).toBe(other.socket.OPEN)
  })

  it('is told its complete subscriptions before any snapshot', async () => {
    const { websocket_url } = await start()
    const client = await Client.connect(websocket_url)
    client.send({
      type: 'subscribe',
      channels: [{ name: 'level2_batch', product_ids: ['BTC-USD'] }, { name: 'status' }],
    })
    client.send({
      type: 'subscribe',
      product_ids: ['ETH-USD'],
      channels: ['level2_batch', 'heartbeat'],
    })
    client.send({ type: 'unsubscribe', product_ids: ['BTC-USD'], channels: ['level2_batch'] })
    const answers = await until(() => {
      const frames = client.having({ type: 'subscriptions' })
      return frames.length === 3 && frames
    })
    expect(answers.map((frame) => frame.channels)).toEqual([
      [
        { name: 'level2_batch', product_ids: ['BTC-USD'] },
        { name: 'status', product_ids: [] },
      ],
      [
        { name: 'level2_batch', product_ids: ['BTC-USD', 'ETH-USD'] },
        { name: 'status', product_ids: [] },
        { name: 'heartbeat', product_ids: ['ETH-USD'] },
      ],
      [
        { name: 'level2_batch', product_ids: ['ETH-USD'] },
        { name: 'status', product_ids: [] },
        { name: 'heartbeat', product_ids: ['ETH-USD'] },
      ],
    ])
    expect(JSON.parse(client.frames[0] ?? '').type).toBe('subscriptions')
  })

  it('hears a heartbeat for each product and the status of all', async () => {
    const { websocket_url } = await start({
      ...COINBASE_RULES,
      heartbeat_every_ms: 50,
      status_every_ms: 50,
    })
    const client = await Client.connect(websocket_url)
    client.send({
      type: 'subscribe',
      channels: [{ name: 'heartbeat', product_ids: ['BTC-USD', 'ETH-USD'] }, 'status'],
    })
    for (const product_id of ['BTC-USD', 'ETH-USD']) {
      await client.first({ type: 'heartbeat', product_id })
    }
    const statuses = await until(() => {
      const frames = client.having({ type: 'status' })
      return frames.length > 1 && frames
    })
    expect(statuses[0]).toMatchObject({ products: [{ id: 'BTC-USD', status: 'online' }, {}] })
  })

  it.each([
    [['level2_batch'], ['NOPE-USD'], 'NOPE-USD is not a valid product'],
    [['nope'], ['BTC-USD'], 'nope is not a valid channel'],
    [['level2'], ['BTC-USD'], 'require authentication'],
    [['level2_batch'], [], 'product_ids'],
  ])('is refused %j for %j', async (channels, product_ids, reason) => {
    const { websocket_url } = await start()
    const client = await Client.connect(websocket_url)
    client.send({ type: 'subscribe', product_ids, channels })
    expect(await client.first({ type: 'error' })).toMatchObject({
      message: 'Failed to subscribe',
      reason: expect.stringContaining(reason),
    })
  })

  it('answers garbage with errors and lives on', async () => {
    const { websocket_url } = await start()
    const client = await Client.connect(websocket_url)
    const garbage = ['', '{', 'null', '[]', '{"type":"fly"}', '{"type":"subscribe","channels":[]}']
    for (const text of garbage) client.send(text)
    await until(() => client.having({ type: 'error' }).length === garbage.length)
    client.send(subscribe('BTC-USD'))
    await client.first({ type: 'snapshot' })
  })
})

it('answers REST and limits it', async () => {
  const { rest_url } = await start({ ...COINBASE_RULES, requests: { count: 3, window_ms: 60_000 } })
  expect((await get(`${rest_url}/products`)).body).toMatchObject([
    {
      id: 'BTC-USD',
      quote_increment: '0.01',
      base_increment: '0.00000001',
      min_market_funds: '5',
      status: 'online',
      trading_disabled: false,
    },
    { id: 'ETH-USD' },
  ])
  expect((await get(`${rest_url}/time`)).body).toHaveProperty('epoch')
  expect((await get(`${rest_url}/products/NOPE`)).status).toBe(404)
  expect((await get(`${rest_url}/products`)).status).toBe(429)
})

it('shows by REST the best of a book, or all of it', async () => {
  const { source, rest_url } = await start()
  const expected = truth(source, 0)
  const shown = async (query: string) => {
    const { status, body } = await get(`${rest_url}/products/BTC-USD/book${query}`)
    const numbers = (levels: unknown) =>
      (levels as [string, string, number][]).map(([price, size]) => [Number(price), Number(size)])
    return status === 200
      ? { bids: numbers(body.bids), asks: numbers(body.asks), sequence: body.sequence }
      : status
  }
  const best = { bids: expected.bids.slice(0, 1), asks: expected.asks.slice(0, 1) }
  const { version } = source.snapshot(0)
  expect(await shown('?level=1')).toEqual({ ...best, sequence: version })
  expect(await shown('')).toEqual({ ...best, sequence: version })
  expect(await shown('?level=2')).toEqual({ ...expected, sequence: version })
  expect(await shown('?level=4')).toBe(400)
  expect((await get(`${rest_url}/products/NOPE-USD/book`)).status).toBe(404)
})
