import { describe, expect, it } from 'vitest'
import { BYBIT_RULES, bybitServer } from './bybit.ts'
import { simulatedBybit } from './bybit-books.ts'
import { asNumbers, ChurningSource, Client, get, market, serve, truth, until } from './testing.ts'
import { type BybitFrame, followBybit } from './testing-follow.ts'

async function start(rules = BYBIT_RULES) {
  const source = new ChurningSource([
    market('bybit', 'BTC', 'USDT', 1, 6),
    market('bybit', 'ETH', 'USDT'),
  ])
  const { websocket_url, rest_url } = await serve(bybitServer(simulatedBybit(source), rules))
  return { source, websocket_url, rest_url }
}

const subscribe = (...args: string[]) => ({ op: 'subscribe', args, req_id: 's1' })

function framesOf(client: Client, topic: string): BybitFrame[] {
  return client.having({ topic }) as unknown as BybitFrame[]
}

describe('order book topics', () => {
  it.each([50, 200, 1_000])('rebuild the exact window of depth %i', async (depth) => {
    const { source, websocket_url } = await start()
    const stop = source.keepChurning()
    const topic = `orderbook.${depth}.BTCUSDT`
    const client = await Client.connect(websocket_url)
    client.send(subscribe(topic))
    await until(() => framesOf(client, topic).length > 8)
    const late = await Client.connect(websocket_url)
    late.send(subscribe(topic))
    await until(() => framesOf(late, topic).length > 8)
    stop()
    const expected = JSON.stringify(truth(source, 0, depth))
    for (const one of [client, late]) {
      await until(() => JSON.stringify(asNumbers(followBybit(framesOf(one, topic)))) === expected)
      expect(framesOf(one, topic).filter(({ type }) => type === 'snapshot')).toHaveLength(1)
    }
    const [snapshot] = framesOf(client, topic)
    expect(snapshot?.data.u).toBeGreaterThan(1e6)
    expect(snapshot?.ts).toBeGreaterThanOrEqual(snapshot?.cts ?? Number.NaN)
  })

  it('shows only snapshots at depth 1, which agree with depth 50 at the same seq', async () => {
    const { source, websocket_url } = await start()
    source.keepChurning()
    const client = await Client.connect(websocket_url)
    client.send(subscribe('orderbook.1.BTCUSDT', 'orderbook.50.BTCUSDT'))
    const tops = await until(() => {
      const frames = framesOf(client, 'orderbook.1.BTCUSDT')
      return frames.length > 20 && frames
    })
    expect(new Set(tops.map(({ type }) => type))).toEqual(new Set(['snapshot']))
    const ids = tops.map(({ data }) => data.u)
    expect(ids).toEqual(ids.map((_, i) => (ids[0] ?? 0) + i))
    const deep = framesOf(client, 'orderbook.50.BTCUSDT')
    let compared = 0
    for (const [i, { data }] of deep.entries()) {
      const top = tops.find((frame) => frame.data.seq === data.seq)
      if (top === undefined) continue
      const { bids, asks } = asNumbers(followBybit(deep.slice(0, i + 1)))
      expect([bids[0], asks[0]]).toEqual([top.data.b[0]?.map(Number), top.data.a[0]?.map(Number)])
      compared++
    }
    expect(compared).toBeGreaterThan(0)
  })

  it('repeats depth 1 with the same id after three quiet seconds', async () => {
    const { websocket_url } = await start()
    const client = await Client.connect(websocket_url)
    client.send(subscribe('orderbook.1.BTCUSDT'))
    const [first, second] = await until(() => {
      const frames = framesOf(client, 'orderbook.1.BTCUSDT')
      return frames.length === 2 && frames
    })
    expect(second?.data).toEqual(first?.data)
    expect((second?.ts ?? 0) - (first?.ts ?? 0)).toBeGreaterThanOrEqual(2_990)
  })
})

