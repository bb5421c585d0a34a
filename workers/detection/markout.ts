/**
 * What a taker would have made who arrived later: the chain of an opportunity walked again, with the
 * size it was announced with, on the books of this moment. Exact, and pure but for the books. It
 * knows no time; lifecycle/markouts.ts says when.
 */
import {
  add,
  compare,
  type Decimal,
  decimal,
  divide,
  floorToStep,
  fromNumber,
  HUNDRED,
  multiply,
  ONE,
  profitPercent,
  subtract,
  ZERO,
} from '../../shared/decimal.ts'
import type { Leg } from '../../shared/opportunity.ts'
import type { Books, MarketBook } from '../book/books.ts'
import { divideByUnits } from './settle.ts'

type Order = Pick<
  Leg,
  'exchange' | 'market' | 'side' | 'order_size' | 'fee_percent' | 'base_units' | 'quote_units'
>

/** As far as a lot can be split: the same as settle.ts. */
const BASE_DECIMALS = 12

/**
 * Net percent with four digits, rounded down; null when a book may not be priced. The first order
 * is the announced one, and each later one takes what the one before gave, in whole lots: on books
 * that did not change this is `profit_percent` again. What a book cannot fill stays unfilled, and
 * what is then left of the asset between counts as worth nothing. Minimums were judged before.
 */
export function markout(legs: readonly Order[], books: Books): string | null {
  const entries = legs.map(({ exchange, market }) => books.get(exchange, market))
  if (!entries.every(isPriced)) return null
  // counted in coins, as the legs hand them on
  let given = ZERO
  let available = ZERO
  for (const [index, leg] of legs.entries()) {
    const entry = entries[index] as MarketBook
    const units = unitsOf(leg)
    const funds = divideByUnits(available, units.given)
    const size = index === 0 ? decimal(leg.order_size) : affordable(leg, entry, funds)
    const traded = trade(leg, entry, size)
    if (index === 0) given = multiply(traded.given, fromNumber(units.given, 0))
    available = multiply(traded.received, fromNumber(units.received, 0))
  }
  return profitPercent(given, available)
}

function isPriced(entry: MarketBook | undefined): entry is MarketBook {
  if (entry === undefined || entry.state !== 'live' || !entry.market.trading) return false
  // an empty side compares false as well: its price is NaN
  return entry.book.bids.price(0) < entry.book.asks.price(0)
}

/** Coins in one unit of what the leg gives and of what it receives. */
function unitsOf(leg: Order): { readonly given: number; readonly received: number } {
  const [base, quote] = [Number(leg.base_units ?? 1), Number(leg.quote_units ?? 1)]
  return leg.side === 'buy' ? { given: quote, received: base } : { given: base, received: quote }
}

/** The largest base size in whole lots that `available` of the leg's input asset pays for. */
function affordable(leg: Order, entry: MarketBook, available: Decimal): Decimal {
  const step = decimal(entry.market.size_step)
  if (leg.side === 'sell') return floorToStep(available, step)
  let [base, remaining] = [ZERO, available]
  for (const { price, size } of levels(leg, entry)) {
    const cost = multiply(price, size)
    if (compare(cost, remaining) >= 0) {
      return floorToStep(add(base, divide(remaining, price, BASE_DECIMALS)), step)
    }
    base = add(base, size)
    remaining = subtract(remaining, cost)
  }
  return floorToStep(base, step)
}

/** An order of this base size, filled as far as the book goes; the fee is taken from what it gives. */
function trade(
  leg: Order,
  entry: MarketBook,
  order_size: Decimal,
): { readonly given: Decimal; readonly received: Decimal } {
  let [base, quote] = [ZERO, ZERO]
  for (const { price, size } of levels(leg, entry)) {
    const missing = subtract(order_size, base)
    if (missing.mantissa <= 0n) break
    const part = compare(size, missing) < 0 ? size : missing
    base = add(base, part)
    quote = add(quote, multiply(price, part))
  }
  const kept = subtract(ONE, divide(decimal(leg.fee_percent), HUNDRED, 12))
  return leg.side === 'buy'
    ? { given: quote, received: multiply(base, kept) }
    : { given: base, received: multiply(quote, kept) }
}

/** With the exchange's own digits, best first. */
function* levels(
  { side }: Order,
  { book }: MarketBook,
): Generator<{ readonly price: Decimal; readonly size: Decimal }> {
  const from = side === 'buy' ? book.asks : book.bids
  for (let rank = 0; rank < from.length; rank++) {
    yield {
      price: fromNumber(from.price(rank), book.price_decimals),
      size: fromNumber(from.size(rank), book.size_decimals),
    }
  }
}
