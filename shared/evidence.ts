/**
 * Recomputes an opportunity from its own evidence, exactly. This is what a sceptical third party
 * would do; the worker's figures are produced by it and the tests check them with it.
 * It trusts only `side`, `fills`, `fee_percent` and the units of each leg.
 */
import {
  add,
  type Decimal,
  decimal,
  divide,
  format,
  HUNDRED,
  multiply,
  ONE,
  profitPercent,
  subtract,
  ZERO,
} from './decimal.ts'
import type { Leg } from './opportunity.ts'

export interface LegAmounts {
  /** quote given for a buy, base given for a sell */
  readonly amount_in: Decimal
  /** base received after the fee for a buy, quote received after the fee for a sell */
  readonly amount_out: Decimal
  /** the same without the fee */
  readonly gross_out: Decimal
  /** base quantity traded */
  readonly base: Decimal
  /** quote quantity traded */
  readonly quote: Decimal
}

/** The fee is taken from the received asset: DETECTION, "a leg". All results are exact. */
export function legAmounts(leg: Pick<Leg, 'side' | 'fills' | 'fee_percent'>): LegAmounts {
  let base = ZERO
  let quote = ZERO
  for (const [price, size] of leg.fills) {
    base = add(base, decimal(size))
    quote = add(quote, multiply(decimal(price), decimal(size)))
  }
  const kept = subtract(ONE, divide(decimal(leg.fee_percent), HUNDRED, 12))
  const gross_out = leg.side === 'buy' ? base : quote
  return {
    amount_in: leg.side === 'buy' ? quote : base,
    gross_out,
    amount_out: multiply(gross_out, kept),
    base,
    quote,
  }
}

/** Digits of an average beyond those of the prices that it averages. */
const AVERAGE_EXTRA_DECIMALS = 4

/** Average price of a leg, rounded down, with a few more digits than the exchange's prices have. */
export function averagePrice(
  { quote, base }: Pick<LegAmounts, 'quote' | 'base'>,
  price_decimals: number,
): string {
  return format(divide(quote, base, price_decimals + AVERAGE_EXTRA_DECIMALS))
}

type ProvenLeg = Pick<Leg, 'side' | 'fills' | 'fee_percent' | 'base_units' | 'quote_units'>

/** `profit_percent` as the legs prove it, for chains of any length: what they begin and end with is one coin. */
export function recomputeProfitPercent(legs: readonly ProvenLeg[]): string {
  const first = legs[0]
  const last = legs.at(-1)
  if (first === undefined || last === undefined) throw new RangeError('a chain has legs')
  const given = first.side === 'buy' ? first.quote_units : first.base_units
  const received = last.side === 'buy' ? last.base_units : last.quote_units
  return profitPercent(
    multiply(legAmounts(first).amount_in, decimal(given ?? '1')),
    multiply(legAmounts(last).amount_out, decimal(received ?? '1')),
  )
}
