/**
 * A chain: two or more trades, each on one market's book, that ends in the asset it began with.
 * This file only describes it; walk.ts sizes it, settle.ts proves it, guards.ts may refuse it.
 */
import { type Decimal, decimal, divide, HUNDRED, ONE, subtract } from '../../shared/decimal.ts'
import type { Market } from '../../shared/market.ts'
import type { MarketBook } from '../book/books.ts'

/** One trade of a chain, with the fee both as a fast number and exactly. */
export interface ChainLeg {
  readonly entry: MarketBook
  /** the rules that the fees below were taken from */
  readonly market: Market
  readonly side: 'buy' | 'sell'
  /** 1 - taker fee: the part of the received asset that is kept */
  readonly keep: number
  readonly exact_keep: Decimal
  readonly fee_percent: string
  readonly fee_source: 'schedule' | 'account'
}

export const MAX_LEGS = 5

/** @throws RangeError when the market has no fee: an unknown fee must never count as zero. */
export function chainLeg(entry: MarketBook, side: 'buy' | 'sell'): ChainLeg {
  const fee_percent = entry.market.taker_fee_percent
  if (fee_percent === null) throw new RangeError(`${entry.market.market} has no fee`)
  const exact_keep = subtract(ONE, divide(decimal(fee_percent), HUNDRED, 12))
  return {
    entry,
    market: entry.market,
    side,
    keep: 1 - Number(fee_percent) / 100,
    exact_keep,
    fee_percent,
    fee_source: 'schedule',
  }
}
