/** What a replay makes of recordings that are written down here, line by line. */
import { readFileSync, writeFileSync } from 'node:fs'
import { crc32, gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { recomputeProfitPercent } from '../../shared/evidence.ts'
import {
  ADDRESS,
  answered,
  binanceEvent,
  binanceSnapshot,
  bybitFrame,
  captureFile,
  opened,
  type Replayed,
  received,
  replayed,
} from './testing.ts'

const T = Date.UTC(2026, 0, 2)
const book = (result: Replayed, exchange: string) =>
  result.summary.books.find((one) => one.exchange === exchange)!
const coinbaseSnapshot = (bids: string[][], asks: string[][], product_id = 'BTC-USD') => ({
  type: 'snapshot',
  product_id,
  bids,
  asks,
})

/** Of the digits as printed, best levels first. */
function krakenFrame(type: 'snapshot' | 'update', sent: string[][][], whole: string[][][]): string {
  const digits = (levels: string[][] = []) =>
    levels.map((level) => level.map((n) => n.replace('.', '').replace(/^0+/, '')).join('')).join('')
  const print = (levels: string[][] = []) =>
    `[${levels.map(([price, qty]) => `{"price":${price},"qty":${qty}}`).join(',')}]`
  const checksum = crc32(digits(whole[1]) + digits(whole[0]))
  return `{"channel":"book","type":"${type}","data":[{"symbol":"BTC/USD","bids":${print(sent[0])},"asks":${print(sent[1])},"checksum":${checksum}}]}`
}

/** Coinbase and Bybit trade BTC for dollars; Bybit is dearer from the third second on. */
function gapBetweenTwo() {
  const coinbase = captureFile([
    received('coinbase', T, coinbaseSnapshot([['60000.00', '5']], [['60001.00', '0.75']])),
    ...[1, 2, 3, 4, 5].map((s) => received('coinbase', T + s * 1_000, { type: 'heartbeat' })),
  ])
  const bybit = captureFile(
    [
      opened('bybit', T + 1),
      received(
        'bybit',
        T + 2,
        bybitFrame('snapshot', 'BTCUSD', 10, [['60000.5', '1']], [['60002', '1']]),
      ),
      received(
        'bybit',
        T + 3_000.25,
        bybitFrame(
          'delta',
          'BTCUSD',
          11,
          [['61000.5', '0.5']],
          [
            ['60002', '0'],
            ['61002', '1'],
          ],
        ),
      ),
      received('bybit', T + 4_000, bybitFrame('delta', 'BTCUSD', 12, [['61000.5', '0']], [])),
    ],
    true,
  )
  return [coinbase, bybit]
}
const FREE = ['--fees', 'coinbase=0.2,bybit=0.1']

describe('opportunities', () => {
  it('are found across files, with the time of the recording and figures that prove themselves', async () => {
    const { events, summary } = await replayed(...gapBetweenTwo(), ...FREE)
    expect(events.map(({ event }) => event)).toEqual([
      'opportunity.detected',
      'opportunity.expired',
      'opportunity.measured',
    ])
    const [detected, expired] = events
    expect(detected).toMatchObject({
      type: 'cross_exchange',
      symbol: 'BTC/USD',
      buy_exchange: 'coinbase',
      sell_exchange: 'bybit',
      buy_price: '60001',
      sell_price: '61000.5',
      base_size: '0.501002',
      depth_exhausted: false,
      simulated: false,
      detected_at: '2026-01-02T00:00:03.000Z',
    })
    expect(detected?.legs.map((leg) => leg.fee_percent)).toEqual(['0.2', '0.1'])
    expect(recomputeProfitPercent(detected!.legs)).toBe(detected?.profit_percent)
    expect(expired).toMatchObject({ id: detected?.id, expiry_reason: 'closed', duration_ms: 1_000 })
    expect(summary).toMatchObject({ frames: 9, ignored: 0, errors: 0, elapsed_ms: 5_000 })
  })

  it('are measured on the books as they were at each moment, also after the end', async () => {
    const { events } = await replayed(...gapBetweenTwo(), ...FREE)
    const [detected, expired, measured] = events
    expect(expired?.markouts).toHaveLength(4)
    expect(measured).toMatchObject({ id: detected?.id, updated_at: '2026-01-02T00:00:04.000Z' })
    const [after_50, after_100, after_250, after_500, after_1000] = measured?.markouts ?? []
    for (const early of [after_50, after_100, after_250, after_500]) {
      expect(early?.profit_percent).toBe(detected?.profit_percent)
    }
    // 0.501002 bought for 60,001 less 0.2 %, and 0.5 of them sold for 60,000.5 less 0.1 %, rounded down
    expect(after_1000).toEqual({ after_ms: 1_000, profit_percent: '-0.3007' })
  })

  it('are the same bytes in every run', async () => {
    const files = gapBetweenTwo()
    const first = await replayed(...files, ...FREE)
    expect(first.events.length).toBe(3)
    expect((await replayed(...files, ...FREE)).text).toBe(first.text)
  })

  it('do not survive the fees of the schedule', async () => {
    const { events, summary } = await replayed(...gapBetweenTwo(), '--min-percent', '1')
    expect(events).toEqual([])
    expect(summary.rejected.below_minimum).toBe(0)
  })

  it.each([
    [['--min-volume-usd', '100000'], 'below_minimum'],
    [['--max-percent', '1', '--min-percent', '0.9'], 'implausible'],
    [['--max-age-ms', '10', '--max-skew-ms', '600000'], 'stale'],
  ] as const)('are refused, and counted, when %j says so', async ([...options], guard) => {
    const { events, summary } = await replayed(...gapBetweenTwo(), ...FREE, ...options)
    expect(events).toEqual([])
    expect(summary.rejected[guard]).toBe(1)
  })

  it('that are open at the end of the recording end with it', async () => {
    const [coinbase = '', bybit = ''] = gapBetweenTwo()
    const rows = gunzipSync(readFileSync(bybit)).toString().split('\n')
    writeFileSync(bybit, rows.slice(0, 3).join('\n'))
    const { events } = await replayed(coinbase, bybit, ...FREE)
    expect(events.map(({ expiry_reason }) => expiry_reason)).toEqual([null, null, 'shutdown'])
  })

  it('are found among lines without times, once the books have settled', async () => {
    const file = captureFile([
      received('coinbase', null, coinbaseSnapshot([['60000', '5']], [['60001', '5']])),
      received(
        'bybit',
        null,
        bybitFrame('snapshot', 'BTCUSD', 1, [['61000', '5']], [['61002', '1']]),
      ),
    ])
    const { events, summary } = await replayed(file, ...FREE)
    expect(events.map(({ event }) => event)).toEqual([
      'opportunity.detected',
      'opportunity.expired',
      'opportunity.measured',
    ])
    expect(summary.elapsed_ms).toBe(1)
  })

  it('say that they are simulated when a sandbox spoke', async () => {
    const file = captureFile([
      { ...opened('coinbase', T), simulated: true },
      received('coinbase', T, coinbaseSnapshot([['60000', '5']], [['60001', '5']])),
      received('bybit', T, bybitFrame('snapshot', 'BTCUSD', 1, [['61000', '5']], [['61002', '1']])),
      received('coinbase', T + 500, { type: 'heartbeat' }),
    ])
    const { events } = await replayed(file, ...FREE)
    expect(events.map(({ simulated }) => simulated)).toEqual([true, true, true])
  })
})

describe('a book', () => {
  const bids = [
    ['60000.1', '0.10000000'],
    ['59999.0', '2.00000000'],
  ]
  const asks = [['60000.2', '1.50000000']]

  it('is printed with the digits of the exchange, as deep as asked for', async () => {
    const file = captureFile([
      received('kraken', T, krakenFrame('snapshot', [bids, asks], [bids, asks])),
    ])
    const result = await replayed(file, '--books', '1')
    expect(book(result, 'kraken')).toMatchObject({
      symbol: 'BTC/USD',
      state: 'live',
      bids: [['60000.1', '0.10000000']],
      asks: [['60000.2', '1.50000000']],
    })
    expect(book(await replayed(file), 'kraken').bids).toEqual(bids)
  })

  it('whose checksum fails is stale and stays so without a snapshot', async () => {
    const good = krakenFrame('snapshot', [bids, asks], [bids, asks])
    const bad = krakenFrame('update', [[], [['60000.3', '1.00000000']]], [bids, asks])
    const lines = [received('kraken', T, good), received('kraken', T + 1, bad)]
    const broken = await replayed(captureFile(lines))
    expect(book(broken, 'kraken').state).toBe('stale')
    expect(broken.summary.exchanges.kraken).toMatchObject({
      frames: 2,
      snapshots: 1,
      checksums_ok: 1,
      checksums_failed: 1,
      gaps: 1,
      resyncs: 0,
    })
    const healed = await replayed(captureFile([...lines, received('kraken', T + 2, good)]))
    expect(book(healed, 'kraken').state).toBe('live')
    expect(healed.summary.exchanges.kraken).toMatchObject({ gaps: 1, resyncs: 1 })
  })

  it('that lost an update prices nothing any more', async () => {
    const [coinbase = '', bybit = ''] = gapBetweenTwo()
    const rows = gunzipSync(readFileSync(bybit)).toString()
    // the last delta does not follow the one before it
    writeFileSync(bybit, rows.replaceAll('\\"u\\":12', '\\"u\\":14'))
    const result = await replayed(coinbase, bybit, ...FREE)
    expect(result.events.map(({ expiry_reason }) => expiry_reason)).toEqual([null, 'gap', 'gap'])
    expect(result.events.at(-1)?.markouts.at(-1)?.profit_percent).toBeNull()
    expect(book(result, 'bybit').state).toBe('stale')
    expect(result.summary.exchanges.bybit).toMatchObject({ gaps: 1, resyncs: 0 })
  })

  describe('of Binance', () => {
    const first = received('binance', T + 1, binanceEvent('ETHUSDT', 5, 8, [['9.00', '1.0']], []))
    const next = received('binance', T + 3, binanceEvent('ETHUSDT', 9, 9, [['9.50', '2.0']], []))
    const snapshot = (id: number, ts = T + 2) =>
      binanceSnapshot('ETHUSDT', ts, id, [['8.00', '1.0']], [['10.00', '1.0']])

    it.each([
      ['after the first event', [opened('binance', T), first, snapshot(6), next]],
      ['before the connection', [snapshot(6, T - 5), opened('binance', T), first, next]],
      ['without an open line', [snapshot(6, T - 5), first, next]],
    ])('is bridged from a REST snapshot %s', async (_, lines) => {
      const result = await replayed(captureFile(lines))
      expect(book(result, 'binance')).toMatchObject({
        symbol: 'ETH/USDT',
        state: 'live',
        bids: [
          ['9.50', '2.0'],
          ['9.00', '1.0'],
          ['8.00', '1.0'],
        ],
      })
      expect(result.summary.exchanges.binance).toMatchObject({ snapshots: 1, updates: 2, gaps: 0 })
    })

    it('waits where the snapshot is older than the first event', async () => {
      const result = await replayed(captureFile([first, snapshot(3), next]))
      expect(book(result, 'binance').state).toBe('syncing')
      expect(result.summary.exchanges.binance).toMatchObject({ snapshots: 0, updates: 0, gaps: 0 })
    })

    it('goes on in the next file of a recording that was cut', async () => {
      const parts = [captureFile([first, snapshot(6)]), captureFile([next])]
      const result = await replayed(...parts.toReversed())
      expect(book(result, 'binance').bids[0]).toEqual(['9.50', '2.0'])
      expect(result.summary.exchanges.binance).toMatchObject({ updates: 2, gaps: 0 })
    })

    it('is told by a second snapshot that comes too late for nothing new', async () => {
      const result = await replayed(captureFile([first, snapshot(6), next, snapshot(4, T + 4)]))
      expect(result.summary.exchanges.binance).toMatchObject({ snapshots: 1, gaps: 0 })
    })

    it('that cannot be read is named and harms nothing', async () => {
      const broken = answered('https://api.binance.com/api/v3/depth?symbol=ETHUSDT', T + 2, '{}')
      const file = captureFile([first, broken, snapshot(6), next])
      const result = await replayed(file)
      expect(result.problems).toEqual([expect.stringContaining(`${file}:2: lastUpdateId`)])
      expect(result.summary.errors).toBe(1)
      expect(book(result, 'binance').state).toBe('live')
    })
  })
})

describe('connections', () => {
  const frame = (ts: number, type: 'snapshot' | 'delta', u: number, more = {}) =>
    received('bybit', ts, bybitFrame(type, 'SOLUSDT', u, [['99', `${u}`]], [['101', '1']]), more)

  it('that open again start their markets from scratch', async () => {
    const lines = [
      opened('bybit', T),
      frame(T + 1, 'snapshot', 5),
      frame(T + 2, 'delta', 6),
      opened('bybit', T + 500),
      frame(T + 501, 'delta', 7),
      frame(T + 502, 'snapshot', 9),
      frame(T + 503, 'delta', 10),
    ]
    const result = await replayed(captureFile(lines))
    expect(result.summary.exchanges.bybit).toMatchObject({ updates: 2, gaps: 0, resyncs: 1 })
    expect(book(result, 'bybit').state).toBe('live')
    const unfinished = await replayed(captureFile(lines.slice(0, 5)))
    expect(book(unfinished, 'bybit').state).toBe('stale')
  })

  it('that are replaced while they still speak hand over without a stale moment', async () => {
    const [old, young] = [{ connection: 1 }, { connection: 2 }]
    const events = (from: number, more: object) =>
      [0, 1, 2].map((i) =>
        received(
          'binance',
          T + 10 * (from + i),
          binanceEvent('SOLUSDT', from + i, from + i, [['99', '1']], []),
          more,
        ),
      )
    const snapshot = binanceSnapshot('SOLUSDT', T + 11, 1, [['98', '1']], [['101', '1']])
    const result = await replayed(
      captureFile([
        opened('binance', T, old),
        ...events(1, old).slice(0, 1),
        snapshot,
        ...events(2, old),
        opened('binance', T + 45, young),
        // both deliver the same for a while, the young one a moment behind
        ...events(5, old).flatMap((line, i) => [line, events(5, young)[i]!]),
        ...events(8, young),
      ]),
    )
    expect(book(result, 'binance').state).toBe('live')
    expect(result.summary.exchanges.binance).toMatchObject({ updates: 9, gaps: 0, resyncs: 0 })
  })

  it('that were cut are gone although no line says so', async () => {
    const [old, young] = [{ connection: 1 }, { connection: 2 }]
    const event = (ts: number, id: number, more: object) =>
      received('binance', ts, binanceEvent('SOLUSDT', id, id, [['99', '1']], []), more)
    const snapshot = (ts: number, id: number) =>
      binanceSnapshot('SOLUSDT', ts, id, [['98', '1']], [['101', '1']])
    const result = await replayed(
      captureFile([
        opened('binance', T, old),
        event(T + 1, 1, old),
        snapshot(T + 2, 1),
        event(T + 3, 2, old),
        opened('binance', T + 900, young),
        // a ping into the dead connection opens nothing
        { ...opened('binance', T + 900, old), dir: 'out', raw: '{}' },
        event(T + 901, 50, young),
        event(T + 902, 51, young),
        snapshot(T + 903, 50),
        event(T + 904, 52, young),
        event(T + 20_000, 53, young),
      ]),
    )
    expect(book(result, 'binance').state).toBe('live')
    expect(result.summary.exchanges.binance).toMatchObject({ snapshots: 2, gaps: 0, resyncs: 1 })
  })

  it('of two recordings one after the other need no open line', async () => {
    const first = [frame(T, 'snapshot', 5), frame(T + 1, 'delta', 6)]
    const second = [frame(T + 9_000, 'snapshot', 3), frame(T + 9_001, 'delta', 4)]
    const result = await replayed(captureFile(second), captureFile(first))
    expect(result.summary.exchanges.bybit).toMatchObject({ snapshots: 2, updates: 2, gaps: 0 })
    expect(book(result, 'bybit')).toMatchObject({ state: 'live', bids: [['99', '4']] })
  })
})

describe('lines', () => {
  it('that are broken are named with file and number and end nothing', async () => {
    const good = coinbaseSnapshot([['1', '1']], [['2', '1']])
    const file = captureFile([
      'this is no JSON',
      received('coinbase', T, good),
      '',
      received(
        'coinbase',
        T,
        '{"type":"l2update","product_id":"BTC-USD","changes":[["buy","x","1"]]}',
      ),
      { ts: T, url: ADDRESS.coinbase, dir: 'in' },
      received('coinbase', T, good),
    ])
    const { summary, problems } = await replayed(file)
    expect(problems.map((problem) => problem.split(': ', 2)[0])).toEqual(
      [1, 4, 5].map((n) => `${file}:${n}`),
    )
    expect(summary).toMatchObject({ frames: 3, errors: 3 })
    expect(summary.exchanges.coinbase).toMatchObject({ frames: 3, errors: 1, gaps: 1, resyncs: 1 })
    expect(summary.books[0]?.state).toBe('live')
  })

  it('of other exchanges and of protocols that nobody reads are ignored, not errors', async () => {
    const strangers = [
      { ts: T, url: 'wss://ws.okx.com:8443/ws/v5/public', dir: 'in', raw: '{"arg":{}}' },
      { ts: T, url: 'wss://ws.kraken.com', dir: 'in', raw: '[336,{"as":[]},"book-10","XBT/USD"]' },
      { ts: T, url: 'wss://stream.bybit.com/realtime', dir: 'in', raw: '{"topic":"x"}' },
      { ts: T, url: 'wss://stream.bybit.com/v5/public/linear', dir: 'in', raw: 'null' },
      { ts: T, url: 'wss://fstream.binance.com/stream', dir: 'in', raw: 'null' },
      { ts: T, url: 'wss://api.hbdm.com', dir: 'in', b64: 'H4sI' },
    ]
    const { summary, problems } = await replayed(captureFile(strangers))
    expect(problems).toEqual([])
    expect(summary).toMatchObject({ frames: 6, ignored: 6, errors: 0, books: [] })
    expect(summary.exchanges.kraken).toMatchObject({ frames: 1, ignored: 1, errors: 0 })
  })

  it('of one exchange alone are replayed when it is named', async () => {
    const { summary, events } = await replayed(...gapBetweenTwo(), '--exchange', 'bybit', ...FREE)
    expect(Object.keys(summary.exchanges)).toEqual(['bybit'])
    expect(summary).toMatchObject({ frames: 9, ignored: 6 })
    expect(events).toEqual([])
  })

  it('of an empty file make an empty summary', async () => {
    const { summary } = await replayed(captureFile([]))
    expect(summary).toMatchObject({ frames: 0, elapsed_ms: 0, exchanges: {}, books: [] })
  })
})
