import { describe, expect, it } from 'vitest'
import { listings } from './listings.ts'
import { FairPrices } from './prices.ts'
import { createRandom } from './random.ts'
import { FOUR } from './testing.ts'

function returnsOf(assets: readonly string[], steps: number): number[][] {
  const prices = new FairPrices(listings(24, FOUR), createRandom(3))
  const series: number[][] = assets.map(() => [])
  let last = assets.map((asset) => prices.usdPrice(asset))
  for (let step = 0; step < steps; step++) {
    prices.advance(1_000)
    const now = assets.map((asset) => prices.usdPrice(asset))
    now.forEach((price, index) => {
      series[index]!.push(Math.log(price / last[index]!))
    })
    last = now
  }
  return series
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, index) => sum + value * y[index]!, 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}

describe('FairPrices', () => {
  it('moves coins together, but not in step, and the stablecoin by itself', () => {
    const [bitcoin, ether, tether] = returnsOf(['BTC', 'ETH', 'USDT'], 10_000)
    expect(correlation(bitcoin!, ether!)).toBeGreaterThan(0.25)
    expect(correlation(bitcoin!, ether!)).toBeLessThan(0.9)
    expect(Math.abs(correlation(bitcoin!, tether!))).toBeLessThan(0.05)
  })

  it('keeps every price plausible for months, in steps of any length', () => {
    const prices = new FairPrices(listings(24, FOUR), createRandom(4))
    for (let hour = 0; hour < 24 * 90; hour++) {
      prices.advance(3_600_000)
      expect(Math.abs(prices.usdPrice('BTC') / 63_400 - 1)).toBeLessThan(0.1)
      expect(Math.abs(prices.usdPrice('USDT') - 1)).toBeLessThan(0.003)
    }
  })

  it('takes a dollar for a dollar and refuses an asset that nobody lists', () => {
    const prices = new FairPrices(listings(2, FOUR), createRandom(5))
    expect(prices.usdPrice('USD')).toBe(1)
    expect(() => prices.usdPrice('SOL')).toThrow('SOL')
  })
})
