import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { format, ONE, profitPercent } from '../../shared/decimal.ts'
import { chainLeg } from './chain.ts'
import { createFees } from './fees.ts'
import { markout } from './markout.ts'
import { settle } from './settle.ts'
import { TestBooks, type TextLevels } from './testing.ts'
import { walk } from './walk.ts'

/** In hundredths: [price, size], the best first once sorted. */
type Units = readonly (readonly [price: number, size: number])[]

const hundredths = (units: number) => (units / 100).toFixed(2)
const text = (levels: Units): TextLevels =>
  levels.map(([price, size]) => [hundredths(price), hundredths(size)])

/** Distinct prices around a middle, so that a book is never crossed. */
const sideOf = (from: number, to: number, direction: 1 | -1) =>
  fc
    .uniqueArray(fc.tuple(fc.integer({ min: from, max: to }), fc.integer({ min: 1, max: 40 })), {
      selector: ([price]) => price,
      minLength: 1,
      maxLength: 5,
    })
    .map((levels) => levels.toSorted(([a], [b]) => direction * (a - b)))

interface Leg {
  readonly side: 'buy' | 'sell'
  readonly bids: Units
  readonly asks: Units
  /** hundredths */
  readonly step: number
  /** thousandths */
  readonly fee: number
}

const anyLeg: fc.Arbitrary<Leg> = fc.record({
  side: fc.constantFrom('buy', 'sell'),
  bids: sideOf(50, 99, -1),
  asks: sideOf(100, 150, 1),
  step: fc.constantFrom(1, 3, 10),
  fee: fc.integer({ min: 0, max: 20 }),
})

/**
 * Hundredth by hundredth of the base asset, as fractions of whole numbers: every piece of every
 * level in a row, and as many lots of them as there is money or goods for.
 */
function slowly(legs: readonly Leg[], first_size: number): string {
  // amounts are whole numbers of 1 / unit
  let unit = 1n
  let given = 0n
  let given_unit = 1n
  let available = 0n
  legs.forEach(({ side, bids, asks, step, fee }, index) => {
    const pieces = (side === 'buy' ? asks : bids).flatMap(([price, size]) =>
      Array.from({ length: size }, () => BigInt(price)),
    )
    const costOf = (count: number) => pieces.slice(0, count).reduce((sum, price) => sum + price, 0n)
    let wanted = first_size
    if (index > 0) {
      wanted = 0
      const pays = (count: number) =>
        side === 'sell'
          ? BigInt(count) * unit <= available * 100n
          : count <= pieces.length && costOf(count) * unit <= available * 10_000n
      while (pays(wanted + step)) wanted += step
    }
    const filled = Math.min(wanted, pieces.length)
    if (index === 0) {
      given = side === 'buy' ? costOf(filled) : BigInt(filled)
      given_unit = side === 'buy' ? 10_000n : 100n
    }
    const gross = side === 'buy' ? BigInt(filled) : costOf(filled)
    available = gross * BigInt(1_000 - fee)
    unit = (side === 'buy' ? 100n : 10_000n) * 1_000n
  })
  // percent times ten thousand, rounded down
  const [gain, base] = [(available * given_unit - given * unit) * 1_000_000n, given * unit]
  const floor = gain / base - (gain % base < 0n ? 1n : 0n)
  const digits = (floor < 0n ? -floor : floor).toString().padStart(5, '0')
  return `${floor < 0n ? '-' : ''}${digits.slice(0, -4)}.${digits.slice(-4)}`
}

/** Bids ten times as high, or asks a tenth. */
function paying({ side, bids, asks }: Leg): Pick<Leg, 'bids' | 'asks'> {
  const times = (levels: Units, factor: number) =>
    levels.map(([price, size]) => [Math.ceil(price * factor), size] as const)
  return side === 'sell'
    ? { bids: times(bids, 10), asks: times(asks, 11) }
    : { bids: times(bids, 0.01), asks: times(asks, 0.1) }
}

function booksOf(legs: readonly Leg[]): TestBooks {
  const world = new TestBooks()
  for (const [index, { bids, asks, step, fee }] of legs.entries()) {
    const rules = { size_step: hundredths(step), taker_fee_percent: (fee / 10).toFixed(1) }
    const entry = world.add(`exchange${index}`, 'BTC/USDT', rules)
    world.set(entry, text(bids), text(asks))
  }
  return world
}

