import { describe, expect, it } from 'vitest'
import { BINANCE_RULES, binanceServer } from './binance.ts'
import { simulatedBinance } from './binance-streams.ts'
import { asNumbers, ChurningSource, Client, get, market, serve, truth, until } from './testing.ts'
import { type BinanceSnapshot, binanceDiffs, followBinance } from './testing-follow.ts'

async function start(rules = BINANCE_RULES) {
  const source = new ChurningSource([
    market('binance', 'BTC', 'USDT'),
    market('bybit', 'BTC', 'USDT'),
    market('binance', '币安人生', 'USDT', 0, 0),
  ])
  const { websocket_url, rest_url } = await serve(binanceServer(simulatedBinance(source), rules))
  return { source, websocket_url, rest_url }
}

const subscribe = (...params: string[]) => ({ method: 'SUBSCRIBE', params, id: 1 })

describe('the diff stream', () => {
  it('rebuilds the exact book from a REST snapshot and contiguous ranges', async () => {
    const { source, websocket_url, rest_url } = await start()
    const stop = source.keepChurning()
    const client = await Client.connect(websocket_url)
    client.send(subscribe('btcusdt@depth@100ms'))
    await client.first({ stream: 'btcusdt@depth@100ms' })
    const { body } = await get(`${rest_url}/api/v3/depth?symbol=BTCUSDT&limit=5000`)
    await until(() => binanceDiffs(client.frames, 'btcusdt@depth@100ms').length > 20)
    stop()
    const snapshot = body as unknown as BinanceSnapshot
    expect(snapshot.lastUpdateId).toBeGreaterThan(1e9)
    await until(() => {
      const diffs = binanceDiffs(client.frames, 'btcusdt@depth@100ms')
      const book = asNumbers(followBinance(snapshot, diffs))
      return JSON.stringify(book) === JSON.stringify(truth(source, 0))
    })
    const frames = binanceDiffs(client.frames, 'btcusdt@depth@100ms')
    for (const [i, frame] of frames.slice(1).entries()) expect(frame.U).toBe(frames[i]!.u + 1)
    expect(snapshot.bids[0]![0]).toMatch(/^\d+\.\d{8}$/)
  })

  it('goes on without a gap for a second client and after the first left', async () => {
    const { source, websocket_url } = await start()
    source.keepChurning()
    const first = await Client.connect(websocket_url)
    first.send(subscribe('btcusdt@depth@100ms'))
    await first.first({ stream: 'btcusdt@depth@100ms' })
    const second = await Client.connect(`${websocket_url}?streams=btcusdt@depth@100ms`)
    await second.first({ stream: 'btcusdt@depth@100ms' })
    first.socket.terminate()
    const frames = await until(() => {
      const all = binanceDiffs(second.frames, 'btcusdt@depth@100ms')
      return all.length > 5 && all
    })
    for (const [i, frame] of frames.slice(1).entries()) expect(frame.U).toBe(frames[i]!.u + 1)
  })

  it('carries symbols that are not ASCII', async () => {
    const { source, websocket_url, rest_url } = await start()
    source.keepChurning()
    const client = await Client.connect(websocket_url)
    client.send(subscribe('币安人生usdt@depth@100ms'))
    const frame = await client.first({ stream: '币安人生usdt@depth@100ms' })
    expect(frame.data).toMatchObject({ s: '币安人生USDT', e: 'depthUpdate' })
    const { status } = await get(
      `${rest_url}/api/v3/depth?symbol=${encodeURIComponent('币安人生USDT')}`,
    )
    expect(status).toBe(200)
  })
})

