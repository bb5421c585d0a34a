import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expired, opportunity } from '../testing/examples.ts'
import {
  fineBins,
  HOUR_MS,
  hourBins,
  lifetimes,
  queryOf,
  RANGES,
  rangeOf,
  spanOf,
} from './history.ts'

const NOON_MS = Date.parse('2026-10-01T12:00:00.000Z')
const past = (minute: number, profit_percent: string, duration_ms = 800) =>
  expired(
    opportunity({
      detected_at: new Date(NOON_MS + minute * 60_000 + 5_000).toISOString(),
      profit_percent,
    }),
    'closed',
    duration_ms,
  )

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
  it('has a bin for every minute, and medians that occurred', () => {
    const span = { from_ms: NOON_MS, to_ms: NOON_MS + 4 * 60_000 }
    const made = [past(0, '0.5'), past(2, '0.9'), past(2, '0.6'), past(2, '10'), past(9, '1')]
    expect(fineBins(made, span, 60_000)).toEqual([
      { from_ms: NOON_MS, count: 1, median_percent: '0.5' },
      { from_ms: NOON_MS + 60_000, count: 0, median_percent: null },
      { from_ms: NOON_MS + 120_000, count: 3, median_percent: '0.9' },
      { from_ms: NOON_MS + 180_000, count: 0, median_percent: null },
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
