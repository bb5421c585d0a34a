/** Recorded frames of the real exchanges through the intake, where the recordings are at hand. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { exchanges } from '../exchanges/index.ts'
import { Bench } from './testing.ts'

const FOLDER = join(import.meta.dirname, '../../../shared/captures')
/** enough of a long recording to cross hundreds of updates, and little enough for every test run */
const MOST_LINES = 12_000

interface CaptureLine {
  readonly ts: number | null
  readonly url: string
  readonly dir: string
  readonly raw: string
}

function capture(file: string): CaptureLine[] {
  const bytes = readFileSync(join(FOLDER, file))
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.slice(0, MOST_LINES).map((line) => JSON.parse(line) as CaptureLine)
}

function replay(id: string, file: string, markets: readonly string[]) {
  const exchange = exchanges.find((candidate) => candidate.id === id)!
  const bench = new Bench(exchange, markets)
  let crossed = 0
  for (const [index, { ts, url, dir, raw }] of capture(file).entries()) {
    bench.now_ms = ts ?? index
    if (dir === 'in') bench.frame(raw)
    const market = /\/depth\?symbol=(\w+)/.exec(url)?.[1]
    const lane = bench.lanes.find((candidate) => candidate.market === market)
    if (dir === 'http' && lane !== undefined) bench.intake.snapshot(lane, raw, bench.now_ms)
    if (bench.lanes.some(({ entry }) => entry.book.crossed)) crossed++
    bench.intake.sweep(bench.now_ms)
  }
  return { bench, crossed, counters: bench.intake.counters, lost: bench.said.lost }
}

describe.skipIf(!existsSync(FOLDER))('recordings', () => {
  it.each([
    'kraken-spot-v2-book-btcusd.resub.cb20260801.jsonl',
    'kraken-spot-v2-book-btcusd.sample.cb20260802.jsonl',
    'kraken-spot-v2-book10-btcusd.pks2023.jsonl',
  ])('Kraken %s: every checksum holds', (file) => {
    const checksums = capture(file).filter(({ raw }) => raw.includes('"checksum"')).length
    expect(checksums).toBeGreaterThan(100)
    const { counters, lost, bench } = replay('kraken', file, ['BTC/USD'])
    expect(counters).toMatchObject({ checksums_ok: checksums, checksums_failed: 0, errors: 0 })
    expect(lost).toEqual([])
    expect(bench.entry.state).toBe('live')
  })

  it.each([
    ['binance-spot-combined-btcusdt.hft20240808.jsonl.gz', ['BTCUSDT']],
    ['binance-spot-combined.cf20211012.jsonl.gz', ['BLZETH', 'NKNUSDT']],
  ])('Binance %s: bridged from the REST snapshots without a gap', (file, markets) => {
    const { counters, lost, crossed, bench } = replay('binance', file, markets)
    expect(counters).toMatchObject({ gaps: 0, errors: 0, snapshots: markets.length })
    expect(counters.updates).toBeGreaterThan(100)
    expect(lost).toEqual([])
    expect(crossed).toBe(0)
    expect(bench.lanes.map(({ entry }) => entry.state)).toEqual(markets.map(() => 'live'))
  })

  it('Coinbase level2: whole books and their changes, never crossed', () => {
    const { counters, lost, crossed, bench } = replay(
      'coinbase',
      'coinbase-spot-level2-ticker-matches.cf20210417.jsonl.gz',
      ['SKL-USD', 'SKL-BTC', 'CRV-EUR', 'NMR-EUR', 'BAND-BTC'],
    )
    expect(counters).toMatchObject({ gaps: 0, errors: 0, snapshots: 5, updates: 6471 })
    expect(lost).toEqual([])
    expect(crossed).toBe(0)
    expect(bench.lanes.map(({ entry }) => entry.state)).toEqual(Array(5).fill('live'))
  })

  it('Bybit orderbook.500: increments without a gap', () => {
    const { counters, lost, bench } = replay(
      'bybit',
      'bybit-linear-v5-orderbook500-xrpusdt.nt20241201.jsonl',
      ['XRPUSDT'],
    )
    expect(counters).toMatchObject({ gaps: 0, errors: 0 })
    expect(counters.updates).toBeGreaterThan(10)
    expect(lost).toEqual([])
    expect(bench.entry.state).toBe('live')
  })
})