describe('bookTicker and partial depth', () => {
  it('show the best levels of the book', async () => {
    const { source, websocket_url } = await start()
    const stop = source.keepChurning()
    const client = await Client.connect(websocket_url)
    client.send(subscribe('btcusdt@bookTicker', 'btcusdt@depth5@100ms', 'btcusdt@depth20'))
    await client.first({ stream: 'btcusdt@bookTicker' })
    await client.first({ stream: 'btcusdt@depth20' })
    stop()
    await until(() => {
      const partial = client.having({ stream: 'btcusdt@depth5@100ms' }).at(-1)
      const { bids, asks } = (partial?.data ?? { bids: [], asks: [] }) as BinanceSnapshot
      const numbers = { bids: bids.map((l) => l.map(Number)), asks: asks.map((l) => l.map(Number)) }
      return JSON.stringify(numbers) === JSON.stringify(truth(source, 0, 5))
    })
    const tickers = client.having({ stream: 'btcusdt@bookTicker' }).map((frame) => frame.data)
    const { bids, asks } = truth(source, 0, 1)
    const { b, B, a, A } = tickers.at(-1) as Record<string, string>
    expect([[Number(b), Number(B)]]).toEqual(bids)
    expect([[Number(a), Number(A)]]).toEqual(asks)
    const ids = tickers.map((ticker) => (ticker as { u: number }).u)
    expect(ids).toEqual([...ids].sort((x, y) => x - y))
    expect(tickers.at(-1)).not.toHaveProperty('E')
  })
})

describe('control frames', () => {
  it('acknowledges unknown symbols and stays silent about them', async () => {
    const { source, websocket_url } = await start()
    source.keepChurning()
    const client = await Client.connect(websocket_url)
    client.send(subscribe('nopeusdt@depth@100ms', 'btcusdt@depth@100ms'))
    await client.first({ stream: 'btcusdt@depth@100ms' })
    expect(client.having({ id: 1 })).toEqual([{ result: null, id: 1 }])
    expect(client.frames.filter((frame) => frame.includes('nope'))).toEqual([])
    client.send({ method: 'LIST_SUBSCRIPTIONS', id: 'x' })
    expect(await client.first({ id: 'x' })).toEqual({
      result: ['nopeusdt@depth@100ms', 'btcusdt@depth@100ms'],
      id: 'x',
    })
  })

  it('speaks raw frames on /ws and combined ones after SET_PROPERTY', async () => {
    const { source, websocket_url } = await start()
    source.keepChurning()
    const client = await Client.connect(websocket_url.replace('/stream', '/ws/btcusdt@depth@100ms'))
    await client.first({ e: 'depthUpdate' })
    client.send({ method: 'SET_PROPERTY', params: ['combined', true], id: 5 })
    await client.first({ id: 5 })
    await client.first({ stream: 'btcusdt@depth@100ms' })
  })

  it('stops a stream on UNSUBSCRIBE', async () => {
    const { source, websocket_url } = await start()
    source.keepChurning()
    const client = await Client.connect(websocket_url)
    client.send(subscribe('btcusdt@depth@100ms'))
    await client.first({ stream: 'btcusdt@depth@100ms' })
    client.send({ method: 'UNSUBSCRIBE', params: ['btcusdt@depth@100ms'], id: 2 })
    await client.first({ id: 2 })
    const count = binanceDiffs(client.frames, 'btcusdt@depth@100ms').length
    client.send(subscribe('btcusdt@bookTicker'))
    await until(() => client.having({ stream: 'btcusdt@bookTicker' }).length > 20)
    expect(binanceDiffs(client.frames, 'btcusdt@depth@100ms').length).toBe(count)
  })

  it('answers garbage with error codes and lives on', async () => {
    const { websocket_url } = await start({
      ...BINANCE_RULES,
      messages: { count: 100, window_ms: 1_000 },
    })
    const client = await Client.connect(websocket_url)
    for (const garbage of ['', '{', 'null', '[]', '"x"', '{"method":"FOO","id":7}', '\u0000']) {
      client.send(garbage)
    }
    client.send({ method: 'SUBSCRIBE', params: [{}], id: 8 })
    client.send(Buffer.from([0xff, 0xfe]).toString('latin1'))
    expect(await client.first({ id: 7 })).toMatchObject({ code: 2 })
    expect(await client.first({ id: 8 })).toMatchObject({ code: 2 })
    await until(() => client.having({ code: 3 }).length === 4)
    expect(client.socket.readyState).toBe(client.socket.OPEN)
  })
})

