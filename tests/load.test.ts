/** The load bench's own promise at small scale: after a burst every book is exact, or it says which is not. */
import { describe, expect, it } from 'vitest'
import { difference } from '../bench/load/exact.ts'
import { parseMetrics, quantile, sum } from '../bench/load/prometheus.ts'
import { runLoad } from '../bench/load/run.ts'
import { exchanges } from '../workers/exchanges/index.ts'

describe('the worker under a burst', () => {
  it('ends with books that equal the market, level by level', async () => {
    const phases: string[] = []
    const result = await runLoad({
      seed: 11,
      symbols: 3,
      rate: 4,
      burst_factor: 5,
      settle_seconds: 0,
      steady_seconds: 2,
      burst_seconds: 3,
      onPhase: (phase) => phases.push(phase),
    })
    const { comparison, markets, steady, burst } = result
    expect(comparison.wrong).toEqual([])
    expect(comparison.books).toBe(Object.values(markets).reduce((sum, count) => sum + count, 0))
    expect(Object.keys(markets).sort()).toEqual(exchanges.map(({ id }) => id).sort())
    expect(comparison.levels).toBeGreaterThan(comparison.books * 50)
    expect(burst.frames_received).toBeGreaterThan(steady.frames_received)
    expect(phases).toEqual(['start', 'settle', 'steady', 'burst', 'compare'])
  })
})

describe('the comparison of two books', () => {
  const truth = {
    bids: [
      ['10.50', '1.00'],
      ['10.40', '2.00'],
    ],
    asks: [['10.60', '3.00']],
  } as const
  const live = { state: 'live', ...truth } as const

  it('finds nothing wrong with the same numbers, however many zeros follow', () => {
    expect(difference(truth, live)).toBeNull()
    const bids = [
      ['10.5', '1'],
      ['10.40000000', '2.0'],
    ] as const
    expect(difference(truth, { ...live, bids })).toBeNull()
  })

  it.each([
    ['a price', { bids: [['10.51', '1.00'], truth.bids[1]] }, 'bids[0]'],
    ['a size', { asks: [['10.60', '3.01']] }, 'asks[0]'],
    ['a level too few', { bids: [truth.bids[0]] }, 'bids[1] is missing'],
    ['a level too many', { asks: [...truth.asks, ['10.70', '1.00']] }, 'asks has 1 more'],
    ['a level where there should be none', { asks: [] }, 'asks[0] is missing'],
    ['its state', { state: 'stale' }, 'stale'],
  ] as const)('names what is wrong: %s', (_what, change, named) => {
    expect(difference(truth, { ...live, ...change })).toContain(named)
  })

  it('misses a book that the worker does not watch', () => {
    expect(difference(truth, undefined)).toContain('does not watch')
  })
})

describe('two scrapes', () => {
  const scrape = (a: number, b: number, more: number, every: number) =>
    parseMetrics(`# HELP frames Frames.
frames{exchange="a",kind="x \\"y\\""} ${a}
frames{exchange="b"} ${b}
late_bucket{le="0.1"} ${more}
late_bucket{le="0.2"} ${every}
late_bucket{le="+Inf"} ${every}
late_sum 3.5e-2
`)

  it('are summed by name and label', () => {
    const samples = scrape(1, 2, 0, 0)
    expect(sum(samples, 'frames')).toBe(3)
    expect(sum(samples, 'frames', { exchange: 'b' })).toBe(2)
    expect(sum(samples, 'frames', { kind: 'x \\"y\\"' })).toBe(1)
    expect(sum(samples, 'late_sum')).toBe(0.035)
    expect(sum(samples, 'nothing')).toBe(0)
  })

  it('give the quantiles of what happened between them', () => {
    const before = scrape(0, 0, 100, 100)
    expect(quantile(before, scrape(0, 0, 110, 120), 'late', 0.5)).toBeCloseTo(0.1)
    expect(quantile(before, scrape(0, 0, 110, 120), 'late', 0.75)).toBeCloseTo(0.15)
    expect(quantile(before, before, 'late', 0.5)).toBeNull()
    const beyond = parseMetrics('late_bucket{le="0.1"} 0\nlate_bucket{le="+Inf"} 4')
    expect(quantile([], beyond, 'late', 0.99)).toBe(0.1)
  })
})
