/**
 * Chains of trades as the market model itself sees them: between coins, not between tickers, because
 * the model knows which coin a ticker stands for and how many coins one unit is. It names chains;
 * it does not price them.
 */
import type { SimulatedMarket } from './source.ts'

export type ChainType = 'cross_exchange' | 'triangular' | 'multi_leg'

export const MOST_LEGS = 5

/** One trade: buying gives the quote and gets the base, selling the other way round. */
export interface Leg {
  /** index among the markets */
  readonly market: number
  readonly side: 'buy' | 'sell'
}

export interface NamedLeg {
  readonly exchange: string
  readonly symbol: string
  readonly side: 'buy' | 'sell'
}

/** The coin that a market's base asset really is. */
export function baseCoin({ base, coin }: SimulatedMarket): string {
  return coin ?? base
}

export function coinGiven(market: SimulatedMarket, side: Leg['side']): string {
  return side === 'buy' ? market.quote : baseCoin(market)
}

export function coinReceived(market: SimulatedMarket, side: Leg['side']): string {
  return coinGiven(market, side === 'buy' ? 'sell' : 'buy')
}

export function named(market: SimulatedMarket, side: Leg['side']): NamedLeg {
  return { exchange: market.exchange, symbol: market.symbol, side }
}

/** "binance buy BTC/USDT > kraken sell BTC/USD". */
export function describe(legs: readonly NamedLeg[]): string {
  return legs.map(({ exchange, symbol, side }) => `${exchange} ${side} ${symbol}`).join(' > ')
}