describe('limits', () => {
  it('cuts a client that sends more than five messages in a second', async () => {
    const { websocket_url } = await start()
    const client = await Client.connect(websocket_url)
    for (let id = 0; id < 6; id++) client.send({ method: 'LIST_SUBSCRIPTIONS', id })
    await until(() => client.close_code !== undefined)
    expect(client.close_code).toBe(1006)
  })

  it('counts ping frames of the client', async () => {
    const { websocket_url } = await start()
    const client = await Client.connect(websocket_url)
    for (let i = 0; i < 6; i++) client.socket.ping()
    await until(() => client.close_code !== undefined)
  })

  it('pings and cuts a client that does not answer', async () => {
    const rules = { ...BINANCE_RULES, ping_every_ms: 250, pong_within_ms: 500 }
    const { websocket_url } = await start(rules)
    const silent = await Client.connect(websocket_url, { autoPong: false })
    const polite = await Client.connect(websocket_url)
    let pings = 0
    polite.socket.on('ping', () => pings++)
    await until(() => silent.close_code !== undefined)
    await until(() => pings > 5)
    expect(polite.socket.readyState).toBe(polite.socket.OPEN)
  })

  it('refuses REST calls beyond the weight of a minute', async () => {
    const { rest_url } = await start({ ...BINANCE_RULES, weight_per_minute: 60 })
    const depth = `${rest_url}/api/v3/depth?symbol=BTCUSDT`
    const first = await get(`${depth}&limit=1000`)
    expect(first.status).toBe(200)
    expect(first.headers.get('x-mbx-used-weight-1m')).toBe('50')
    expect(first.headers.get('x-spreadwire-sandbox')).toBe('1')
    await get(`${rest_url}/api/v3/ping`)
    const last = await get(`${depth}&limit=500`)
    // the clock's minute may have changed in between
    if (last.status === 200) return
    expect(last.status).toBe(429)
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(last.body).toMatchObject({ code: -1003 })
  })

  it('refuses unknown symbols and limits that are no numbers', async () => {
    const { rest_url } = await start()
    const unknown = await get(`${rest_url}/api/v3/depth?symbol=NOPE`)
    expect([unknown.status, unknown.body.code]).toEqual([400, -1121])
    const limit = await get(`${rest_url}/api/v3/depth?symbol=BTCUSDT&limit=abc`)
    expect(limit.status).toBe(400)
    expect((await get(`${rest_url}/api/v3/depth`)).body.code).toBe(-1102)
  })
})

it('lists only its own markets, with filters', async () => {
  const { rest_url } = await start()
  const { body } = await get(`${rest_url}/api/v3/exchangeInfo?permissions=SPOT`)
  expect(body.symbols).toMatchObject([
    {
      symbol: 'BTCUSDT',
      baseAsset: 'BTC',
      quoteAsset: 'USDT',
      status: 'TRADING',
      filters: [
        { filterType: 'PRICE_FILTER', tickSize: '0.01000000' },
        { filterType: 'LOT_SIZE', stepSize: '0.00001000', minQty: '0.001' },
        { filterType: 'NOTIONAL', minNotional: '5' },
      ],
    },
    { symbol: '币安人生USDT' },
  ])
})

it('says serverShutdown before it goes away', async () => {
  const source = new ChurningSource([market('binance', 'BTC', 'USDT')])
  const { websocket_url, close } = await serve(binanceServer(simulatedBinance(source)))
  const client = await Client.connect(websocket_url)
  await close()
  expect(await client.first({ stream: '!serverShutdown' })).toMatchObject({
    data: { e: 'serverShutdown' },
  })
})
