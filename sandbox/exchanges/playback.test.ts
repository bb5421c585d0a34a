import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SANDBOX_EXCHANGES } from './index.ts'
import { playCaptures } from './playback.ts'
import { record } from './recorder.ts'
import { ChurningSource, Client, get, market, serve, until } from './testing.ts'
import {
  type BinanceSnapshot,
  type BybitFrame,
  binanceDiffs,
  followBinance,
  followBybit,
  followCoinbase,
  followKraken,
} from './testing-follow.ts'

type Line = Readonly<Record<string, unknown>>

async function directory(files: Readonly<Record<string, readonly (Line | string)[]>> = {}) {
  const path = await mkdtemp(join(tmpdir(), 'playback-'))
  onTestFinished(() => rm(path, { recursive: true }))
  for (const [name, lines] of Object.entries(files)) {
    const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)))
    const body = `${text.join('\n')}\n`
    await writeFile(join(path, name), name.endsWith('.gz') ? gzipSync(body) : body)
  }
  return path
}

/** Serves a directory; `problems` fills with what was reported. */
async function playDirectory(path: string, rate: number) {
  const problems: string[] = []
  const servers = await playCaptures(path, rate, (problem) => problems.push(problem))
  const addresses = new Map<string, { websocket_url: string; rest_url: string }>()
  for (const server of servers) addresses.set(server.id, await serve(server))
  const of = (id: string) => {
    const address = addresses.get(id)
    if (address === undefined) throw new Error(`${id} is not served`)
    return address
  }
  return { ids: [...addresses.keys()], of, problems }
}

const inbound = (url: string, ts: number | null, raw: unknown): Line => ({
  ts,
  url,
  dir: 'in',
  raw: typeof raw === 'string' ? raw : JSON.stringify(raw),
})

