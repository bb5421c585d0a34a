/** What the soak calls flat: a leak is told from noise and from a slow wave. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Sample, trendOf } from '../bench/soak/trend.ts'

const EVERY_MS = 5_000
const HOUR_MS = 3_600_000

/** 25 minutes of samples, as a soak of 30 has them. */
function samples(mb: (hours: number, i: number) => number, count = 300): Sample[] {
  return Array.from({ length: count }, (_, i) => {
    const at_ms = i * EVERY_MS
    return { at_ms, mb: mb(at_ms / HOUR_MS, i) }
  })
}

/** The same every time. */
function noise(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 31 - 1
  }
}

describe('the trend of what a process holds', () => {
  it('finds the slope of a line, whatever it is', () => {
    const slopes = fc.double({ min: -500, max: 500, noNaN: true })
    const starts = fc.double({ min: 50, max: 1_000, noNaN: true })
    fc.assert(
      fc.property(slopes, starts, (slope, start) => {
        const trend = trendOf(samples((hours) => start + slope * hours))
        expect(trend.slope_mb_per_hour).toBeCloseTo(slope, 6)
      }),
    )
  })

  it('calls noise flat, in at least 19 of 20 runs', () => {
    let wrong = 0
    for (let seed = 0; seed < 400; seed++) {
      const random = noise(seed)
      if (trendOf(samples(() => 200 + 8 * random())).verdict !== 'flat') wrong++
    }
    expect(wrong).toBeLessThanOrEqual(20)
  })

  it('calls a slow wave flat that comes back', () => {
    const wave = samples((hours) => 200 + 6 * Math.sin(hours * 2 * Math.PI * 4))
    expect(trendOf(wave).verdict).toBe('flat')
  })

  it('finds a leak of 20 MB an hour under noise of 8 MB', () => {
    for (let seed = 0; seed < 50; seed++) {
      const random = noise(seed)
      const leak = samples((hours) => 200 + 20 * hours + 8 * random())
      expect(trendOf(leak).verdict, String(seed)).toBe('growing')
    }
  })

  it('calls what falls shrinking, and too little too short', () => {
    expect(trendOf(samples((hours) => 300 - 50 * hours)).verdict).toBe('shrinking')
    const few = trendOf(samples(() => 100, 10))
    expect(few).toMatchObject({ verdict: 'too short', first_mb: 100, last_mb: 100 })
    expect(trendOf([]).verdict).toBe('too short')
  })

  it('tells the medians of the first and the last quarter', () => {
    const trend = trendOf(samples((_, i) => i))
    expect(trend.first_mb).toBe(37)
    expect(trend.last_mb).toBe(262)
  })
})
