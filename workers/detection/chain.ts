/**
 * A chain: two or more trades, each on one market's book, that ends in the asset it began with.
 * This file only describes it; walk.ts sizes it, settle.ts proves it, guards.ts may refuse it.
 * Amounts are counted in coins: where an exchange trades a thousand coins as one, its units say so.
 */
import { type Decimal, decimal, divide, HUNDRED, ONE, subtract } from '../../shared/decimal.ts'
import type { Market } from '../../shared/market.ts'
import type { MarketBook } from '../book/books.ts'
import type { Fee, Fees } from './fees.ts'
import { identify } from './identity.ts'

/** One trade of a chain, with the fee both as a fast number and exactly. */
export interface ChainLeg {
  readonly entry: MarketBook
  /** the rules that the fees below were taken from */
  readonly market: Market
  readonly side: 'buy' | 'sell'
  /** null: not known; then the guard `fee_unknown` refuses the chain */
  readonly fee: Fee | null
  /** 1 - taker fee: the part of the received asset that is kept */
  readonly keep: number
  readonly exact_keep: Decimal
  /** coins in one unit of the market's base and quote, powers of ten */
  readonly base_units: number
  readonly quote_units: number
}

export const MAX_LEGS = 5

export function chainLeg(entry: MarketBook, side: 'buy' | 'sell', fees: Fees): ChainLeg {
  const { market } = entry
  const fee = fees.of(market)
  const exact_keep =
    fee === null ? ONE : subtract(ONE, divide(decimal(fee.percent), HUNDRED, FEE_DECIMALS))
  return {
    entry,
    market,
    side,
    fee,
    keep: fee === null ? 1 : 1 - Number(fee.percent) / 100,
    exact_keep,
    base_units: identify(market.exchange, market.base).units,
    quote_units: identify(market.exchange, market.quote).units,
  }
}

/** as shared/evidence.ts divides */
const FEE_DECIMALS = 12

/** Coins in one unit of what the leg gives. */
export function unitsGiven({ side, base_units, quote_units }: ChainLeg): number {
  return side === 'buy' ? quote_units : base_units
}

/** Coins in one unit of what the leg receives. */
export function unitsReceived({ side, base_units, quote_units }: ChainLeg): number {
  return side === 'buy' ? base_units : quote_units
}

/** Coins received for one coin given at the best level, after the fee; NaN when the side is empty. */
export function topRateOf({ entry, side, keep, base_units, quote_units }: ChainLeg): number {
  const { bids, asks } = entry.book
  return side === 'buy'
    ? (keep / asks.price(0)) * (base_units / quote_units)
    : bids.price(0) * keep * (quote_units / base_units)
}
