import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  add,
  compare,
  decimal,
  divide,
  format,
  HUNDRED,
  multiply,
  ONE,
} from '../../shared/decimal.ts'
import type { Market } from '../../shared/market.ts'
import { chainLeg } from './chain.ts'
import { createFees } from './fees.ts'
import { settle } from './settle.ts'
import { TestBooks, type TextLevels } from './testing.ts'
import { walk } from './walk.ts'

function chain(
  asks: TextLevels,
  bids: TextLevels,
  buy: Partial<Market> = {},
  sell: Partial<Market> = {},
) {
  const world = new TestBooks()
  const at_a = world.set(world.add('a', 'DOGE/USDT', buy), [['0.0001', '1']], asks)
  const at_b = world.set(world.add('b', 'DOGE/USDT', sell), bids, [['9999', '1']])
  return [chainLeg(at_a, 'buy', createFees()), chainLeg(at_b, 'sell', createFees())]
}

/** Levels that move away from `top` ticks; sizes in thousandths. */
function ladder(top: number, direction: 1 | -1, steps: [number, number][]): TextLevels {
  let ticks = top
  return steps.map(([step, size]) => {
    ticks += direction * step
    return [(ticks / 100).toFixed(2), (size / 1000).toFixed(3)]
  })
}

const rate_of = (percent: string) => add(ONE, divide(decimal(percent), HUNDRED, 12))

describe('settle', () => {
  it('rounds every order down to its own lot step', () => {
    const legs = chain(
      [['0.10', '12345.678']],
      [['0.11', '99999']],
      { size_step: '1', taker_fee_percent: '0.1' },
      { size_step: '10', taker_fee_percent: '0.1' },
    )
    const settled = settle(legs, walk(legs, 1.005).amount_in, rate_of('0.5'))
    if (typeof settled === 'string') throw new Error(settled)
    // 12,345 bought, 12,332.655 received, 12,330 sold
    expect(settled.legs.map(({ order_size }) => format(order_size))).toEqual(['12345', '12330'])
    expect(format(settled.amount_in)).toBe('1234.5')
    expect(format(settled.amount_out)).toBe('1354.9437')
  })

  it('spends what lies between two lots on nothing', () => {
    const legs = chain([['100', '1.5']], [['110', '9']], { size_step: '1' }, { size_step: '0.001' })
    const settled = settle(legs, walk(legs, 1).amount_in, ONE)
    if (typeof settled === 'string') throw new Error(settled)
    expect(format(settled.amount_in)).toBe('100')
  })

  it('does not lose a lot to floating point', () => {
    // 0.1 + 0.2 like sums of levels must still fill whole lots
    const legs = chain(
      [
        ['0.1', '1'],
        ['0.2', '1'],
        ['0.3', '1'],
      ],
      [['0.9', '100']],
      { size_step: '1', taker_fee_percent: '0' },
      { size_step: '1', taker_fee_percent: '0' },
    )
    const settled = settle(legs, walk(legs, 1).amount_in, ONE)
    if (typeof settled === 'string') throw new Error(settled)
    expect(format(settled.legs[0]!.order_size)).toBe('3')
  })

  it.each([
    ['minimum size of the first leg', { minimum_size: '2' }, {}],
    ['minimum size of the last leg', {}, { minimum_size: '2' }],
    ['minimum notional of the first leg', { minimum_notional: '101' }, {}],
    ['minimum notional of the last leg', {}, { minimum_notional: '200' }],
    ['a lot larger than the size', { size_step: '5' }, {}],
  ])('refuses what is under the %s', (_name, buy, sell) => {
    const legs = chain([['100', '1']], [['110', '1']], buy, sell)
    expect(settle(legs, walk(legs, 1).amount_in, ONE)).toBe('too_small')
  })

  it('accepts minimums that are met exactly', () => {
    const exact = { minimum_size: '1', minimum_notional: '100', taker_fee_percent: '0' }
    const legs = chain([['100', '1']], [['110', '1']], exact, exact)
    expect(typeof settle(legs, walk(legs, 1).amount_in, ONE)).toBe('object')
  })

  it('never settles below the bound, never above the walked size, always in whole lots', () => {
    const level = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 90_000 }))
    const steps = fc.constantFrom('0.001', '0.1', '1', '25')
    fc.assert(
      fc.property(
        fc.array(level, { minLength: 1, maxLength: 6 }),
        fc.array(level, { minLength: 1, maxLength: 6 }),
        steps,
        steps,
        fc.constantFrom('0', '0.5', '1.75'),
        (asks, bids, buy_step, sell_step, percent) => {
          const legs = chain(
            ladder(10_000, 1, asks),
            ladder(10_600, -1, bids),
            { size_step: buy_step },
            { size_step: sell_step },
          )
          const walked = walk(legs, 1 + Number(percent) / 100)
          fc.pre(walked.amount_in > 0)
          const settled = settle(legs, walked.amount_in, rate_of(percent))
          if (typeof settled === 'string') return
          expect(
            compare(settled.amount_out, multiply(settled.amount_in, rate_of(percent))),
          ).toBeGreaterThanOrEqual(0)
          expect(Number(format(settled.amount_in))).toBeLessThanOrEqual(
            walked.amount_in * (1 + 1e-11),
          )
          for (const [i, step] of [buy_step, sell_step].entries()) {
            const lots = divide(settled.legs[i]!.order_size, decimal(step), 0)
            expect(compare(multiply(lots, decimal(step)), settled.legs[i]!.order_size)).toBe(0)
          }
        },
      ),
      { numRuns: 1_000 },
    )
  })
})
