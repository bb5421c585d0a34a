import { describe, expect, it } from 'vitest'
import { KRAKEN_RULES, krakenServer } from './kraken.ts'
import { checksum, simulatedKraken } from './kraken-books.ts'
import { asNumbers, ChurningSource, Client, get, market, serve, truth, until } from './testing.ts'
import { crc, followKraken, levelsOf } from './testing-follow.ts'

async function start(rules = KRAKEN_RULES) {
  const source = new ChurningSource([
    market('kraken', 'BTC', 'USD', 1, 8),
    market('kraken', 'SHIB', 'USD', 8, 0),
  ])
  const { websocket_url, rest_url } = await serve(krakenServer(simulatedKraken(source), rules))
  return { source, websocket_url, rest_url }
}

const subscribe = (symbol: string[], depth = 10, more = {}) => ({
  method: 'subscribe',
  params: { channel: 'book', symbol, depth, ...more },
  req_id: 2,
})

describe('the checksum', () => {
  it('is that of the official test vector', () => {
    const bids = [
      [452835, 10000000],
      [452834, 154582015],
      [452821, 10000000],
      [452810, 10000000],
      [452803, 154592586],
      [452790, 7990000],
      [452776, 3310103],
      [452775, 30000000],
      [452773, 154602737],
      [452766, 15445238],
    ].map(([price, size]) => ({ price: price!, size: size! }))
    const asks = [
      [452852, 100000],
      [452864, 154571953],
      [452866, 154571109],
      [452896, 154560911],
      [452902, 15890660],
      [452918, 154553491],
      [452947, 4454749],
      [452961, 35380000],
      [452975, 9945542],
      [452995, 18772827],
    ].map(([price, size]) => ({ price: price!, size: size! }))
    expect(checksum(bids, asks)).toBe(3310070434)
    expect(crc('123456789')).toBe(0xcbf43926)
  })
})

describe('the book', () => {
  it.each([10, 25, 100])('is rebuilt with every checksum at depth %i', async (depth) => {
    const { source, websocket_url } = await start()
    const stop = source.keepChurning()
    const client = await Client.connect(websocket_url)
    client.send(subscribe(['BTC/USD', 'SHIB/USD'], depth))
    await until(() => client.frames.length > 400)
    stop()
    for (const [index, symbol] of ['BTC/USD', 'SHIB/USD'].entries()) {
      await until(
        () =>
          JSON.stringify(asNumbers(followKraken(client.frames, symbol, depth))) ===
          JSON.stringify(truth(source, index, depth)),
      )
    }
    expect(client.frames.some((frame) => /"qty":0\.\d{7}0[},]/.test(frame))).toBe(true)
  })

  it('sends no delete for a level that is pushed out and sends it again when it comes back', async () => {
    const { source, websocket_url } = await start()
    const client = await Client.connect(websocket_url)
    client.send(subscribe(['BTC/USD']))
    const snapshot = await client.first({ channel: 'book', type: 'snapshot' })
    const { bids } = source.snapshot(0)
    const [best, worst] = [bids[0]!.price, bids[9]!]
    source.apply(0, [{ side: 'bid', price: best + 1, size: 5 }])
    source.apply(0, [{ side: 'bid', price: best + 1, size: 0 }])
    const updates = await until(() => {
      const frames = client.frames.filter((frame) => frame.includes('"type":"update"'))
      return frames.length >= 3 && frames.slice(1)
    })
    expect(snapshot).toBeDefined()
    const text = (ticks: number) => (ticks / 10).toFixed(1)
    expect(levelsOf(updates[0]!, 'bids')).toEqual([[text(best + 1), '0.00000005']])
    expect(levelsOf(updates[1]!, 'bids')).toEqual([
      [text(best + 1), '0.00000000'],
      [text(worst.price), (worst.size / 1e8).toFixed(8)],
    ])
    followKraken(client.frames, 'BTC/USD', 10)
  })

  it('says nothing about changes outside the window', async () => {
    const { source, websocket_url } = await start()
    const client = await Client.connect(websocket_url)
    client.send(subscribe(['BTC/USD']))
    await client.first({ channel: 'book' })
    const worst = source.snapshot(0).bids.at(-1)!
    source.apply(0, [{ side: 'bid', price: worst.price - 7, size: 5 }])
    source.apply(0, [{ side: 'ask', price: source.snapshot(0).asks[0]!.price, size: 77 }])
    await client.first({ channel: 'book', type: 'update' })
    const updates = client.having({ channel: 'book', type: 'update' })
    expect(updates).toHaveLength(1)
    expect(updates[0]).toMatchObject({ data: [{ bids: [] }] })
  })

  it('starts at once without a snapshot when none is wanted', async () => {
    const { source, websocket_url } = await start()
    const client = await Client.connect(websocket_url)
    client.send(subscribe(['BTC/USD'], 10, { snapshot: false }))
    await client.first({ method: 'subscribe' })
    source.apply(0, [{ side: 'ask', price: source.snapshot(0).asks[0]!.price, size: 77 }])
    expect(await client.first({ channel: 'book' })).toMatchObject({ type: 'update' })
  })
})

