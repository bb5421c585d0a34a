import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChainLeg } from './chain.ts'
import { chainLeg } from './chain.ts'
import { createFees } from './fees.ts'
import { TestBooks, type TextLevels } from './testing.ts'
import { topRate, walk } from './walk.ts'

/** An exact fraction: the oracle shares no arithmetic with the walk. */
class Fraction {
  readonly n: bigint
  readonly d: bigint
  constructor(n: bigint, d: bigint) {
    this.n = n
    this.d = d
  }
  static of(text: string): Fraction {
    const [whole = '0', part = ''] = text.split('.')
    return new Fraction(BigInt(whole + part), 10n ** BigInt(part.length))
  }
  times(o: Fraction) {
    return new Fraction(this.n * o.n, this.d * o.d)
  }
  over(o: Fraction) {
    return new Fraction(this.n * o.d, this.d * o.n)
  }
  plus(o: Fraction) {
    return new Fraction(this.n * o.d + o.n * this.d, this.d * o.d)
  }
  minus(o: Fraction) {
    return new Fraction(this.n * o.d - o.n * this.d, this.d * o.d)
  }
  below(o: Fraction) {
    return this.n * o.d < o.n * this.d
  }
  get number() {
    const scaled = (this.n * 10n ** 24n) / this.d
    return Number(scaled) / 1e24
  }
}

interface OracleLeg {
  side: 'buy' | 'sell'
  levels: TextLevels
  fee_percent: string
}

/** The definition, step by step, with exact fractions and no shared code. */
function oracle(legs: OracleLeg[], min_percent: string) {
  const one = new Fraction(1n, 1n)
  const zero = new Fraction(0n, 1n)
  const bound = one.plus(Fraction.of(min_percent).over(Fraction.of('100')))
  const queues = legs.map(({ side, levels, fee_percent }) => {
    const keep = one.minus(Fraction.of(fee_percent).over(Fraction.of('100')))
    return levels.map(([p, s]) => {
      const [price, size] = [Fraction.of(p), Fraction.of(s)]
      return side === 'buy'
        ? { rate: keep.over(price), room: price.times(size) }
        : { rate: price.times(keep), room: size }
    })
  })
  let [given, received] = [zero, zero]
  while (queues.every((queue) => queue.length > 0)) {
    let rate = one
    let step: Fraction | null = null
    for (const queue of queues) {
      const room = queue[0]!.room.over(rate)
      if (step === null || room.below(step)) step = room
      rate = rate.times(queue[0]!.rate)
    }
    if (!one.below(rate)) break
    const whole = received.plus(rate.times(step!))
    if (whole.below(bound.times(given.plus(step!)))) {
      const cut = received.minus(bound.times(given)).over(bound.minus(rate))
      given = given.plus(cut)
      received = received.plus(rate.times(cut))
      break
    }
    given = given.plus(step!)
    received = whole
    let amount = step!
    for (const queue of queues) {
      const level = queue[0]!
      level.room = level.room.minus(amount)
      amount = amount.times(level.rate)
      if (level.room.n === 0n) queue.shift()
    }
  }
  return { amount_in: given.number, amount_out: received.number }
}

const bound_of = (percent: string) => 1 + Number(percent) / 100

function legsOf(specs: OracleLeg[]): ChainLeg[] {
  const world = new TestBooks()
  return specs.map(({ side, levels, fee_percent }, i) => {
    const entry = world.add(`x${i}`, 'BTC/USDT', { taker_fee_percent: fee_percent })
    const far: TextLevels = [[side === 'buy' ? '0.01' : '999999', '1']]
    world.set(entry, side === 'sell' ? levels : far, side === 'buy' ? levels : far)
    return chainLeg(entry, side, createFees())
  })
}

const sizes = fc.integer({ min: 1, max: 500_000 }).map((lots) => (lots / 1000).toFixed(3))
const fees = fc.constantFrom('0', '0.1', '0.26', '0.6')