describe('Binance', () => {
  const STREAM = 'wss://stream.binance.com:9443/stream'
  const DIFF = 'btcusdt@depth@100ms'
  type Pairs = [string, string][]
  const depth = (ts: number, U: number, u: number, b: Pairs, a: Pairs) =>
    inbound(STREAM, ts, {
      stream: DIFF,
      data: { e: 'depthUpdate', E: ts, s: 'BTCUSDT', U, u, b, a },
    })
  const ticker = (ts: number, u: number) =>
    inbound(STREAM, ts, {
      stream: 'btcusdt@bookTicker',
      data: { u, s: 'BTCUSDT', b: '1.00', B: '1', a: '2.00', A: '1' },
    })
  const snapshot = (ts: number, lastUpdateId: number, bids: Pairs, asks: Pairs): Line => ({
    ts,
    url: 'https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=1000',
    dir: 'http',
    raw: JSON.stringify({ lastUpdateId, bids, asks }),
  })
  const first = [
    depth(1_000, 90, 99, [['1.00', '9.0']], []),
    snapshot(1_050, 102, [['1.00', '1.0']], [['2.00', '1.0']]),
    depth(1_100, 100, 104, [['1.10', '2.0']], [['2.00', '0.0']]),
    ticker(1_110, 104),
    depth(1_200, 105, 105, [], [['2.10', '3.0']]),
    ticker(1_210, 109),
  ]
  const second = [
    depth(9_000, 500, 509, [], []),
    depth(9_100, 510, 512, [['1.50', '4.0']], [['2.30', '0.0']]),
    snapshot(9_150, 509, [['1.40', '1.0']], [['2.30', '1.0']]),
    depth(9_200, 513, 513, [], [['2.40', '1.0']]),
  ]

  /** Watches for a while and compares with the book that REST shows at the end. */
  async function watch(url: { websocket_url: string; rest_url: string }, frames: number) {
    const client = await Client.connect(url.websocket_url)
    client.send({ method: 'SUBSCRIBE', params: [DIFF, 'btcusdt@bookTicker'], id: 1 })
    await client.first({ stream: DIFF })
    const depth_url = `${url.rest_url}/api/v3/depth?symbol=BTCUSDT&limit=1000`
    const before = (await get(depth_url)).body as unknown as BinanceSnapshot
    await until(() => binanceDiffs(client.frames, DIFF).length >= frames)
    const after = (await get(depth_url)).body as unknown as BinanceSnapshot
    await until(() => (binanceDiffs(client.frames, DIFF).at(-1)?.u ?? 0) >= after.lastUpdateId)
    const diffs = binanceDiffs(client.frames, DIFF)
    const book = followBinance(before, diffs, after.lastUpdateId)
    expect([...book.bids].sort()).toEqual([...after.bids].sort())
    expect([...book.asks].sort()).toEqual([...after.asks].sort())
    for (const [i, diff] of diffs.slice(1).entries()) expect(diff.U).toBe(diffs[i]!.u + 1)
    const ids = client
      .having({ stream: 'btcusdt@bookTicker' })
      .map(({ data }) => (data as { u: number }).u)
    expect(ids).toEqual([...ids].sort((a, b) => a - b))
    client.socket.terminate()
    return { diffs, ids }
  }

  it('loops over files and gaps for ever without a gap, for clients that come and go', async () => {
    const path = await directory({ 'a.jsonl.gz': first, 'b.jsonl': second })
    const { of } = await playDirectory(path, 50)
    for (let visit = 0; visit < 3; visit++) {
      const { diffs } = await watch(of('binance'), 16)
      // the books of both runs were seen
      const sizes = new Map(diffs.flatMap(({ b }) => b))
      expect(sizes.get('1.10')).toBeDefined()
      expect(sizes.get('1.50')).toBeDefined()
    }
  })

  it('starts with the recorded book and plays what follows byte for byte', async () => {
    const path = await directory({ 'a.jsonl': first })
    const { of } = await playDirectory(path, 1)
    const { websocket_url, rest_url } = of('binance')
    const { body } = await get(`${rest_url}/api/v3/depth?symbol=BTCUSDT&limit=5`)
    expect(body).toEqual({ lastUpdateId: 102, bids: [['1.00', '1.0']], asks: [['2.00', '1.0']] })
    const client = await Client.connect(websocket_url)
    client.send({ method: 'SUBSCRIBE', params: [DIFF], id: 1 })
    const diffs = await until(() => {
      const all = binanceDiffs(client.frames, DIFF)
      return all.length === 2 && all
    })
    // the first frame began before the book
    expect(diffs.map(({ U, u }) => [U, u])).toEqual([
      [103, 104],
      [105, 105],
    ])
    expect(client.frames.at(-1)).toBe(first[4]?.raw)
  })

  it('describes markets by exchangeInfo where it was recorded, else by their digits', async () => {
    const entry = { symbol: 'BTCUSDT', recorded: true }
    const info = {
      ts: 1,
      url: 'https://api.binance.com/api/v3/exchangeInfo',
      dir: 'http',
      raw: JSON.stringify({ symbols: [entry, { symbol: 'ETHUSDT' }] }),
    }
    const told = await playDirectory(await directory({ 'a.jsonl': [info, ...first] }), 1)
    const symbols = async (rest_url: string) =>
      (await get(`${rest_url}/api/v3/exchangeInfo`)).body.symbols
    expect(await symbols(told.of('binance').rest_url)).toEqual([entry])
    const inferred = await playDirectory(await directory({ 'a.jsonl': first }), 1)
    expect(await symbols(inferred.of('binance').rest_url)).toMatchObject([
      {
        symbol: 'BTCUSDT',
        baseAsset: 'BTC',
        quoteAsset: 'USDT',
        filters: [{ tickSize: '0.10000000' }, { stepSize: '1.00000000' }, {}],
      },
    ])
  })
})

