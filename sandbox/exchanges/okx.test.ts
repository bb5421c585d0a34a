/** OKX v5 from the outside: its answers, its limits, and books that a careful client can follow. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { OKX_RULES, type OkxRules, okxServer } from './okx.ts'
import { simulatedOkx } from './okx-books.ts'
import { okx } from './okx-exchange.ts'
import { Operations } from './operations.ts'
import { playCaptures } from './playback.ts'
import {
  applyPairs,
  asNumbers,
  ChurningSource,
  Client,
  emptyBook,
  get,
  market,
  serve,
  truth,
  until,
} from './testing.ts'

interface BookFrame {
  readonly action: 'snapshot' | 'update'
  readonly arg: { readonly channel: string; readonly instId: string }
  readonly data: readonly [
    {
      readonly asks: [string, string, string, string][]
      readonly bids: [string, string, string, string][]
      readonly prevSeqId: number
      readonly seqId: number
    },
  ]
}

const BTC = { channel: 'books', instId: 'BTC-USDT' }

async function start(rules: Partial<OkxRules> = {}) {
  const source = new ChurningSource([market('okx', 'BTC', 'USDT'), market('okx', 'ETH', 'USDT')])
  const operations = new Operations()
  const feed = simulatedOkx(source, operations)
  const listening = await serve(okxServer(feed, { ...OKX_RULES, ...rules }))
  const client = await Client.connect(listening.websocket_url)
  const said = () => client.frames.map((frame) => (frame === 'pong' ? {} : JSON.parse(frame)))
  const events = () => said().filter(({ event }) => event !== undefined)
  const books = (instId = 'BTC-USDT'): BookFrame[] =>
    said().filter(({ arg, action }) => action !== undefined && arg.instId === instId)
  return { source, operations, feed, client, events, books, ...listening }
}

/** As documented: "the prevSeqId of each update equals the seqId of the last". */
function follow(frames: readonly BookFrame[]) {
  let book = emptyBook()
  let last = -1
  for (const { action, data } of frames) {
    const [{ asks, bids, prevSeqId, seqId }] = data
    if (action === 'snapshot') book = emptyBook()
    expect(prevSeqId).toBe(action === 'snapshot' ? -1 : last)
    last = seqId
    applyPairs(
      book.asks,
      asks.map(([price, size]) => [price, size]),
    )
    applyPairs(
      book.bids,
      bids.map(([price, size]) => [price, size]),
    )
  }
  return asNumbers(book)
}

describe('requests', () => {
  it('are answered one argument at a time, each before its data', async () => {
    const { client, events } = await start()
    const args = [BTC, { channel: 'ticker', instId: 'BTC-USDT' }, { ...BTC, instId: 'X-Y' }]
    client.send({ op: 'subscribe', id: 'b1', args })
    const [first, ...rest] = await until(() => events().length === 3 && events())
    expect(first).toMatchObject({ id: 'b1', event: 'subscribe', arg: BTC })
    expect(rest).toMatchObject([
      { event: 'error', code: '60018', msg: "channel:ticker,instId:BTC-USDT doesn't exist" },
      { event: 'error', code: '60018', msg: "channel:books,instId:X-Y doesn't exist" },
    ])
    expect(client.frames.findIndex((frame) => frame.includes('"snapshot"'))).toBe(1)
    client.send({ op: 'unsubscribe', args: [BTC] })
    await until(() => events().at(-1).event === 'unsubscribe')
  })

  it('that make no sense get 60012, other text nothing, and a ping its pong', async () => {
    const { client, events } = await start()
    for (const text of ['hello', '{"op":"dance"}', '{"op":"subscribe","args":[]}', 'ping']) {
      client.send(text)
    }
    await until(() => client.frames.includes('pong'))
    expect(events().map(({ code }) => code)).toEqual(['60012', '60012'])
  })

  it('beyond 480 an hour break the connection', async () => {
    expect(OKX_RULES.requests).toEqual({ count: 480, window_ms: 3_600_000 })
    const { client } = await start({ requests: { count: 2, window_ms: 3_600_000 } })
    const ask = () => client.send({ op: 'unsubscribe', args: [BTC] })
    ask()
    ask()
    await until(() => client.frames.length === 2)
    ask()
    await until(() => client.close_code === 1006)
  })

  it('of more than 64 KB break it, too', async () => {
    const { client } = await start()
    client.send({ op: 'subscribe', args: Array.from({ length: 2_000 }, () => BTC) })
    await until(() => client.close_code === 1009)
  })
})