/** Levels from `top` ticks, moving away from it; repeated sizes make ties. */
function ladder(top: number, direction: 1 | -1) {
  return fc
    .array(fc.tuple(fc.integer({ min: 1, max: 40 }), sizes), { maxLength: 12 })
    .map((steps) => {
      let ticks = top
      return steps.map(([step, size]): [string, string] => {
        ticks += direction * step
        return [(ticks / 100).toFixed(2), size]
      })
    })
}

const pairs = fc.record({
  asks: ladder(10_000, 1),
  bids: ladder(10_700, -1),
  buy_fee: fees,
  sell_fee: fees,
  percent: fc.constantFrom('0', '0.5', '1', '2.5'),
})

describe('walk', () => {
  it('agrees with the exact definition on two legs', () => {
    fc.assert(
      fc.property(pairs, ({ asks, bids, buy_fee, sell_fee, percent }) => {
        const specs: OracleLeg[] = [
          { side: 'buy', levels: asks, fee_percent: buy_fee },
          { side: 'sell', levels: bids, fee_percent: sell_fee },
        ]
        const expected = oracle(specs, percent)
        const found = walk(legsOf(specs), bound_of(percent))
        expect(found.amount_in).toBeCloseTo(expected.amount_in, 6)
        expect(found.amount_out).toBeCloseTo(expected.amount_out, 6)
      }),
      { numRuns: 2_000 },
    )
  })

  it('agrees with the exact definition on three legs', () => {
    const third = ladder(9_990, 1)
    fc.assert(
      fc.property(pairs, third, ({ asks, bids, buy_fee, sell_fee, percent }, back) => {
        const specs: OracleLeg[] = [
          { side: 'buy', levels: asks, fee_percent: buy_fee },
          { side: 'sell', levels: bids, fee_percent: sell_fee },
          {
            side: 'sell',
            levels: back.map(([p, s]) => [(2 - Number(p) / 100).toFixed(4), s]),
            fee_percent: '0',
          },
        ]
        const expected = oracle(specs, percent)
        const found = walk(legsOf(specs), bound_of(percent))
        expect(found.amount_in).toBeCloseTo(expected.amount_in, 6)
        expect(found.amount_out).toBeCloseTo(expected.amount_out, 6)
      }),
      { numRuns: 1_000 },
    )
  })

  it('cuts the last step exactly at the bound', () => {
    const legs = legsOf([
      {
        side: 'buy',
        levels: [
          ['100', '1'],
          ['101', '10'],
        ],
        fee_percent: '0',
      },
      { side: 'sell', levels: [['102', '100']], fee_percent: '0' },
    ])
    // 1 at 2 %, then x at 102/101 - 1: (102 + 102x/101) / (100 + x) = 1.015
    const found = walk(legs, 1.015)
    expect(found.amount_out / found.amount_in).toBeCloseTo(1.015, 12)
    expect(found.amount_in).toBeCloseTo(100 + 0.5 / (1.015 - 102 / 101), 8)
    expect(found.depth_exhausted).toBe(false)
  })

  it('takes a level that meets the threshold exactly', () => {
    const legs = legsOf([
      { side: 'buy', levels: [['100', '2']], fee_percent: '0' },
      {
        side: 'sell',
        levels: [
          ['102', '2'],
          ['101', '5'],
        ],
        fee_percent: '0',
      },
    ])
    expect(walk(legs, 1.02)).toEqual({ amount_in: 200, amount_out: 204, depth_exhausted: true })
  })

  it('finds nothing where the fees eat the spread', () => {
    const legs = legsOf([
      { side: 'buy', levels: [['100', '2']], fee_percent: '0.6' },
      { side: 'sell', levels: [['101', '2']], fee_percent: '0.8' },
    ])
    expect(topRate(legs)).toBeLessThan(1)
    expect(walk(legs, 1).amount_in).toBe(0)
  })

  it('finds nothing on an empty side and says that depth is missing', () => {
    const legs = legsOf([
      { side: 'buy', levels: [], fee_percent: '0' },
      { side: 'sell', levels: [['101', '2']], fee_percent: '0' },
    ])
    expect(topRate(legs)).toBeNaN()
    expect(walk(legs, 1)).toEqual({ amount_in: 0, amount_out: 0, depth_exhausted: true })
  })
})