describe('what the recorder wrote', () => {
  const RECORDED = ['binance', 'bybit', 'coinbase', 'kraken'] as const
  const exchangeOf = (id: string) =>
    SANDBOX_EXCHANGES.find(({ profile }) => profile.id === id) ?? expect.unreachable(id)

  /** Simulated exchanges, watched and recorded until each said enough, twice over. */
  async function recordAll(file: string): Promise<void> {
    const source = new ChurningSource([
      market('binance', 'BTC', 'USDT'),
      market('bybit', 'BTC', 'USDT'),
      market('coinbase', 'BTC', 'USD'),
      market('kraken', 'BTC', 'USD', 1, 8),
      market('kraken', 'DOGE', 'USD', 5, 8),
    ])
    const stop = source.keepChurning()
    const recorder = record(file, (problem) => expect.unreachable(problem.message))
    const clients: Client[] = []
    for (const id of RECORDED) {
      const server = exchangeOf(id).simulate(source)
      const { websocket_url, rest_url } = await serve(server, { observe: recorder.observe })
      const client = await Client.connect(websocket_url)
      for (const message of SUBSCRIBE[id]) client.send(message)
      await get(rest_url + INSTRUMENTS[id])
      if (id === 'binance') {
        await until(() => client.frames.length > 2)
        await get(`${rest_url}/api/v3/depth?symbol=BTCUSDT&limit=1000`)
      }
      clients.push(client)
    }
    for (const client of clients) await until(() => client.frames.length > 25)
    stop()
    for (const client of clients) client.socket.terminate()
    await recorder.close()
  }

  const INSTRUMENTS = {
    binance: '/api/v3/exchangeInfo',
    bybit: '/v5/market/instruments-info?category=spot',
    coinbase: '/products',
    kraken: '/0/public/AssetPairs',
  }
  const SUBSCRIBE = {
    binance: ['{"method":"SUBSCRIBE","params":["btcusdt@depth@100ms"],"id":1}'],
    bybit: ['{"op":"subscribe","args":["orderbook.50.BTCUSDT"]}'],
    coinbase: ['{"type":"subscribe","product_ids":["BTC-USD"],"channels":["level2_batch"]}'],
    kraken: [
      '{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":25}}',
      '{"method":"subscribe","params":{"channel":"book","symbol":["DOGE/USD"],"depth":25}}',
    ],
  }

  it.each(['recorded.jsonl', 'recorded.jsonl.gz'])('plays again from %s', async (name) => {
    const path = await directory()
    await recordAll(join(path, name))
    const { ids, of, problems } = await playDirectory(path, 50)
    expect(problems).toEqual([])
    expect(ids).toEqual(RECORDED)
    const play = async (id: keyof typeof SUBSCRIBE) => {
      const client = await Client.connect(of(id).websocket_url)
      for (const message of SUBSCRIBE[id]) client.send(message)
      return client
    }
    /** Waits until every recorded market began again for the second time. */
    const loop = (client: Client, markets: number) =>
      until(() => client.having({ type: 'snapshot' }).length >= 3 * markets)
    const kraken = await play('kraken')
    await loop(kraken, 2)
    for (const symbol of ['BTC/USD', 'DOGE/USD']) {
      expect(followKraken(kraken.frames, symbol, 25).bids.size).toBe(25)
    }
    const bybit = await play('bybit')
    await loop(bybit, 1)
    followBybit(bybit.having({ topic: 'orderbook.50.BTCUSDT' }) as unknown as BybitFrame[])
    const coinbase = await play('coinbase')
    await loop(coinbase, 1)
    const { bids, asks } = followCoinbase(coinbase.frames, 'BTC-USD')
    expect(Math.max(...[...bids.keys()].map(Number))).toBeLessThan(
      Math.min(...[...asks.keys()].map(Number)),
    )
    const binance = await play('binance')
    await until(() => binance.frames.length > 80)
    const diffs = binanceDiffs(binance.frames, 'btcusdt@depth@100ms')
    for (const [i, diff] of diffs.slice(1).entries()) expect(diff.U).toBe(diffs[i]!.u + 1)
    expect((await get(of('kraken').rest_url + INSTRUMENTS.kraken)).body).toMatchObject({
      result: { XDGUSD: { wsname: 'XDG/USD', pair_decimals: 5, fees: [[0, 0.25]] } },
    })
  })
})

describe('Kraken', () => {
  const URL = 'wss://ws.kraken.com/v2'
  const levels = (count: number, price: number, away: number) =>
    Array.from({ length: count }, (_, i) => `{"price":${(price + i * away).toFixed(1)},"qty":1.50}`)
  const snapshot = (count: number) =>
    `{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD",` +
    `"bids":[${levels(count, 100, -1)}],"asks":[${levels(count, 101, 1)}],"checksum":1}]}`
  const update =
    '{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[],"asks":[{"price":99.25,"qty":0.000010}],"checksum":2,"timestamp":"2026-08-01T00:00:00.100000Z"}]}'

  it('says the recorded depth, infers precision from the digits and plays byte for byte', async () => {
    const path = await directory({
      'deep.jsonl': [
        inbound(URL, 5, update),
        inbound(URL, 10, snapshot(25)),
        inbound(URL, 11, update),
      ],
      'shallow.jsonl': [inbound(URL, null, snapshot(10)), inbound(URL, null, update)],
    })
    const { of } = await playDirectory(path, 100)
    const { websocket_url, rest_url } = of('kraken')
    for (const [wanted, served] of [
      [10, 10],
      [25, 25],
      [100, 25],
    ]) {
      const client = await Client.connect(websocket_url)
      const params = { channel: 'book', symbol: ['BTC/USD'], depth: wanted }
      client.send({ method: 'subscribe', params })
      expect(await client.first({ method: 'subscribe' })).toMatchObject({
        result: { depth: served },
      })
      await until(() => client.having({ type: 'snapshot' }).length > 2)
      const books = client.frames.filter((frame) => frame.startsWith('{"channel":"book"'))
      const take = [snapshot(served ?? 0), update]
      expect(books.slice(0, 4)).toEqual([...take, ...take])
    }
    expect((await get(`${rest_url}/0/public/AssetPairs`)).body).toEqual({
      error: [],
      result: {
        XXBTZUSD: expect.objectContaining({ pair_decimals: 2, lot_decimals: 5, wsname: 'XBT/USD' }),
      },
    })
  })
})

