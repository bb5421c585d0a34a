/** How late frames arrive, whatever the exchange's clock says. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BEHIND_MS, Transit, TransitFloor } from './transit.ts'

const SKEW_MS = 1_700_000_000_000

/** A connection whose frames take `delays_ms` on their way, one every 100 ms. */
function follow(transit: Transit, delays_ms: readonly number[], start_ms = 0, skew_ms = SKEW_MS) {
  return delays_ms.map((delay_ms, i) => {
    const sent_ms = start_ms + i * 100
    transit.observe(sent_ms + skew_ms, sent_ms + delay_ms)
    return transit.lag_ms
  })
}

const steady = (count: number) => Array.from({ length: count }, () => 20)

describe('Transit', () => {
  it('is the time over the quickest frame, not the time itself', () => {
    const transit = new Transit(new TransitFloor())
    expect(follow(transit, [25, 20, 120, 20])).toEqual([0, 0, 100, 0])
  })

  it('is behind while a backlog is read, and no longer when it is read', () => {
    const transit = new Transit(new TransitFloor())
    follow(transit, steady(50))
    const behind: boolean[] = []
    // frames sent over two seconds are all read at once
    for (let sent_ms = 5_000; sent_ms <= 7_000; sent_ms += 100) {
      transit.observe(sent_ms + SKEW_MS, 7_020)
      behind.push(transit.behind)
    }
    expect(behind.indexOf(false)).toBe(15)
    expect(behind.lastIndexOf(true)).toBe(14)
    expect(transit.lag_ms).toBe(0)
    expect(transit.behind_since_ms).toBeNaN()
  })

  it('knows since when', () => {
    const transit = new Transit(new TransitFloor())
    follow(transit, steady(10))
    follow(transit, [3_000, 3_000, 3_000], 1_000)
    expect(transit.behind_since_ms).toBe(4_000)
  })

  it('says the same whatever the exchange’s clock is wrong by, and whenever it is set', () => {
    const delays = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 20, maxLength: 60 })
    const shifts = fc.array(
      fc.record({ at: fc.nat(59), by_ms: fc.constantFrom(-30_000, 30_000) }),
      { maxLength: 4 },
    )
    fc.assert(
      fc.property(delays, shifts, (all, sets) => {
        const plain = new Transit(new TransitFloor())
        const bent = new Transit(new TransitFloor())
        let skew_ms = SKEW_MS
        for (const [i, delay_ms] of all.entries()) {
          for (const { at, by_ms } of sets) if (at === i) skew_ms += by_ms
          follow(plain, [delay_ms], i * 1_000)
          follow(bent, [delay_ms], i * 1_000, skew_ms)
          expect(bent.behind).toBe(plain.behind)
        }
      }),
    )
  })

  it('takes a delay that lasts for how it is now, after a minute or two', () => {
    const transit = new Transit(new TransitFloor())
    follow(transit, steady(100))
    const lags = follow(
      transit,
      Array.from({ length: 1_500 }, () => 1_020),
      10_000,
    )
    expect(lags[500]).toBe(1_000)
    expect(lags.at(-1)).toBe(0)
  })

  it('judges a new connection by the frames of the one before it', () => {
    const floor = new TransitFloor()
    follow(new Transit(floor), steady(10))
    const [lag_ms] = follow(new Transit(floor), [2_020], 1_000)
    expect(lag_ms).toBe(2_000)
  })

  it('ignores frames without a time', () => {
    const transit = new Transit(new TransitFloor())
    follow(transit, steady(2))
    transit.observe(Number.NaN, 99_999)
    expect(transit.lag_ms).toBeLessThan(BEHIND_MS)
  })
})