function ordersOf(legs: readonly Leg[], size: number) {
  return legs.map(({ side, fee }, index) => ({
    exchange: `exchange${index}`,
    market: 'BTCUSDT',
    side,
    order_size: hundredths(size),
    fee_percent: (fee / 10).toFixed(1),
  }))
}

describe('a markout', () => {
  it('agrees with counting every hundredth one by one', () => {
    fc.assert(
      fc.property(
        fc.array(anyLeg, { minLength: 2, maxLength: 5 }),
        fc.integer({ min: 1, max: 120 }),
        (legs, size) => {
          const { books } = booksOf(legs)
          expect(markout(ordersOf(legs, size), books)).toBe(slowly(legs, size))
        },
      ),
      { numRuns: 500 },
    )
  })

  it('is the announced profit while the books have not changed', () => {
    let found = 0
    fc.assert(
      fc.property(fc.array(anyLeg, { minLength: 2, maxLength: 4 }), (legs) => {
        // the last book is moved so far that most chains pay
        const moved = legs.map((leg, i) => (i < legs.length - 1 ? leg : { ...leg, ...paying(leg) }))
        const { books } = booksOf(moved)
        const chain = moved.map(({ side }, i) => chainLeg(books.all[i]!, side, createFees()))
        const settled = settle(chain, walk(chain, 1).amount_in, ONE)
        if (typeof settled === 'string') return
        found++
        const orders = settled.legs.map(({ leg, order_size }) => ({
          exchange: leg.entry.market.exchange,
          market: leg.entry.market.market,
          side: leg.side,
          order_size: format(order_size),
          fee_percent: leg.fee?.percent ?? '',
        }))
        const { amount_in, amount_out } = settled
        expect(markout(orders, books)).toBe(profitPercent(amount_in, amount_out))
      }),
      { numRuns: 500 },
    )
    expect(found).toBeGreaterThan(100)
  })

  const leg: Leg = { side: 'buy', bids: [[99, 10]], asks: [[100, 10]], step: 1, fee: 0 }
  const pair: Leg[] = [leg, { ...leg, side: 'sell', bids: [[110, 10]], asks: [[111, 10]] }]

  it('counts what the second book cannot take as worth nothing', () => {
    const thin = [leg, { ...pair[1]!, bids: [[110, 5]] as const }]
    expect(markout(ordersOf(pair, 10), booksOf(pair).books)).toBe('10.0000')
    expect(markout(ordersOf(thin, 10), booksOf(thin).books)).toBe('-45.0000')
  })

  it('counts coins where an exchange trades a thousand as one', () => {
    const world = new TestBooks()
    // 10 coins bought for 1 each are a hundredth of a unit, sold for 1,100
    const [bought, sold] = ordersOf(pair, 1_000)
    world.set(world.add('exchange0', 'BTC/USDT'), [['0.99', '10']], [['1.00', '10']])
    world.set(world.add('exchange1', 'BTC/USDT'), [['1100.00', '0.01']], [['1110.00', '1']])
    const orders = [bought!, { ...sold!, base_units: '1000' }]
    expect(markout(orders, world.books)).toBe('10.0000')
  })

  it.each([
    ['is stale', (world: TestBooks) => world.books.move(world.books.all[1]!, 'stale', 'gap', 0)],
    [
      'may not trade',
      (world: TestBooks) => {
        const entry = world.books.all[0]!
        world.books.revise(entry, { ...entry.market, trading: false })
      },
    ],
    ['is empty', (world: TestBooks) => world.set(world.books.all[1]!, [], [['1.11', '1']])],
    [
      'is crossed',
      (world: TestBooks) => world.set(world.books.all[1]!, [['1.12', '1']], [['1.11', '1']]),
    ],
  ])('is not known while a book %s', (_, spoil) => {
    const world = booksOf(pair)
    spoil(world)
    expect(markout(ordersOf(pair, 10), world.books)).toBeNull()
  })

  it('is not known of a market that is not watched', () => {
    expect(markout(ordersOf([...pair, leg], 10), booksOf(pair).books)).toBeNull()
  })
})