describe('requests', () => {
  it('are acknowledged before the snapshot comes', async () => {
    const { websocket_url } = await start()
    const client = await Client.connect(websocket_url)
    client.send(subscribe('orderbook.50.BTCUSDT', 'orderbook.50.ETHUSDT'))
    await until(() => client.frames.length === 3)
    expect(JSON.parse(client.frames[0] ?? '')).toMatchObject({
      success: true,
      ret_msg: 'subscribe',
      req_id: 's1',
      op: 'subscribe',
      conn_id: expect.any(String),
    })
  })

  it('are refused whole for one bad topic', async () => {
    const { source, websocket_url } = await start()
    source.keepChurning()
    const client = await Client.connect(websocket_url)
    client.send(subscribe('orderbook.50.BTCUSDT', 'orderbook.50.NOPEUSDT'))
    expect(await client.first({ success: false })).toMatchObject({
      ret_msg: 'Invalid topic: orderbook.50.NOPEUSDT',
    })
    client.send(subscribe('orderbook.50.ETHUSDT'))
    await until(() => framesOf(client, 'orderbook.50.ETHUSDT').length > 3)
    expect(framesOf(client, 'orderbook.50.BTCUSDT')).toEqual([])
  })

  it('are refused beyond ten args', async () => {
    const { websocket_url } = await start()
    const client = await Client.connect(websocket_url)
    client.send(subscribe(...Array.from({ length: 11 }, (_, i) => `orderbook.50.X${i}`)))
    expect(await client.first({ op: 'subscribe' })).toMatchObject({
      success: false,
      ret_msg: 'args size >10',
    })
  })

  it('are refused beyond the characters of a connection', async () => {
    const { websocket_url } = await start({ ...BYBIT_RULES, args_characters: 30 })
    const client = await Client.connect(websocket_url)
    client.send(subscribe('orderbook.50.BTCUSDT', 'orderbook.50.ETHUSDT'))
    expect(await client.first({ op: 'subscribe' })).toMatchObject({ success: false })
  })

  it('end a topic, and may begin it again with a snapshot', async () => {
    const { source, websocket_url } = await start()
    source.keepChurning()
    const topic = 'orderbook.50.BTCUSDT'
    const client = await Client.connect(websocket_url)
    client.send(subscribe(topic))
    await until(() => framesOf(client, topic).length > 3)
    client.send({ op: 'unsubscribe', args: [topic], req_id: 'u1' })
    await client.first({ op: 'unsubscribe' })
    client.send(subscribe(topic))
    await until(
      () => framesOf(client, topic).filter(({ type }) => type === 'snapshot').length === 2,
    )
    await until(() => framesOf(client, topic).at(-1)?.type === 'delta')
    followBybit(framesOf(client, topic))
  })

  it('answer pings', async () => {
    const { websocket_url } = await start()
    const client = await Client.connect(websocket_url)
    client.send({ req_id: '100001', op: 'ping' })
    expect(await client.first({ op: 'ping' })).toMatchObject({ success: true, ret_msg: 'pong' })
  })

  it('answer garbage with errors and live on', async () => {
    const { websocket_url } = await start()
    const client = await Client.connect(websocket_url)
    const garbage = ['', '{', 'null', '[]', '{"op":"fly"}', '{"op":"subscribe","args":[1]}']
    for (const text of garbage) client.send(text)
    await until(() => client.having({ success: false }).length === garbage.length)
    expect(client.having({ ret_msg: 'error:invalid op' })).toHaveLength(garbage.length)
    client.send({ op: 'ping' })
    await client.first({ op: 'ping' })
  })
})

it('cuts an idle connection', async () => {
  const { websocket_url } = await start({ ...BYBIT_RULES, idle_ms: 100 })
  const client = await Client.connect(websocket_url)
  await until(() => client.close_code !== undefined)
})

it('answers REST', async () => {
  const { source, rest_url } = await start()
  const instruments = await get(`${rest_url}/v5/market/instruments-info?category=spot`)
  expect(instruments.body).toMatchObject({
    retCode: 0,
    result: {
      category: 'spot',
      list: [
        {
          symbol: 'BTCUSDT',
          status: 'Trading',
          lotSizeFilter: { basePrecision: '0.000001', minOrderAmt: '5' },
          priceFilter: { tickSize: '0.1' },
        },
        { symbol: 'ETHUSDT' },
      ],
    },
  })
  const path = '/v5/market/orderbook?category=spot&symbol=BTCUSDT&limit=50'
  const { b, a } = (await get(rest_url + path)).body.result as {
    b: [string, string][]
    a: [string, string][]
  }
  expect(asNumbers({ bids: new Map(b), asks: new Map(a) })).toEqual(truth(source, 0, 50))
  const refused = await get(`${rest_url}/v5/market/instruments-info?category=linear`)
  expect(refused.body.retCode).toBe(10001)
  const time = await get(`${rest_url}/v5/market/time`)
  expect(time.headers.get('x-spreadwire-sandbox')).toBe('1')
  expect(Math.abs(Number(time.body.time) - Date.now())).toBeLessThan(60_000)
})
