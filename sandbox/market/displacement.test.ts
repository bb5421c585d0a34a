import { describe, expect, it } from 'vitest'
import { displacementSchedule, type Move, type Venue } from './displacement.ts'
import { listings } from './listings.ts'
import { createRandom } from './random.ts'
import { FOUR } from './testing.ts'

const LISTED = listings(24, FOUR)
const agreeing: Venue = { best_bid: 99.99, best_ask: 100.01, fair: 100 }

interface Tear {
  market: number
  from_ms: number
  to_ms: number
  factor: number
  direction: 'up' | 'down'
}

function tears(seed: number, duration_ms: number): Tear[] {
  const schedule = displacementSchedule(LISTED, createRandom(seed), 1)
  const open = new Map<number, Omit<Tear, 'to_ms'>>()
  const done: Tear[] = []
  const follow = (time_ms: number, { market, displacement }: Move) => {
    const known = open.get(market)
    if (displacement) {
      expect(known).toBeUndefined()
      open.set(market, { market, from_ms: time_ms, ...displacement })
    } else {
      done.push({ ...known!, to_ms: time_ms })
      open.delete(market)
    }
  }
  for (let time_ms = 0; time_ms < duration_ms; time_ms += 5) {
    for (const move of schedule(time_ms, () => agreeing)) follow(time_ms, move)
  }
  return done
}

describe('displacementSchedule', () => {
  const found = tears(1, 3_600_000)

  it('tears the market every few seconds, for 80 ms to 4 s each', () => {
    expect(3_600_000 / found.length).toBeGreaterThan(3_000)
    expect(3_600_000 / found.length).toBeLessThan(6_000)
    const lengths = found.map(({ from_ms, to_ms }) => to_ms - from_ms).sort((a, b) => a - b)
    expect(lengths[0]).toBeGreaterThanOrEqual(80)
    expect(lengths.at(-1)).toBeLessThanOrEqual(4_005)
    expect(found[0]!.from_ms).toBeLessThanOrEqual(3_000)
  })

  it('never tears one coin in two places at a time', () => {
    const ordered = found.toSorted((a, b) => a.from_ms - b.from_ms)
    const until = new Map<string, number>()
    for (const { market, from_ms, to_ms } of ordered) {
      const { base } = LISTED[market]!
      expect(from_ms).toBeGreaterThan(until.get(base) ?? -1)
      until.set(base, to_ms)
    }
  })

  it('moves up as often as down, on every exchange, but no stablecoin and no cross', () => {
    const up = found.filter(({ direction }) => direction === 'up').length
    expect(up / found.length).toBeCloseTo(0.5, 1)
    const places = found.map(({ market }) => LISTED[market]!)
    expect(new Set(places.map(({ exchange }) => exchange)).size).toBe(4)
    expect(new Set(places.map(({ quote }) => quote))).toEqual(new Set(['USDT', 'USD']))
    expect(places.some(({ base }) => base === 'USDT')).toBe(false)
  })

  it('leaves each partner clearly profitable or clearly not, and the best one below 3 %', () => {
    for (const { market, factor, direction } of found) {
      const own = LISTED[market]!
      const partners = LISTED.filter((m) => m.symbol === own.symbol && m.exchange !== own.exchange)
      const profits = partners.map((partner) => {
        const [sold, bought] = direction === 'up' ? [100 * factor, 100.01] : [99.99, 100 * factor]
        const fees = [own, partner].map((m) => 1 - Number(m.taker_fee_percent) / 100)
        return (sold / bought) * fees[0]! * fees[1]! - 1
      })
      const best = Math.max(...profits)
      expect(best).toBeGreaterThan(0.0074)
      expect(best).toBeLessThan(0.0291)
      for (const profit of profits) expect(profit < 0.0036 || profit > 0.0074).toBe(true)
    }
  })
})
