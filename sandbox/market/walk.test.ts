import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Leg } from './chain.ts'
import { Side } from './side.ts'
import type { Level, SimulatedMarket } from './source.ts'
import { type Books, profitPercent, take } from './walk.ts'

interface Stand {
  readonly market: SimulatedMarket
  readonly side: Leg['side']
  /** best first: what the leg takes */
  readonly levels: readonly Level[]
}

function market(terms: Partial<SimulatedMarket>): SimulatedMarket {
  return {
    exchange: 'binance',
    base: 'ABC',
    quote: 'USD',
    symbol: 'ABC/USD',
    price_decimals: 2,
    size_decimals: 1,
    minimum_size: '0.1',
    minimum_notional: '0.01',
    taker_fee_percent: '0.1',
    ...terms,
  }
}

/** Books with one side filled a market, and the chain through all of them. */
function chain(stands: readonly Stand[]): { books: Books; legs: Leg[] } {
  const empty = { bid: new Side('bid'), ask: new Side('ask') }
  const sides = stands.map(({ side, levels }) => {
    const taken = new Side(side === 'buy' ? 'ask' : 'bid')
    for (const { price, size } of levels) taken.set(price, size)
    return taken
  })
  return {
    books: {
      markets: stands.map((stand) => stand.market),
      side: (index, name) => (sides[index]?.name === name ? sides[index] : empty[name]),
    },
    legs: stands.map(({ side }, index) => ({ market: index, side })),
  }
}

/** numerator / denominator, never rounded */
type Exact = readonly [bigint, bigint]
const times = ([a, b]: Exact, [c, d]: Exact): Exact => [a * c, b * d]
const plus = ([a, b]: Exact, [c, d]: Exact): Exact => [a * d + c * b, b * d]
const asNumber = ([a, b]: Exact) => Number((a * 10n ** 18n) / b) / 1e18
const power = (decimals: number): bigint => 10n ** BigInt(decimals)
const exact = (text: string): Exact => {
  const [whole = '', fraction = ''] = text.split('.')
  return [BigInt(whole + fraction), power(fraction.length)]
}

/** What one order of so many lots gives and brings, or undefined when the exchange refuses it. */
function fill({ market: m, side, levels }: Stand, lots: bigint) {
  let [left, quote]: [bigint, bigint] = [lots, 0n]
  for (const { price, size } of levels) {
    const here = left < BigInt(size) ? left : BigInt(size)
    quote += here * BigInt(price)
    left -= here
  }
  if (left > 0n || lots <= 0n) return undefined
  const [minimum, per] = exact(m.minimum_size)
  if (lots * per < minimum * power(m.size_decimals)) return undefined
  const money: Exact = [quote, power(m.price_decimals + m.size_decimals)]
  const [notional, unit] = exact(m.minimum_notional)
  if (money[0] * unit < notional * money[1]) return undefined
  const coins: Exact = [lots * BigInt(m.units ?? 1), power(m.size_decimals)]
  const [fee, hundredths] = exact(m.taker_fee_percent)
  const kept: Exact = [hundredths * 100n - fee, hundredths * 100n]
  return side === 'buy'
    ? { given: money, received: times(coins, kept) }
    : { given: coins, received: times(money, kept) }
}

/** The most lots that `amount` pays for, counted one by one. */
function lotsFor(stand: Stand, [amount, per]: Exact): bigint {
  const { market: m, side, levels } = stand
  if (side === 'sell') return (amount * power(m.size_decimals)) / (per * BigInt(m.units ?? 1))
  let left = (amount * power(m.price_decimals + m.size_decimals)) / per
  let lots = 0n
  for (const { price, size } of levels) {
    const here = left / BigInt(price)
    if (here < BigInt(size)) return lots + here
    lots += BigInt(size)
    left -= BigInt(size) * BigInt(price)
  }
  return lots
}

function run(stands: readonly Stand[], first_lots: bigint) {
  let amount: Exact | undefined
  let given: Exact = [0n, 1n]
  for (const stand of stands) {
    const lots = amount === undefined ? first_lots : lotsFor(stand, amount)
    const filled = fill(stand, lots)
    if (filled === undefined) return undefined
    if (amount === undefined) given = filled.given
    amount = filled.received
  }
  return { given, received: amount ?? ([0n, 1n] as Exact) }
}

function keeps(given: Exact, received: Exact, min_percent: number): boolean {
  const [a, b] = times(given, [BigInt(Math.round(1_000 + min_percent * 10)), 1_000n])
  return received[0] * b >= a * received[1]
}

const stand: fc.Arbitrary<Stand> = fc
  .record({
    side: fc.constantFrom('buy' as const, 'sell' as const),
    size_decimals: fc.integer({ min: 0, max: 2 }),
    minimum_lots: fc.constantFrom(1, 1, 5),
    minimum_notional: fc.constantFrom('0', '0', '3.5'),
    taker_fee_percent: fc.constantFrom('0', '0.1', '0.6'),
    start: fc.integer({ min: 940, max: 1_060 }),
    steps: fc.array(
      fc.record({ step: fc.integer({ min: 1, max: 12 }), size: fc.integer({ min: 1, max: 400 }) }),
      { maxLength: 5 },
    ),
  })
  .map(({ side, minimum_lots, start, steps, size_decimals, ...terms }) => {
    let price = side === 'buy' ? start - 60 : start + 60
    const levels = steps.map(({ step, size }) => {
      price += side === 'buy' ? step : -step
      return { price, size: size * 10 ** size_decimals }
    })
    const minimum_size = (minimum_lots / 10 ** size_decimals).toFixed(size_decimals)
    return {
      market: market({ ...terms, price_decimals: 3, size_decimals, minimum_size }),
      side,
      levels,
    }
  })

