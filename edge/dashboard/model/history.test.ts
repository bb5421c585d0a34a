import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stats } from '../testing/examples.ts'
import {
  HOUR_MS,
  hourBins,
  lifetimes,
  partBins,
  partsOf,
  queryOf,
  RANGES,
  rangeOf,
  spanOf,
} from './history.ts'

const NOON_MS = Date.parse('2026-10-01T12:00:00.000Z')
describe('a range', () => {
  it('is the one of the address, else a day', () => {
    expect(rangeOf(new URLSearchParams('range=7d')).id).toBe('7d')
    expect(rangeOf(new URLSearchParams('range=x')).id).toBe('24h')
  })

  it('is asked for with the filters that are set', () => {
    const [hour] = RANGES
    const span = spanOf(hour, NOON_MS)
    expect(span).toEqual({ from_ms: NOON_MS - HOUR_MS, to_ms: NOON_MS })
    const query = queryOf({ symbol: 'BTC/USDT', min_volume_usd: '5' }, span)
    expect(Object.fromEntries(query)).toEqual({
      symbol: 'BTC/USDT',
      min_volume_usd: '5',
      from: '2026-10-01T11:00:00.000Z',
      to: '2026-10-01T12:00:00.000Z',
    })
  })
})

describe('counts over time', () => {
  it('splits a span at round times into parts that are the whole', () => {
    const minutes = (from: number, to: number) => ({ from_ms: from * 60_000, to_ms: to * 60_000 })
    expect(partsOf(minutes(3, 12), 300_000)).toEqual([
      minutes(3, 5),
      minutes(5, 10),
      minutes(10, 12),
    ])
    expect(partsOf(spanOf(RANGES[0], NOON_MS), RANGES[0].bin_ms)).toHaveLength(12)
  })

  it('makes a bin of the sum of each part', () => {
    const sums = [stats([5, 2], NOON_MS + 90_000), stats([], NOON_MS + 300_000)]
    expect(partBins(sums, 300_000)).toEqual([
      { from_ms: NOON_MS - 24 * HOUR_MS, count: 7, median_percent: '0.8123' },
      { from_ms: NOON_MS - 24 * HOUR_MS + 300_000, count: 0, median_percent: null },
    ])
  })

  it('fills the hours in which nothing was, the broken first one included', () => {
    const rows = [{ hour: '2026-10-01T11:00:00.000Z', count: 7, median_profit_percent: '0.7' }]
    const bins = hourBins(rows, { from_ms: NOON_MS - HOUR_MS - 60_000, to_ms: NOON_MS })
    expect(bins.map(({ count }) => count)).toEqual([0, 7])
  })
})

describe('lifetimes', () => {
  it('count everybody exactly once', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 200_000 })), (durations) => {
        const bins = lifetimes(durations.map((duration_ms) => ({ duration_ms })))
        expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(durations.length)
        for (const { from_ms, below_ms, count } of bins) {
          const inside = durations.filter((ms) => ms >= from_ms && ms < (below_ms ?? Infinity))
          expect(count).toBe(inside.length)
        }
      }),
    )
  })

  it('leave out what still lives', () => {
    expect(lifetimes([{ duration_ms: null }]).every(({ count }) => count === 0)).toBe(true)
  })
})
