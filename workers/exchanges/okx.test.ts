/** What only OKX does: its words, its ids, its answers, and its recording. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32, gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { okxServer } from '../../sandbox/exchanges/okx.ts'
import { simulatedOkx } from '../../sandbox/exchanges/okx-books.ts'
import { ChurningSource, market, serve, truth } from '../../sandbox/exchanges/testing.ts'
import { BookUpdate } from '../book/update.ts'
import { Bench } from '../feed/testing.ts'
import { exchangeServer, START, startFeed, WAIT } from '../feed/testing-server.ts'
import { FrameError, type FrameHandler } from './exchange.ts'
import { FastReader } from './fast.ts'
import { okx } from './okx.ts'
import { dialects, TrueBook } from './testing.ts'

const dialect = dialects.okx!

function read(frame: string) {
  const said: unknown[][] = []
  const note =
    (word: string) =>
    (...more: unknown[]) =>
      void said.push([word, ...more])
  const handler: FrameHandler = {
    book: (update) => said.push(['book', update.clone()]),
    subscribed: note('subscribed'),
    refused: note('refused'),
    system: note('system'),
    trading: note('trading'),
    closing: note('closing'),
  }
  const reader = okx.reader({ find: (name) => (name === 'BTC-USDT' ? 3 : -1) })
  const kind = reader.read(Buffer.from(frame), handler)
  return { kind, said, update: said[0]?.[1] as BookUpdate }
}

const book = (action: string, ids: string, levels = '') =>
  `{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"${action}","data":[{"asks":[${levels}],"bids":[],"ts":"1597026383085","checksum":-855196043${ids}}]}`

describe('frames', () => {
  it('carry the id that they follow, by whatever step, and the time as text', () => {
    const { update } = read(book('update', ',"prevSeqId":10,"seqId":15', '["8.5","4","0","13"]'))
    expect(update).toMatchObject({ market: 3, first_id: 11, last_id: 15, snapshot: false })
    expect(update.exchange_time_ms).toBe(1_597_026_383_085)
    expect([update.asks.price[0], update.asks.size[0]]).toEqual([8.5, 4])
    const whole = read(book('snapshot', ',"prevSeqId":-1,"seqId":9')).update
    expect(whole).toMatchObject({ first_id: 9, last_id: 9, snapshot: true })
  })

  it('older than the ids have none, and half an id is an error', () => {
    expect(read(book('update', '')).update).toMatchObject({ first_id: NaN, last_id: NaN })
    for (const ids of [',"seqId":9', ',"prevSeqId":9', ',"prevSeqId":-1,"seqId":9']) {
      expect(() => read(book('update', ids))).toThrow(FrameError)
    }
    expect(() => read(book('partial', ',"prevSeqId":1,"seqId":2'))).toThrow('action: partial')
    const two = book('update', ',"prevSeqId":1,"seqId":2').replace('[{', '[{},{')
    expect(() => read(two)).toThrow('2 books')
  })

  it('refuse by name, announce a restart and tell of maintenance', () => {
    const unknown = `{"event":"error","msg":"channel:books,instId:BTC-USDT doesn't exist","code":"60018"}`
    expect(read(unknown).said).toEqual([
      ['refused', 'BTC-USDT', "60018: channel:books,instId:BTC-USDT doesn't exist"],
    ])
    expect(read('{"event":"error","msg":"Illegal request","code":"60012"}').said).toEqual([
      ['refused', null, '60012: Illegal request'],
    ])
    const notice = (code: string) => `{"event":"notice","code":"${code}","msg":"upgrade"}`
    expect(read(notice('64008')).said).toEqual([['closing', 'upgrade']])
    expect(read(notice('1')).said).toEqual([])
    const { closed = '', open = '' } = dialect.halting ?? {}
    expect(read(closed).said).toEqual([['system', 'maintenance', 'Trading service upgrade']])
    expect(read(open).said).toEqual([['system', 'online', 'online']])
    // block trading, the demo, what is yet to come
    for (const [is, other] of [
      ['"serviceType":"5"', '"serviceType":"6"'],
      ['"env":"1"', '"env":"2"'],
      ['"ongoing"', '"scheduled"'],
      ['"ongoing"', '"pre_open"'],
    ] as const) {
      expect(read(closed.replace(is, other)).said).toEqual([])
    }
  })

  it('ask for no more than 64 KB at once, and for the status once', () => {
    const names = Array.from({ length: okx.limits.markets_per_frame }, () => 'LONGCOIN-USDT')
    for (const frame of okx.subscribe(names)) expect(frame.length).toBeLessThan(64 << 10)
    expect(okx.hello?.(names)).toEqual(['{"op":"subscribe","args":[{"channel":"status"}]}'])
    expect(okx.keepalive.ping?.frame(5)).toBe('ping')
  })
})

describe('answers', () => {
  const entry = {
    ...{ instType: 'SPOT', instId: 'BTC-USDT', baseCcy: 'BTC', quoteCcy: 'USDT', state: 'live' },
    ...{ tickSz: '0.1', lotSz: '0.00000001', minSz: '0.00001' },
  }
  const answer = (data: unknown) => JSON.stringify({ code: '0', msg: '', data })

  it('list what trades and what does not', () => {
    const announced = { ...entry, instId: 'NEW-USDT', state: 'preopen', tickSz: '', lotSz: '' }
    const halted = { ...entry, instId: 'ETH-USDT', baseCcy: 'ETH', state: 'suspend' }
    const swap = { ...entry, instType: 'SWAP', instId: 'BTC-USDT-SWAP', baseCcy: '', quoteCcy: '' }
    const body = answer([entry, halted, announced, swap])
    expect(okx.instruments.parse([body])).toEqual([
      {
        ...{ exchange: 'okx', symbol: 'BTC/USDT', market: 'BTC-USDT', base: 'BTC', quote: 'USDT' },
        ...{ price_step: '0.1', size_step: '0.00000001', minimum_size: '0.00001' },
        ...{ minimum_notional: '0', taker_fee_percent: '0.1', trading: true },
      },
      expect.objectContaining({ symbol: 'ETH/USDT', trading: false }),
    ])
    expect(okx.trading_status?.[0]?.parse(answer([entry, halted]))).toEqual({
      trading: new Set(['BTC-USDT']),
    })
    // as with the other exchanges, what names no two assets is an error of the list
    expect(() => okx.instruments.parse([answer([{ ...entry, baseCcy: '' }])])).toThrow(FrameError)
    const refusal = '{"code":"50011","msg":"Too Many Requests","data":[]}'
    expect(() => okx.instruments.parse([refusal])).toThrow('50011: Too Many Requests')
  })

  it('tell the time and the best levels', () => {
    expect(okx.time.parse(answer([{ ts: '1597026383085' }]))).toBe(1_597_026_383_085)
    expect(() => okx.time.parse(answer([]))).toThrow(FrameError)
    const update = new BookUpdate()
    const levels = { asks: [['41006.8', '0.6', '0', '1']], bids: [['41006.3', '0.3', '0', '2']] }
    okx.audit?.parse(answer([{ ...levels, ts: '1629966436396' }]), update)
    expect([update.asks.price[0], update.bids.size[0]]).toEqual([41006.8, 0.3])
    expect(update.exchange_time_ms).toBe(1_629_966_436_396)
  })
})

describe('a feed', () => {
  it('reads the sandbox exactly, and again when its ids begin anew', async () => {
    const source = new ChurningSource([market('okx', 'BTC', 'USDT')])
    const simulated = simulatedOkx(source)
    const server = await serve(okxServer(simulated))
    const { feed, state, entry } = startFeed(server, okx, ['BTC-USDT'])
    const stop = source.keepChurning()
    await expect.poll(() => state('BTC-USDT'), WAIT).toBe('live')
    simulated.resetIds('BTC-USDT')
    await expect.poll(() => feed.status().resyncs_total, WAIT).toBe(1)
    stop()
    const held = () => {
      const { bids, asks } = entry('BTC-USDT').book
      const side = (levels: typeof bids) =>
        Array.from({ length: levels.length }, (_, i) => [levels.price(i), levels.size(i)])
      return { bids: side(bids), asks: side(asks) }
    }
    await expect.poll(held, WAIT).toEqual(truth(source, 0))
    expect(feed.status()).toMatchObject({ gaps_total: 1, reconnects_total: 0 })
  })

  it('moves to another connection before an announced restart, without a stale moment', async () => {
    const book = new TrueBook(START)
    const server = await exchangeServer({
      said: (socket, { op, args }) => {
        const [arg] = args as { channel: string }[]
        if (op === 'subscribe' && arg?.channel === 'books') socket.send(dialect.snapshot(book))
      },
    })
    const { ping: _ping, ...keepalive } = okx.keepalive
    const { books, state } = startFeed(server, { ...okx, keepalive }, ['BTC-USDT'])
    await expect.poll(() => state('BTC-USDT'), WAIT).toBe('live')
    server.sockets[0]!.send('{"event":"notice","code":"64008","msg":"upgrade","connId":"a"}')
    await expect.poll(() => server.sockets[0]!.readyState, WAIT).toBe(3)
    expect(server.sockets).toHaveLength(2)
    expect(books.history).toEqual(['BTC-USDT syncing', 'BTC-USDT live'])
  })
})

const CAPTURE = join(
  import.meta.dirname,
  '../../../shared/captures/okx-mixed-v5-books.cf20220513.jsonl.gz',
)

describe.skipIf(!existsSync(CAPTURE))('a recording of 2022', () => {
  type Level = [price: string, size: string]
  const markets = ['BTC-USDT', 'UNI-USD-SWAP']
  const frames = () =>
    gunzipSync(readFileSync(CAPTURE))
      .toString()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { ts: number; dir: string; raw: string })
      .filter(({ dir }) => dir === 'in')

  /** "25 levels of bids and asks in turn, price:size, as a signed CRC32", while there was one */
  function checksum(bids: readonly Level[], asks: readonly Level[]): number {
    const texts = Array.from({ length: 25 }, (_, i) => [...(bids[i] ?? []), ...(asks[i] ?? [])])
    return crc32(texts.flat().join(':')) | 0
  }

  it('breaks nowhere: every checksum holds, and the intake holds the same books', () => {
    const bench = new Bench(okx, markets)
    const texts = markets.map(() => ({ bids: new Map<string, string>(), asks: new Map() }))
    const sorted = (side: Map<string, string>, away: number) =>
      [...side].sort(([a], [b]) => (Number(a) - Number(b)) * away)
    let books = 0
    for (const { ts, raw } of frames()) {
      bench.now_ms = ts
      bench.frame(raw)
      const { arg, action, data } = JSON.parse(raw)
      if (arg?.channel !== 'books' || action === undefined) continue
      const index = markets.indexOf(arg.instId)
      const text = texts[index]!
      for (const side of ['bids', 'asks'] as const) {
        if (action === 'snapshot') text[side].clear()
        for (const [price, size] of data[0][side] as Level[]) {
          if (Number(size) === 0) text[side].delete(price)
          else text[side].set(price, size)
        }
      }
      const [bids, asks] = [sorted(text.bids, -1), sorted(text.asks, 1)]
      expect(checksum(bids, asks)).toBe(data[0].checksum)
      const held = bench.lanes[index]!.entry.book
      expect([held.bids.price(0), held.asks.size(0)]).toEqual(
        [bids[0]?.[0], asks[0]?.[1]].map(Number),
      )
      expect([held.bids.length, held.asks.length]).toEqual([bids.length, asks.length])
      books++
    }
    expect(books).toBe(191)
    expect(bench.said).toMatchObject({ lost: [], errors: [], refused: [] })
    expect(bench.intake.counters).toMatchObject({ gaps: 0, errors: 0, snapshots: 2, updates: 189 })
    expect(bench.lanes.map(({ entry }) => entry.state)).toEqual(['live', 'live'])
  })

  it('reads alike on both roads, with the ids that it would have today', () => {
    const roads = ['bytes', 'json'].map((road) => {
      const reader = okx.reader({ find: (name) => markets.indexOf(name) })
      if (!(reader instanceof FastReader)) throw new Error('no scanner')
      return { reader, with: road === 'bytes' ? reader : reader.json }
    })
    let id = 7
    for (const { raw } of frames()) {
      const ids = raw.includes('"snapshot"') ? [-1, id] : [id, ++id]
      const today = raw.replace(
        /("checksum":-?\d+)\}/,
        `$1,"prevSeqId":${ids[0]},"seqId":${ids[1]}}`,
      )
      const [bytes, json] = roads.map((road) => {
        const updates: BookUpdate[] = []
        const ignore = () => {}
        const kind = road.with.read(Buffer.from(today), {
          book: (update) => updates.push(update.clone()),
          ...{ subscribed: ignore, refused: ignore, system: ignore },
          ...{ trading: ignore, closing: ignore },
        })
        return { kind, updates }
      })
      expect(bytes).toEqual(json)
    }
    // all but the snapshots, the acknowledgements, tickers and trades
    expect(roads[0]?.reader.slow_path).toBe(frames().length - 189)
  })
})