describe('take', () => {
  it('gives what big integers give for the same orders, and nobody earns clearly more', () => {
    let found = 0
    fc.assert(
      fc.property(fc.array(stand, { minLength: 2, maxLength: 5 }), (stands) => {
        const { books, legs } = chain(stands)
        const taken = take(books, legs, 0.5)
        const deepest = (stands[0]?.levels ?? []).reduce((sum, { size }) => sum + size, 0)
        const step = Math.max(1, Math.floor(deepest / 300))
        let best = 0
        for (let lots = step; lots <= deepest; lots += step) {
          const done = run(stands, BigInt(lots))
          if (!done || !keeps(done.given, done.received, 0.5)) continue
          best = Math.max(best, asNumber(plus(done.received, [-done.given[0], done.given[1]])))
        }
        // prices are near one and a lot is at most one unit, which is lost at most once a leg
        const lots_lost = stands.length * 1.2
        if (taken === undefined) {
          expect(best).toBeLessThan(lots_lost)
          return
        }
        found++
        const again = run(stands, BigInt(taken.base_lots))
        expect(again).toBeDefined()
        const { given, received } = again!
        expect(asNumber(given)).toBeCloseTo(taken.amount_in, 8)
        expect(asNumber(received)).toBeCloseTo(taken.amount_out, 8)
        expect(keeps(given, received, 0.5)).toBe(true)
        expect(taken.amount_out - taken.amount_in).toBeGreaterThan(best * 0.95 - lots_lost)
      }),
      { numRuns: 1_500 },
    )
    expect(found).toBeGreaterThan(200)
  })

  it('takes the fee from what is received', () => {
    const { books, legs } = chain([
      { market: market({}), side: 'buy', levels: [{ price: 10_000, size: 10 }] },
      {
        market: market({ taker_fee_percent: '0.2', size_decimals: 3 }),
        side: 'sell',
        levels: [{ price: 10_200, size: 9_000 }],
      },
    ])
    // 1 base for 100; 0.999 arrives and sells for 101.898; 101.694204 is left
    expect(take(books, legs, 0.5)).toMatchObject({ base_lots: 10, amount_in: 100 })
    expect(take(books, legs, 0.5)?.amount_out).toBeCloseTo(101.694204, 10)
  })

  it('stops where the average would fall below the bound, not where profit ends', () => {
    const free = market({ taker_fee_percent: '0' })
    const { books, legs } = chain([
      { market: free, side: 'buy', levels: [{ price: 10_000, size: 1_000 }] },
      {
        market: free,
        side: 'sell',
        levels: [
          { price: 10_100, size: 100 },
          { price: 10_010, size: 1_000 },
        ],
      },
    ])
    // 10 earn 1 %, the next 12.5 earn 0.1 %: together 0.5 %
    expect(take(books, legs, 0.5)?.base_lots).toBe(225)
  })

  it('counts a bound that is met exactly', () => {
    const free = market({ taker_fee_percent: '0' })
    const { books, legs } = chain([
      { market: free, side: 'buy', levels: [{ price: 10_000, size: 50 }] },
      { market: free, side: 'sell', levels: [{ price: 10_050, size: 50 }] },
    ])
    expect(profitPercent(take(books, legs, 0.5)!)).toBeCloseTo(0.5, 10)
    expect(take(books, legs, 0.5001)).toBeUndefined()
  })

  it('counts coins, not units: a thousand of one market are one of the other', () => {
    const free = market({ taker_fee_percent: '0', price_decimals: 5, size_decimals: 0 })
    const { books, legs } = chain([
      { market: free, side: 'buy', levels: [{ price: 10, size: 50_000 }] },
      {
        market: { ...free, units: 1_000, minimum_size: '1' },
        side: 'sell',
        levels: [{ price: 10_200, size: 40 }],
      },
    ])
    const taken = take(books, legs, 0.5)
    expect(taken?.base_lots).toBe(40_000)
    expect(profitPercent(taken!)).toBeCloseTo(2, 9)
  })

  it('finds nothing where a side is empty, a lot too coarse or a minimum too high', () => {
    const buy = { market: market({}), side: 'buy', levels: [{ price: 10_000, size: 500 }] } as const
    const sell = {
      market: market({}),
      side: 'sell',
      levels: [{ price: 12_000, size: 15 }],
    } as const
    const percent = (...stands: Stand[]) => {
      const { books, legs } = chain(stands)
      return take(books, legs, 0.5)
    }
    expect(percent(buy, sell)).toBeDefined()
    expect(percent({ ...buy, levels: [] }, sell)).toBeUndefined()
    expect(percent(buy, { ...sell, levels: [] })).toBeUndefined()
    const little = { ...buy, levels: [{ price: 10_000, size: 9 }] }
    expect(percent(little, sell)).toBeDefined()
    expect(percent(little, { ...sell, market: market({ size_decimals: 0 }) })).toBeUndefined()
    expect(percent(buy, { ...sell, market: market({ minimum_size: '2' }) })).toBeUndefined()
    expect(percent(buy, { ...sell, market: market({ minimum_notional: '200' }) })).toBeUndefined()
  })
})