describe('connections', () => {
  it('may be three a second', async () => {
    expect(OKX_RULES.connects).toEqual({ count: 3, window_ms: 1_000 })
    const { websocket_url } = await start({ connects: { count: 3, window_ms: 60_000 } })
    await Client.connect(websocket_url)
    await Client.connect(websocket_url)
    await expect(Client.connect(websocket_url)).rejects.toThrow('429')
  })

  it('break when nothing is said for thirty seconds, pings apart', async () => {
    expect(OKX_RULES.idle_ms).toBe(30_000)
    const { client } = await start({ idle_ms: 1_000 })
    const pings = setInterval(() => client.send('ping'), 200)
    onTestFinished(() => clearInterval(pings))
    await until(() => client.frames.length > 8)
    expect(client.close_code).toBeUndefined()
    clearInterval(pings)
    await until(() => client.close_code === 1006)
  })

  it('hear that the service is about to restart', async () => {
    const { client, close } = await start()
    await close()
    expect(await client.first({ event: 'notice' })).toMatchObject({ code: '64008' })
  })
})

describe('books', () => {
  it('follow the market through a chain of ids, for whoever comes when', async () => {
    const { source, client, books, websocket_url } = await start()
    const stop = source.keepChurning()
    client.send({ op: 'subscribe', args: [BTC, { ...BTC, instId: 'ETH-USDT' }] })
    await until(() => books().length > 5)
    const late = await Client.connect(websocket_url)
    late.send({ op: 'subscribe', args: [BTC] })
    await until(() => late.frames.length > 5)
    stop()
    await until(() => books('ETH-USDT').length > 5)
    await expect.poll(() => follow(books())).toEqual(truth(source, 0))
    await expect.poll(() => follow(books('ETH-USDT'))).toEqual(truth(source, 1))
    const seen = late.frames.slice(1).map((frame) => JSON.parse(frame) as BookFrame)
    await expect.poll(() => follow(seen)).toEqual(truth(source, 0))
  })

  it('are the same books to whoever reads the wire', async () => {
    const { source, client, books, websocket_url } = await start()
    const stop = source.keepChurning()
    client.send({ op: 'subscribe', args: [BTC] })
    await until(() => books().length > 5)
    stop()
    const onWire = () => {
      const book = emptyBook()
      for (const raw of client.frames) {
        const message = okx.readWire({ url: websocket_url, dir: 'in', raw })
        if (message === undefined) continue
        expect([message.symbol, message.whole]).toEqual(['BTC-USDT', book.bids.size === 0])
        for (const side of ['bids', 'asks'] as const) {
          applyPairs(
            book[side],
            message[side].map(([price, size]) => [String(price), String(size)]),
          )
        }
      }
      return asNumbers(book)
    }
    await expect.poll(onWire).toEqual(truth(source, 0))
  })

  it('begin their ids anew when they are told to, below the last one', async () => {
    const { source, client, feed, books } = await start()
    source.keepChurning()
    client.send({ op: 'subscribe', args: [BTC] })
    await until(() => books().length > 2)
    feed.resetIds('BTC-USDT')
    const ids = () => books().map(({ data }) => data[0])
    await until(() => ids().some(({ prevSeqId, seqId }) => seqId < prevSeqId))
    await until(() => books().length > 8)
    const below = ids().filter(({ prevSeqId, seqId }) => seqId < prevSeqId)
    expect(below).toHaveLength(1)
    for (const [i, { prevSeqId }] of ids().slice(1).entries()) {
      expect(prevSeqId).toBe(ids()[i]?.seqId)
    }
  })

  it('have their best level on a channel of its own', async () => {
    const { source, client } = await start()
    const arg = { channel: 'bbo-tbt', instId: 'ETH-USDT' }
    client.send({ op: 'subscribe', args: [arg] })
    const frame = await until(() => client.frames.map((f) => JSON.parse(f)).find((f) => f.data))
    const { bids, asks } = truth(source, 1, 1)
    const [{ bids: bid, asks: ask }] = frame.data
    expect([bid, ask].map(([[price, size]]) => [Number(price), Number(size)])).toEqual([
      bids[0],
      asks[0],
    ])
  })
})

