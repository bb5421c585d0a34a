import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decimal, format } from '../../shared/decimal.ts'
import type { Level } from './source.ts'
import { type Leg, walk } from './walk.ts'

/**
 * The definition, level by level and lot by lot: the largest size at every lot of which the next
 * sliver of base still earns something and the average still reaches the bound.
 */
function oracle(buy: Leg, sell: Leg, min_percent: number) {
  const keep = (leg: Leg) => 1000n - BigInt(Math.round(Number(leg.market.taker_fee_percent) * 10))
  const [keepBuy, keepSell] = [keep(buy), keep(sell)]
  const coarse = Math.min(buy.market.size_decimals, sell.market.size_decimals)
  const fine = Math.max(buy.market.size_decimals, sell.market.size_decimals)
  const prices = Math.max(buy.market.price_decimals, sell.market.price_decimals)
  // A sliver is a thousandth of a thousandth of the finer lot: no fee can split it.
  const slivers = (leg: Leg, level: Level) =>
    BigInt(level.size) * 10n ** BigInt(fine - leg.market.size_decimals) * 1_000_000n
  const ticks = (leg: Leg, level: Level) =>
    BigInt(level.price) * 10n ** BigInt(prices - leg.market.price_decimals)
  const cost = (leg: Leg, amount: bigint): { total: bigint; last: bigint } | undefined => {
    let left = amount
    let total = 0n
    for (const level of leg.levels) {
      const here = slivers(leg, level)
      if (left <= here) return { total: total + left * ticks(leg, level), last: ticks(leg, level) }
      left -= here
      total += here * ticks(leg, level)
    }
    return undefined
  }
  let found: { size: bigint; profit: number } | undefined
  const lot = 10n ** BigInt(fine - coarse)
  for (let size = lot; ; size += lot) {
    const paid = cost(buy, size * 1_000_000n)
    const received = cost(sell, size * 1_000n * keepBuy)
    if (!paid || !received) return found
    const earns = received.last * keepBuy * keepSell > paid.last * 1_000_000n
    const [out, least] = [received.total * keepSell, paid.total * BigInt(1000 + min_percent * 10)]
    const enough = out >= least
    if (!earns || !enough) return found
    found = { size, profit: Number(received.total * keepSell) / Number(paid.total * 1_000n) - 1 }
  }
}

function side(direction: 1 | -1): fc.Arbitrary<Level[]> {
  const level = fc.record({
    step: fc.integer({ min: 1, max: 6 }),
    size: fc.integer({ min: 1, max: 40 }),
  })
  return fc
    .tuple(fc.integer({ min: 980, max: 1020 }), fc.array(level, { maxLength: 5 }))
    .map(([start, steps]) => {
      let price = start
      return steps.map(({ step, size }) => {
        price += direction * step
        return { price, size }
      })
    })
}

function leg(direction: 1 | -1): fc.Arbitrary<Leg> {
  const fee = fc.constantFrom('0', '0.1', '0.6', '0.8')
  return fc.record({
    market: fc.record({
      price_decimals: fc.constant(2),
      size_decimals: fc.integer({ min: 0, max: 1 }),
      taker_fee_percent: fee,
    }),
    levels: side(direction),
  })
}

const terms = (taker_fee_percent: string) => ({
  price_decimals: 2,
  size_decimals: 3,
  taker_fee_percent,
})

describe('walk', () => {
  it('agrees with the definition on random books', () => {
    const bound = fc.constantFrom(0, 0.1, 0.5, 1, 2)
    fc.assert(
      fc.property(leg(1), leg(-1), bound, (buy, sell, min_percent) => {
        const taken = walk(buy, sell, decimal(String(min_percent)))
        const expected = oracle(buy, sell, min_percent)
        expect(taken === undefined).toBe(expected === undefined)
        if (!taken || !expected) return
        const fine = Math.max(buy.market.size_decimals, sell.market.size_decimals)
        expect(format(taken.base_size)).toBe(format({ mantissa: expected.size, scale: fine }))
        const percent = Number(taken.profit_percent)
        expect(Math.abs(percent - expected.profit * 100)).toBeLessThan(0.000101)
        expect(percent).toBeGreaterThanOrEqual(min_percent)
      }),
      { numRuns: 2_000 },
    )
  })

  it('takes each fee from the asset received', () => {
    const buy = { market: terms('0.1'), levels: [{ price: 10_000, size: 1_000 }] }
    const sell = { market: terms('0.2'), levels: [{ price: 10_200, size: 9_000 }] }
    const taken = walk(buy, sell, decimal('0.5'))
    // 1 base for 100; 0.999 arrives and sells for 101.898; 101.694204 is left.
    expect(format(taken!.base_size)).toBe('1')
    expect(format(taken!.amount_in)).toBe('100')
    expect(taken!.profit_percent).toBe('1.6942')
  })

  it('stops where the average would fall below the bound, not where profit ends', () => {
    const buy = { market: terms('0'), levels: [{ price: 10_000, size: 100_000 }] }
    const levels = [
      { price: 10_100, size: 10_000 },
      { price: 10_010, size: 100_000 },
    ]
    const taken = walk(buy, { market: terms('0'), levels }, decimal('0.5'))
    // 10 earn 1 %, the next 12.5 earn 0.1 %: together 0.5 %.
    expect(format(taken!.base_size)).toBe('22.5')
    expect(taken!.profit_percent).toBe('0.5000')
  })

  it('counts a bound that is met exactly', () => {
    const buy = { market: terms('0'), levels: [{ price: 10_000, size: 5 }] }
    const sell = { market: terms('0'), levels: [{ price: 10_050, size: 5 }] }
    expect(walk(buy, sell, decimal('0.5'))?.profit_percent).toBe('0.5000')
    expect(walk(buy, sell, decimal('0.5001'))).toBeUndefined()
  })

  it('finds nothing in an empty side or without a whole lot', () => {
    const buy = { market: terms('0'), levels: [{ price: 10_000, size: 5 }] }
    const sell = { market: terms('0'), levels: [{ price: 11_000, size: 5 }] }
    expect(walk({ ...buy, levels: [] }, sell, decimal('0'))).toBeUndefined()
    expect(walk(buy, { ...sell, levels: [] }, decimal('0'))).toBeUndefined()
    const coarse = { ...sell, market: { ...sell.market, size_decimals: 0 } }
    expect(walk(buy, coarse, decimal('0'))).toBeUndefined()
  })
})
