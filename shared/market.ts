/** A tradable market as every room knows it, and the canonical spelling of symbols. */
import { z } from 'zod'
import { DecimalString } from './decimal.ts'

export const SYMBOL_PATTERN = /^[^\s/]+\/[^\s/]+$/u

/** Canonical BASE/QUOTE in upper case: BTC/USDT. */
const CanonicalSymbol = z.string().regex(SYMBOL_PATTERN, 'expected BASE/QUOTE, such as BTC/USDT')

export const Market = z.object({
  exchange: z.string(),
  /** canonical BASE/QUOTE */
  symbol: CanonicalSymbol,
  /** the exchange's own name: BTCUSDT, BTC-USD, BTC/USD */
  market: z.string(),
  base: z.string(),
  quote: z.string(),
  /** smallest price difference */
  price_step: DecimalString,
  /** smallest difference of a base quantity (lot step) */
  size_step: DecimalString,
  /** smallest base quantity of an order; "0" where the exchange has no such rule */
  minimum_size: DecimalString,
  /** smallest quote amount of an order; "0" where the exchange has no such rule */
  minimum_notional: DecimalString,
  /** list price of the lowest tier; null: nobody states it, which is not zero */
  taker_fee_percent: DecimalString.nullable(),
  trading: z.boolean(),
})
export type Market = z.infer<typeof Market>
