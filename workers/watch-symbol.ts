/**
 * Under which symbol a market is chosen to be watched: that of its coins, so that 1000SATS/USDT of
 * one exchange and SATS/USDT of another come together, and Kraken's LUNA with LUNC. What no
 * opportunity can be made of is not chosen. It chooses nothing itself.
 */
import type { Market } from '../shared/market.ts'
import { identify } from './detection/identity.ts'

/** Null: not unless the operator asks for it by the exchange's own symbol. */
export function watchSymbol(market: Market, requested: readonly string[]): string | null {
  if (requested.includes(market.symbol)) return market.symbol
  const base = identify(market.exchange, market.base)
  const quote = identify(market.exchange, market.quote)
  if (base.refused !== null || quote.refused !== null) return null
  return `${base.ticker}/${quote.ticker}`
}
