import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compare, decimal } from '../../../shared/decimal.ts'
import { recomputeProfitPercent } from '../../../shared/evidence.ts'
import { opportunity } from '../testing/examples.ts'
import { type CurveLeg, profitCurve } from './curve.ts'

const price = fc.integer({ min: 1, max: 9_999 })
const level = fc.record({
  step: fc.integer({ min: 0, max: 40 }),
  size: fc.integer({ min: 1, max: 500 }),
})
const levels = fc.array(level, { minLength: 1, maxLength: 5 })
const fee = fc.constantFrom('0', '0.1', '0.26', '0.6')

/** Two books as whole numbers of cents and of hundredths of a coin. */
const chain = fc.record({
  ask: price,
  asks: levels,
  bid: price,
  bids: levels,
  buy_fee: fee,
  sell_fee: fee,
})

type Made = typeof chain extends fc.Arbitrary<infer T> ? T : never

function legsOf({ ask, asks, bid, bids, buy_fee, sell_fee }: Made) {
  const buy: CurveLeg = { side: 'buy', fee_percent: buy_fee, fills: fillsOf(ask, asks, 1) }
  const sell: CurveLeg = {
    side: 'sell',
    fee_percent: sell_fee,
    fills: fillsOf(bid + 400, bids, -1),
  }
  return [buy, sell] as const
}

/** Level by level away from the best price. */
function fillsOf(best: number, steps: Made['asks'], direction: 1 | -1): CurveLeg['fills'] {
  const away = steps.map((_, index) =>
    steps.slice(0, index + 1).reduce((sum, { step }) => sum + step, 0),
  )
  return steps.map(({ size }, index) => [text(best + direction * (away[index] ?? 0)), text(size)])
}
const text = (hundredths: number) => (hundredths / 100).toFixed(2)

/** Slow and obvious: the whole trade in very small pieces, with floats. */
function slowly([buy, sell]: readonly [CurveLeg, CurveLeg], size: number): number {
  const total = ({ fills }: CurveLeg, wanted: number) => {
    let left = wanted
    let sum = 0
    for (const [at, available] of fills) {
      const taken = Math.min(left, Number(available))
      sum += taken * Number(at)
      left -= taken
    }
    return sum
  }
  const kept = (leg: CurveLeg) => 1 - Number(leg.fee_percent) / 100
  return total(sell, size * kept(buy)) * kept(sell) - total(buy, size)
}

describe('profit against size', () => {
  it('ends where the evidence itself ends, exactly', () => {
    const { legs } = opportunity()
    expect(profitCurve(legs).at(-1)?.profit_percent).toBe(recomputeProfitPercent(legs))
  })

  it('is what the levels give at every size', () => {
    fc.assert(
      fc.property(chain, (made) => {
        const legs = legsOf(made)
        for (const point of profitCurve(legs)) {
          expect(Number(point.profit)).toBeCloseTo(slowly(legs, Number(point.size)), 6)
        }
      }),
      { numRuns: 25 },
    )
  })

  it('earns less and less on top the larger the order is', () => {
    fc.assert(
      fc.property(chain, (made) => {
        const percents = profitCurve(legsOf(made)).map((point) => decimal(point.profit_percent))
        for (const [index, percent] of percents.entries()) {
          const next = percents[index + 1]
          if (next !== undefined) expect(compare(next, percent)).toBeLessThanOrEqual(0)
        }
      }),
      { numRuns: 25 },
    )
  })

  it('goes through a chain of three with units of a thousand coins', () => {
    // 1000X costs 2 USD; a thousand times one X is sold for 0.0021 USD each, then USD for EUR
    const legs: CurveLeg[] = [
      { side: 'buy', fee_percent: '0', fills: [['2', '10']], base_units: '1000' },
      { side: 'sell', fee_percent: '0', fills: [['0.0021', '10000']] },
      { side: 'buy', fee_percent: '0', fills: [['1', '21']] },
    ]
    const last = profitCurve(legs).at(-1)
    expect(last).toEqual({ size: '10', profit: '1', profit_percent: '5.0000' })
    expect(profitCurve(legs)[0]).toEqual({
      size: '0.25',
      profit: '0.025',
      profit_percent: '5.0000',
    })
  })

  it('says nothing of what has no levels', () => {
    expect(profitCurve([])).toEqual([])
    expect(profitCurve([{ side: 'buy', fee_percent: '0', fills: [] }])).toEqual([])
  })
})
