/**
 * Turns a walked size into orders that an exchange would accept and the exact amounts they trade:
 * rounded down to lot steps, checked against every leg's minimums, proven with exact decimals.
 * What it returns is the evidence that is published. It rounds only against the taker: what lot
 * steps leave unsold counts as worth nothing.
 */
import {
  add,
  compare,
  type Decimal,
  decimal,
  divide,
  floorToStep,
  fromNumber,
  multiply,
  subtract,
  ZERO,
} from '../../shared/decimal.ts'
import { type ChainLeg, unitsGiven, unitsReceived } from './chain.ts'

export interface Fill {
  readonly price: Decimal
  /** base */
  readonly size: Decimal
}

export interface SettledLeg {
  readonly leg: ChainLeg
  readonly fills: readonly Fill[]
  readonly order_size: Decimal
  readonly amount_in: Decimal
  readonly gross_out: Decimal
  readonly amount_out: Decimal
}

/** What the chain takes and gives, in coins; the amounts of a leg are in its market's own units. */
export interface Settled {
  readonly legs: readonly SettledLeg[]
  readonly amount_in: Decimal
  readonly amount_out: Decimal
}

/** `too_small`: a lot, size or notional minimum forbids it; `too_thin`: below the bound once rounded. */
export type Unsettled = 'too_small' | 'too_thin'

/** Halvings of the size while looking for the largest that keeps the bound after rounding. */
const SHRINK_STEPS = 16
/** Float64 sums of levels fall short of the exact sum by less than this; never costs a whole lot. */
const ROUNDING_SLACK = 1 + 1e-14
const A_HAIR_LESS = 1 - 1e-9
/** more than any lot has: amounts of a coin that is worth much are small */
const INPUT_DECIMALS = 20

/** A leg whose levels and rules are made exact once, for all the sizes that are tried on it. */
interface ExactLeg {
  readonly leg: ChainLeg
  readonly size_step: Decimal
  readonly minimum_size: Decimal
  readonly minimum_notional: Decimal
  /** of the side that it takes, by rank; undefined beyond the last level */
  readonly level: (rank: number) => Fill | undefined
}

/**
 * The largest order sizes not above the walked input whose exact average keeps `min_rate`
 * (1 + minimum net percent / 100).
 */
export function settle(
  legs: readonly ChainLeg[],
  walked_in: number,
  min_rate: Decimal,
): Settled | Unsettled {
  const exact_legs = legs.map(exactLeg)
  const whole = attempt(exact_legs, walked_in * ROUNDING_SLACK)
  if (whole === 'too_small' || keepsBound(whole, min_rate)) return whole
  // mostly the bound was missed by rounding alone; what is between is worth no search
  const nearly = attempt(exact_legs, walked_in * A_HAIR_LESS)
  if (nearly !== 'too_small' && keepsBound(nearly, min_rate)) return nearly
  let [good, bad] = [0, walked_in * A_HAIR_LESS]
  let best: Settled | Unsettled = 'too_thin'
  for (let i = 0; i < SHRINK_STEPS; i++) {
    const middle = (good + bad) / 2
    const tried = attempt(exact_legs, middle)
    if (tried !== 'too_small' && keepsBound(tried, min_rate)) {
      best = tried
      good = middle
    } else {
      bad = middle
    }
  }
  return best
}

function keepsBound(settled: Settled, min_rate: Decimal): boolean {
  return compare(settled.amount_out, multiply(settled.amount_in, min_rate)) >= 0
}

function attempt(legs: readonly ExactLeg[], input: number): Settled | 'too_small' {
  const settled: SettledLeg[] = []
  let available = fromNumber(input, INPUT_DECIMALS)
  for (const exact of legs) {
    const next = order(exact, divideByUnits(available, unitsGiven(exact.leg)))
    if (next === 'too_small') return next
    settled.push(next)
    available = multiply(next.amount_out, fromNumber(unitsReceived(exact.leg), 0))
  }
  const first = settled[0]
  if (first === undefined) throw new RangeError('a chain has legs')
  const amount_in = multiply(first.amount_in, fromNumber(unitsGiven(first.leg), 0))
  return { legs: settled, amount_in, amount_out: available }
}

/** Exact: units are powers of ten. */
export function divideByUnits(coins: Decimal, units: number): Decimal {
  return units === 1 ? coins : { ...coins, scale: coins.scale + Math.round(Math.log10(units)) }
}

/** The largest acceptable order of this leg that `available` of its input asset pays for, in the market's units. */
function order(exact: ExactLeg, available: Decimal): SettledLeg | 'too_small' {
  const { leg } = exact
  // a hair more than the book holds, where the walk went to its end
  const base = leg.side === 'buy' ? baseFor(exact, available) : atMostAll(exact, available)
  const order_size = floorToStep(base, exact.size_step)
  if (order_size.mantissa <= 0n) return 'too_small'
  if (compare(order_size, exact.minimum_size) < 0) return 'too_small'
  const fills = fillsFor(exact, order_size)
  const quote = fills.reduce((sum, fill) => add(sum, multiply(fill.price, fill.size)), ZERO)
  if (compare(quote, exact.minimum_notional) < 0) return 'too_small'
  const gross_out = leg.side === 'buy' ? order_size : quote
  return {
    leg,
    fills,
    order_size,
    amount_in: leg.side === 'buy' ? quote : order_size,
    gross_out,
    amount_out: multiply(gross_out, leg.exact_keep),
  }
}

/** How much base the quote amount buys, before lot rounding. */
function baseFor({ level }: ExactLeg, quote: Decimal): Decimal {
  let [base, remaining] = [ZERO, quote]
  for (let rank = 0, at = level(0); at !== undefined; at = level(++rank)) {
    const cost = multiply(at.price, at.size)
    if (compare(cost, remaining) >= 0) return add(base, divide(remaining, at.price, INPUT_DECIMALS))
    base = add(base, at.size)
    remaining = subtract(remaining, cost)
  }
  return base
}

/** The base amount, or all that the side holds. */
function atMostAll({ level }: ExactLeg, base: Decimal): Decimal {
  let held = ZERO
  for (let rank = 0, at = level(0); at !== undefined; at = level(++rank)) {
    held = add(held, at.size)
    if (compare(held, base) >= 0) return base
  }
  return held
}

function fillsFor({ level }: ExactLeg, base: Decimal): Fill[] {
  const fills: Fill[] = []
  let remaining = base
  for (let rank = 0, at = level(0); at !== undefined; at = level(++rank)) {
    if (remaining.mantissa <= 0n) break
    const size = compare(at.size, remaining) < 0 ? at.size : remaining
    fills.push({ price: at.price, size })
    remaining = subtract(remaining, size)
  }
  return fills
}

/** Levels with the exchange's own digits. */
function exactLeg(leg: ChainLeg): ExactLeg {
  const { market, book } = leg.entry
  const { price_decimals, size_decimals } = book
  const side = leg.side === 'buy' ? book.asks : book.bids
  const levels: Fill[] = []
  return {
    leg,
    size_step: decimal(market.size_step),
    minimum_size: decimal(market.minimum_size),
    minimum_notional: decimal(market.minimum_notional),
    level(rank) {
      if (rank >= side.length) return undefined
      levels[rank] ??= {
        price: fromNumber(side.price(rank), price_decimals),
        size: fromNumber(side.size(rank), size_decimals),
      }
      return levels[rank]
    },
  }
}
