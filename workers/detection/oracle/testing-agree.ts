/**
 * Shows one random world after the other to the detector and to the oracle, and throws at the first
 * thing that the two do not agree on: which opportunities there are, their legs, sizes and profit.
 */
import { expect } from 'vitest'
import { recomputeProfitPercent } from '../../../shared/evidence.ts'
import { silentLog } from '../../../shared/log.ts'
import type { Candidate } from '../candidate.ts'
import { Detector } from '../detector.ts'
import { TestBooks } from '../testing.ts'
import { Fraction } from './fraction.ts'
import { Oracle, type Outcome } from './oracle.ts'
import { randomWorld, seeded, type World } from './world.ts'

function detect(world: World): Candidate[] {
  const test = new TestBooks()
  for (const market of world.markets) {
    const { exchange, base, quote, fee_percent } = market
    const entry = test.add(exchange, `${base}/${quote}`, {
      taker_fee_percent: fee_percent,
      size_step: market.size_step,
      minimum_size: market.minimum_size,
      minimum_notional: market.minimum_notional,
    })
    test.set(entry, market.bids, market.asks)
  }
  const detector = new Detector({
    books: test.books,
    clock: test.clock,
    is_simulated: () => true,
    log: silentLog,
    limits: {
      min_percent: Number(world.min_percent),
      max_percent: 1e6,
      min_volume_usd: Number(world.min_volume_usd),
      max_book_age_ms: 1_000,
      max_skew_ms: 1_000,
    },
  })
  const verdicts = detector.run(test.books.takeDirty())
  return verdicts.map((verdict) => {
    if (verdict.kind !== 'open') throw new Error('nothing was open that could close')
    return verdict.candidate
  })
}

const legName = ({ side, exchange, symbol }: Candidate['legs'][number]) =>
  `${side} ${exchange} ${symbol}`

type Taken = Extract<Outcome, { kind: 'taken' }>

export interface Tally {
  worlds: number
  opportunities: number
  /** where the walked size does not survive the rounding to lots: a smaller one is published */
  rounded: number
  by_type: Record<string, number>
}

/** Throws at the first thing that the two do not agree on. */
function compare(world: World, tally: Tally): void {
  const published = new Map(detect(world).map((one) => [one.legs.map(legName).join(' > '), one]))
  const oracle = new Oracle(world, new Set(published.keys()))
  for (const { type, name, taking } of oracle.all()) {
    const chain = oracle.nameOf(taking.legs)
    const candidate = published.get(chain)
    if (candidate === undefined) throw new Error(`${type} ${name} was not found: ${chain}`)
    published.delete(chain)
    tally.opportunities++
    const kind = `${type} of ${taking.legs.length}`
    tally.by_type[kind] = (tally.by_type[kind] ?? 0) + 1
    expect(candidate.type).toBe(type)
    expect(recomputeProfitPercent(candidate.legs)).toBe(candidate.profit_percent)
    expect(Number(candidate.profit_percent)).toBeGreaterThanOrEqual(Number(world.min_percent))
    if (taking.outcome.kind !== 'taken') tally.rounded++
    else expectSame(candidate, taking.outcome)
  }
  expect([...published.keys()], 'published beyond the oracle').toEqual([])
}

/** Float64 carries the walk: where lots are finer than this share of the size, one may be missing. */
const FLOAT_SHARE = 1e-9

function expectSame(candidate: Candidate, { given, received, sizes }: Taken): void {
  const found = candidate.legs.map(({ order_size }) => Fraction.of(order_size))
  const percent = received.over(given).minus(Fraction.one).times(Fraction.of('100'))
  const apart = found.map((size, i) => size.over(sizes[i] as Fraction).minus(Fraction.one).number)
  const what = `sizes ${sizes.map(({ number }) => number)}, apart ${apart}`
  if (apart.every((share) => share === 0)) {
    const rounded = percent.floorTo(Fraction.of('0.0001'))
    expect(Fraction.of(candidate.profit_percent).equals(rounded), `${percent.number} %`).toBe(true)
  } else {
    expect(Math.max(...apart.map(Math.abs)), what).toBeLessThan(FLOAT_SHARE)
    expect(Math.abs(Number(candidate.profit_percent) - percent.number)).toBeLessThan(1.01e-4)
  }
}

/** Worlds number `from` to `to` - 1. */
export function agree(from: number, to: number, is_small: boolean): Tally {
  const tally: Tally = { worlds: 0, opportunities: 0, rounded: 0, by_type: {} }
  for (let seed = from; seed < to; seed++) {
    const world = randomWorld(seeded(seed), is_small)
    tally.worlds++
    try {
      compare(world, tally)
    } catch (error) {
      const { message } = error as Error
      throw new Error(`world ${seed}: ${message}\n${JSON.stringify(world)}`, { cause: error })
    }
  }
  return tally
}