describe('a directory', () => {
  const KRAKEN = 'wss://ws.kraken.com/v2'
  const book = inbound(
    KRAKEN,
    1,
    '{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"price":1.0,"qty":1.0}],"asks":[],"checksum":1}]}',
  )

  it('reports broken lines by file and number and plays the rest', async () => {
    const path = await directory({ 'a.jsonl': ['{', '{"ts":1}', book, '', 'null'] })
    await writeFile(join(path, 'b.jsonl.gz'), 'no gzip')
    const { ids, problems } = await playDirectory(path, 1)
    expect(ids).toEqual(['kraken'])
    expect(problems.map((problem) => /\w\.jsonl(\.gz)?:\d+/.exec(problem)?.[0])).toEqual([
      'a.jsonl:1',
      'a.jsonl:2',
      'a.jsonl:5',
      'b.jsonl.gz:0',
    ])
  })

  it('passes over other protocols of the same companies', async () => {
    const depth = { e: 'depthUpdate', s: 'BTCUSDT', U: 1, u: 1, b: [], a: [] }
    const combined = { stream: 'btcusdt@depth@100ms', data: depth }
    const topic = { topic: 'orderbook.50.BTCUSDT', type: 'snapshot', ts: 1, data: {} }
    const path = await directory({
      'a.jsonl': [
        inbound('wss://fstream.binance.com/stream', 1, combined),
        inbound('wss://stream.binance.us:9443/stream', 1, combined),
        inbound('wss://stream.bybit.com/v5/public/linear', 1, topic),
        inbound('wss://advanced-trade-ws.coinbase.com', 1, { type: 'snapshot', product_id: 'A-B' }),
        inbound('wss://ws.kraken.com', 1, book.raw),
      ],
    })
    await expect(playDirectory(path, 1)).rejects.toThrow('nothing in')
  })
})

const CAPTURES = fileURLToPath(new URL('../../../shared/captures', import.meta.url))

describe.skipIf(!existsSync(CAPTURES))('real recordings', () => {
  it('play and loop with every checksum right and no gap', { timeout: 60_000 }, async () => {
    const { ids, of, problems } = await playDirectory(CAPTURES, 40)
    expect(problems).toEqual([])
    expect(ids).toEqual(expect.arrayContaining(['binance', 'coinbase', 'kraken']))
    const kraken = async (depth: number, frames: number) => {
      const client = await Client.connect(of('kraken').websocket_url)
      client.send({ method: 'subscribe', params: { channel: 'book', symbol: ['BTC/USD'], depth } })
      await until(() => client.frames.length > frames)
      followKraken(client.frames, 'BTC/USD', depth)
      client.socket.terminate()
    }
    await kraken(25, 2_300)
    const binance = await Client.connect(of('binance').websocket_url)
    const stream = 'nknusdt@depth@100ms'
    binance.send({ method: 'SUBSCRIBE', params: [stream], id: 1 })
    const coinbase = await Client.connect(of('coinbase').websocket_url)
    coinbase.send({ type: 'subscribe', product_ids: ['CRV-EUR'], channels: ['level2_batch'] })
    const url = `${of('binance').rest_url}/api/v3/depth?symbol=NKNUSDT&limit=5000`
    const before = (await get(url)).body as unknown as BinanceSnapshot
    await until(() => binanceDiffs(binance.frames, stream).length > 320)
    const after = (await get(url)).body as unknown as BinanceSnapshot
    await until(() => (binanceDiffs(binance.frames, stream).at(-1)?.u ?? 0) >= after.lastUpdateId)
    const diffs = binanceDiffs(binance.frames, stream)
    const rebuilt = followBinance(before, diffs, after.lastUpdateId)
    expect([...rebuilt.bids].sort()).toEqual([...after.bids].sort())
    await until(() => coinbase.having({ type: 'snapshot' }).length > 1)
    const { body } = await get(`${of('coinbase').rest_url}/products`)
    expect((body as unknown as { id: string }[]).map(({ id }) => id).sort()).toEqual([
      'BAND-BTC',
      'CRV-EUR',
      'NMR-EUR',
      'SKL-BTC',
      'SKL-USD',
    ])
  })
})