describe('a session', () => {
  it('begins with the status and an id beyond 2^53', async () => {
    const { websocket_url } = await start()
    const client = await Client.connect(websocket_url)
    await client.first({ channel: 'status' })
    const id = /"connection_id":(\d+)/.exec(client.frames[0]!)?.[1]
    expect(BigInt(id!)).toBeGreaterThan(2n ** 53n)
    expect(client.headers['x-spreadwire-sandbox']).toBe('1')
  })

  it('acknowledges each symbol by itself and refuses unknown ones', async () => {
    const { websocket_url } = await start()
    const client = await Client.connect(websocket_url)
    client.send(subscribe(['BTC/USD', 'FOO/BAR', 'SHIB/USD'], 25))
    await until(() => client.having({ method: 'subscribe' }).length === 3)
    expect(client.having({ method: 'subscribe' })).toMatchObject([
      { success: true, req_id: 2, result: { channel: 'book', depth: 25, symbol: 'BTC/USD' } },
      { success: false, req_id: 2, symbol: 'FOO/BAR', error: expect.stringContaining('FOO/BAR') },
      { success: true, req_id: 2, result: { channel: 'book', depth: 25, symbol: 'SHIB/USD' } },
    ])
  })

  it('stops on unsubscribe and takes the symbol again, with a snapshot', async () => {
    const { source, websocket_url } = await start()
    source.keepChurning()
    const client = await Client.connect(websocket_url)
    client.send(subscribe(['BTC/USD']))
    await client.first({ channel: 'book', type: 'update' })
    client.send({ method: 'unsubscribe', params: { channel: 'book', symbol: ['BTC/USD'] } })
    client.send(subscribe(['BTC/USD'], 25))
    await until(() => client.having({ channel: 'book', type: 'snapshot' }).length === 2)
    expect(client.having({ method: 'unsubscribe' })).toMatchObject([{ success: true }])
  })

  it('answers pings and sends heartbeats when nothing else is said', async () => {
    const { websocket_url } = await start({ ...KRAKEN_RULES, heartbeat_every_ms: 50 })
    const client = await Client.connect(websocket_url)
    client.send({ method: 'ping', req_id: 123 })
    expect(await client.first({ method: 'pong' })).toMatchObject({ req_id: 123 })
    expect(client.having({ channel: 'heartbeat' })).toEqual([])
    client.send(subscribe(['BTC/USD']))
    await client.first({ channel: 'heartbeat' })
  })

  it('is closed when it never subscribes', async () => {
    const { websocket_url } = await start({
      ...KRAKEN_RULES,
      heartbeat_every_ms: 20,
      idle_ms: 100,
    })
    const client = await Client.connect(websocket_url)
    await until(() => client.close_code !== undefined)
  })

  it('answers garbage with errors and lives on', async () => {
    const { websocket_url } = await start()
    const client = await Client.connect(websocket_url)
    for (const garbage of ['', '{', 'null', '[]', '{"method":"subscribe"}', '{"method":"fly"}']) {
      client.send(garbage)
    }
    client.send({ method: 'subscribe', params: { channel: 'book', symbol: 7 } })
    client.send(subscribe(['BTC/USD'], 11))
    client.send({ method: 'subscribe', params: { channel: 'nope' } })
    await until(() => client.having({ success: false }).length === 9)
    client.send({ method: 'ping' })
    await client.first({ method: 'pong' })
  })

  it('complains about a client that talks too much', async () => {
    const { websocket_url } = await start()
    const client = await Client.connect(websocket_url)
    for (let i = 0; i < 60; i++) client.send({ method: 'ping' })
    expect(await client.first({ success: false })).toMatchObject({ error: 'Exceeded msg rate' })
  })

  it('lists instruments with their precision', async () => {
    const { websocket_url } = await start()
    const client = await Client.connect(websocket_url)
    client.send({ method: 'subscribe', params: { channel: 'instrument' } })
    expect(await client.first({ channel: 'instrument' })).toMatchObject({
      data: {
        pairs: [
          { symbol: 'BTC/USD', price_precision: 1, qty_precision: 8, price_increment: 0.1 },
          { symbol: 'SHIB/USD', price_precision: 8, qty_precision: 0 },
        ],
      },
    })
  })
})

it('answers REST under the old names', async () => {
  const { rest_url } = await start()
  const { body } = await get(`${rest_url}/0/public/AssetPairs`)
  expect(body).toMatchObject({
    error: [],
    result: {
      XXBTZUSD: {
        altname: 'XBTUSD',
        wsname: 'XBT/USD',
        base: 'XXBT',
        quote: 'ZUSD',
        pair_decimals: 1,
        lot_decimals: 8,
        tick_size: '0.1',
        fees: [[0, 0.25]],
      },
      SHIBUSD: { wsname: 'SHIB/USD', base: 'SHIB' },
    },
  })
  expect((await get(`${rest_url}/0/public/SystemStatus`)).body).toMatchObject({
    result: { status: 'online' },
  })
  expect((await get(`${rest_url}/0/public/Nope`)).body.error).toHaveLength(1)
})
