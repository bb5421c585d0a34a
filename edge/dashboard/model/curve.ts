/**
 * Profit against size, recomputed from the levels of an opportunity's own evidence: what a smaller
 * order would have made. Every point is exact for its size; what is between two points is not known
 * better than the levels say. It invents no level beyond those that were taken.
 */
import {
  compare,
  type Decimal,
  decimal,
  divide,
  floorToScale,
  format,
  multiply,
  profitPercent,
  subtract,
  ZERO,
} from '../../../shared/decimal.ts'
import { legAmounts } from '../../../shared/evidence.ts'
import type { Leg } from '../../../shared/opportunity.ts'

export type CurveLeg = Pick<Leg, 'side' | 'fills' | 'fee_percent' | 'base_units' | 'quote_units'>

export interface CurvePoint {
  /** base quantity of the first leg */
  readonly size: string
  /** in coins of what the chain begins and ends with */
  readonly profit: string
  readonly profit_percent: string
}

const POINTS = 40
/** Digits of a size that lies between two levels, and of a quote that is turned into a base. */
const DIGITS = 18

/** From small to the whole; empty when the legs hold no level. */
export function profitCurve(legs: readonly CurveLeg[]): CurvePoint[] {
  const [first] = legs
  if (first === undefined) return []
  const { base: whole } = legAmounts(first)
  if (compare(whole, ZERO) <= 0) return []
  const steps = Array.from({ length: POINTS }, (_, k) =>
    k + 1 === POINTS
      ? whole
      : floorToScale(
          divide(multiply(whole, decimal(`${k + 1}`)), decimal(`${POINTS}`), DIGITS),
          DIGITS,
        ),
  )
  return steps.map((size) => pointAt(legs, size))
}

/** What the chain makes of the first `size` of its first leg. */
function pointAt(legs: readonly CurveLeg[], size: Decimal): CurvePoint {
  let given = ZERO
  let carried = ZERO
  for (const [index, leg] of legs.entries()) {
    const fills =
      index === 0
        ? bought(leg.fills, size)
        : leg.side === 'sell'
          ? bought(leg.fills, divide(carried, units(leg.base_units), DIGITS))
          : spent(leg.fills, divide(carried, units(leg.quote_units), DIGITS))
    const { amount_in, amount_out } = legAmounts({ ...leg, fills })
    const [of_in, of_out] =
      leg.side === 'buy' ? [leg.quote_units, leg.base_units] : [leg.base_units, leg.quote_units]
    if (index === 0) given = multiply(amount_in, units(of_in))
    carried = multiply(amount_out, units(of_out))
  }
  return {
    size: format(size),
    profit: format(subtract(carried, given)),
    profit_percent: profitPercent(given, carried),
  }
}

function units(text: string | undefined): Decimal {
  return decimal(text ?? '1')
}

type Fills = Leg['fills']

/** The levels that hold the first `size` of base. */
function bought(fills: Fills, size: Decimal): Fills {
  return until(
    fills,
    size,
    (_price, available) => available,
    (left) => left,
  )
}

/** The levels that the first `amount` of quote pays for. */
function spent(fills: Fills, amount: Decimal): Fills {
  return until(
    fills,
    amount,
    (price, available) => multiply(price, available),
    (left, price) => divide(left, price, DIGITS),
  )
}

function until(
  fills: Fills,
  whole: Decimal,
  costOf: (price: Decimal, size: Decimal) => Decimal,
  sizeOf: (left: Decimal, price: Decimal) => Decimal,
): Fills {
  const taken: Fills = []
  let left = whole
  for (const [price_text, size_text] of fills) {
    const price = decimal(price_text)
    const cost = costOf(price, decimal(size_text))
    if (compare(left, cost) <= 0) {
      taken.push([price_text, format(sizeOf(left, price))])
      return taken
    }
    taken.push([price_text, size_text])
    left = subtract(left, cost)
  }
  return taken
}
