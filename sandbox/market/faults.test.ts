import { describe, expect, it } from 'vitest'
import { baseCoin } from './chain.ts'
import { parseFault, withFaults } from './faults.ts'
import { listings } from './listings.ts'
import { createMarketModel } from './model.ts'
import { FOUR } from './testing.ts'
import { createTruth } from './truth.ts'

const START_MS = 1_790_000_000_000

describe('listing faults', () => {
  it('make an asset of one exchange another coin, at another price', () => {
    const before = listings(12, FOUR)
    const after = withFaults(before, [parseFault('stranger bybit ADA 1.3')])
    for (const [index, listing] of after.entries()) {
      const was = before[index]!
      const is_strange = listing.exchange === 'bybit' && listing.base === 'ADA'
      expect(baseCoin(listing) === baseCoin(was)).toBe(!is_strange)
      expect(listing.base_usd / was.base_usd).toBeCloseTo(is_strange ? 1.3 : 1, 9)
      expect(listing.symbol).toBe(was.symbol)
    }
  })

  it('make a unit a thousand coins without saying so', () => {
    const after = withFaults(listings(12, FOUR), [parseFault('unit kraken DOT 1000')])
    const faulty = after.filter((one) => one.exchange === 'kraken' && one.base === 'DOT')
    expect(faulty.length).toBeGreaterThan(0)
    for (const one of faulty) {
      expect(one).toMatchObject({ coin: 'DOT', units: 1_000, symbol: one.symbol })
      expect(one.base_usd).toBeCloseTo(6_120, 6)
    }
  })

  it('refuse what they do not understand and what nobody lists', () => {
    for (const bad of [
      '',
      'stranger bybit ADA',
      'unit kraken DOT 30',
      'thief a b 1',
      'unit a b 0',
    ]) {
      expect(() => parseFault(bad)).toThrow(RangeError)
    }
    expect(() => withFaults(listings(2, FOUR), [parseFault('stranger bybit XYZ 2')])).toThrow('XYZ')
  })

  it('make no gap that is true: strangers are not compared, units are', { timeout: 60_000 }, () => {
    const faults = ['stranger bybit ADA 1.3', 'stranger kraken SOL 1000', 'unit kraken DOT 1000']
    const model = createMarketModel({
      exchanges: FOUR,
      seed: 2,
      symbols: 12,
      rate: 1,
      tears: 3,
      faults: faults.map(parseFault),
    })
    const lines: { legs: { exchange: string; symbol: string }[]; profit_percent: string }[] = []
    const write = (line: string) => lines.push(JSON.parse(line))
    const truth = createTruth({ model, min_percent: 0.5, min_volume_usd: 1_000, write })
    for (let at = 0; at < 60_000; at += 20) {
      model.step(START_MS + at)
      truth.afterStep(START_MS + at)
    }
    truth.close(START_MS + 60_000)
    expect(lines.length).toBeGreaterThan(20)
    for (const { legs, profit_percent } of lines) {
      expect(Number(profit_percent)).toBeLessThan(10)
      const strange = (base: string, exchange: string) =>
        legs.filter((leg) => leg.exchange === exchange && leg.symbol.startsWith(`${base}/`)).length
      // a stranger may be traded against itself on its own exchange, never against its namesake
      for (const [base, exchange] of [
        ['ADA', 'bybit'],
        ['SOL', 'kraken'],
      ] as const) {
        const all = legs.filter(({ symbol }) => symbol.startsWith(`${base}/`)).length
        const own = strange(base, exchange)
        expect([own, all - own]).not.toContain(1)
      }
    }
  })
})
