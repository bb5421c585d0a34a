import { describe, expect, it } from 'vitest'
import { crossDisplacementSchedule } from './cross-displacement.ts'
import { listings } from './listings.ts'
import { createRandom } from './random.ts'
import { FOUR } from './testing.ts'

const LISTED = listings(12, FOUR)
const venue = { best_bid: 1, best_ask: 1, fair: 1 }

function tears(frequency: number, duration_ms: number) {
  const schedule = crossDisplacementSchedule(LISTED, createRandom(5), frequency)
  const open = new Map<number, { from_ms: number; factor: number }>()
  const done: { market: number; length_ms: number; factor: number }[] = []
  for (let time_ms = 0; time_ms < duration_ms; time_ms += 5) {
    for (const { market, displacement } of schedule(time_ms, () => venue)) {
      const known = open.get(market)
      if (displacement) {
        expect(known).toBeUndefined()
        open.set(market, { from_ms: time_ms, factor: displacement.factor })
      } else {
        done.push({ market, length_ms: time_ms - known!.from_ms, factor: known!.factor })
        open.delete(market)
      }
    }
  }
  return done
}

describe('crossDisplacementSchedule', () => {
  const found = tears(1, 3_600_000)

  it('tears stablecoins and crosses, never a coin in a money', () => {
    const symbols = new Set(found.map(({ market }) => LISTED[market]!.symbol))
    expect([...symbols]).toEqual(expect.arrayContaining(['USDT/USD', 'USDC/USDT', 'ETH/BTC']))
    for (const symbol of symbols) expect(symbol).toMatch(/^(USDT|USDC|EUR)\/|\/(BTC|ETH)$/)
  })

  it('lasts from 20 ms to 3 s, every few seconds, and as much oftener as it is told', () => {
    const lengths = found.map(({ length_ms }) => length_ms).sort((a, b) => a - b)
    expect(lengths[0]).toBeLessThan(40)
    expect(lengths[0]).toBeGreaterThanOrEqual(20)
    expect(lengths.at(-1)).toBeGreaterThan(2_000)
    expect(lengths.at(-1)).toBeLessThanOrEqual(3_005)
    expect(3_600_000 / found.length).toBeGreaterThan(5_000)
    expect(3_600_000 / found.length).toBeLessThan(7_500)
    expect(tears(3, 3_600_000).length / found.length).toBeGreaterThan(2.5)
  })

  it('goes up and down by more than fees, from barely to amply', () => {
    const sizes = found.map(({ factor }) => Math.abs(Math.log(factor)))
    expect(Math.min(...sizes)).toBeLessThan(0.008)
    expect(Math.max(...sizes)).toBeGreaterThan(0.02)
    expect(Math.max(...sizes)).toBeLessThan(0.04)
    expect(found.filter(({ factor }) => factor > 1).length / found.length).toBeCloseTo(0.5, 1)
  })
})