describe('REST', () => {
  it('lists instruments, suspended ones too, and shows their books', async () => {
    const { operations, source, rest_url } = await start()
    const path = `${rest_url}/api/v5/public/instruments`
    expect((await get(path)).body).toMatchObject({ code: '50014' })
    operations.setHalted('ETH/USDT', true)
    expect((await get(`${path}?instType=SPOT`)).body).toMatchObject({
      code: '0',
      data: [
        { instId: 'BTC-USDT', state: 'live', tickSz: '0.01', lotSz: '0.00001' },
        { instId: 'ETH-USDT', state: 'suspend' },
      ],
    })
    const book = async (query: string) =>
      (await get(`${rest_url}/api/v5/market/books?${query}`)).body as {
        code: string
        data: { bids: string[][] }[]
      }
    expect((await book('instId=BTC-USDT&sz=3')).data[0]?.bids.map(([p, s]) => [+p!, +s!])).toEqual(
      truth(source, 0, 3).bids,
    )
    expect((await book('instId=X-Y')).code).toBe('51001')
    expect((await book('instId=BTC-USDT&sz=401')).code).toBe('51000')
    const assets = await get(`${rest_url}/api/v5/asset/currencies`)
    expect([assets.status, assets.body.code]).toEqual([401, '50103'])
  })

  it('has limits of its own for each path', async () => {
    const { rest_url } = await start()
    const status = async () => (await get(`${rest_url}/api/v5/system/status`)).status
    expect([await status(), await status()]).toEqual([200, 429])
    expect((await get(`${rest_url}/api/v5/public/time`)).status).toBe(200)
  })

  it('tells of maintenance on the status channel, and that it is over', async () => {
    const { operations, client, websocket_url } = await start()
    const subscribe = { op: 'subscribe', args: [{ channel: 'status' }] }
    client.send(subscribe)
    await client.first({ event: 'subscribe' })
    operations.setMaintenance(true)
    const states = (who: Client) =>
      who.frames.map((frame) => JSON.parse(frame).data?.[0].state).filter(Boolean)
    await until(() => states(client).join() === 'ongoing')
    const late = await Client.connect(websocket_url)
    late.send(subscribe)
    await until(() => states(late).join() === 'ongoing')
    operations.setMaintenance(false)
    await until(() => states(client).join() === 'ongoing,completed')
  })
})

describe('recordings', () => {
  const URL = 'wss://ws.okx.com:8443/ws/v5/public'
  const frame = (instId: string, action: string, price: string, more = '') =>
    `{"arg":{"channel":"books","instId":"${instId}"},"action":"${action}","data":[{"asks":[["${price}","0.25","0","1"]],"bids":[],"ts":"1652459225363","checksum":5${more}}]}`
  const line = (raw: string) => JSON.stringify({ ts: 1, url: URL, dir: 'in', raw })

  it('play byte for byte, without what is no spot', async () => {
    const path = await mkdtemp(join(tmpdir(), 'okx-'))
    onTestFinished(() => rm(path, { recursive: true }))
    const spot = [frame('A-USDT', 'snapshot', '1.5'), frame('A-USDT', 'update', '1.75')]
    const lines = [...spot, frame('A-USD-SWAP', 'snapshot', '2'), '{"event":"subscribe"}'].map(line)
    await writeFile(join(path, 'a.jsonl'), lines.join('\n'))
    const [server, ...others] = await playCaptures(path, 50, expect.unreachable)
    expect([server?.id, others]).toEqual(['okx', []])
    const { websocket_url, rest_url } = await serve(server ?? expect.unreachable())
    const { body } = await get(`${rest_url}/api/v5/public/instruments?instType=SPOT`)
    expect(body.data).toMatchObject([{ instId: 'A-USDT', tickSz: '0.01', lotSz: '0.01' }])
    const client = await Client.connect(websocket_url)
    client.send({ op: 'subscribe', args: [{ channel: 'books', instId: 'A-USDT' }] })
    await until(() => client.frames.length > 4)
    expect(client.frames.slice(1, 5)).toEqual([...spot, ...spot])
  })
})
