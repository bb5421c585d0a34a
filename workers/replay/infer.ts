/**
 * Markets whose exchange's own list is not in the recording: their names are split, their prices
 * have the digits that the frames show. Rules for orders that frames do not show stay unknown, which
 * is to say that they forbid nothing.
 */
import type { Market } from '../../shared/market.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import { stepOfDecimals } from '../exchanges/instruments.ts'

/** Most digits after the point that were seen. */
export interface Digits {
  price_decimals: number
  size_decimals: number
}

/**
 * What markets are priced in. A name that joins base and quote ends in the first of these that fits,
 * so longer ones stand before those that they end in.
 */
const QUOTES = [
  ...['FDUSD', 'BUSD', 'TUSD', 'RLUSD', 'USDT', 'USDC', 'USDE', 'USDP', 'USD1', 'PAX'],
  ...['USD', 'DAI', 'EURC', 'EURI', 'AEUR', 'EUR', 'GBP', 'CHF', 'TRY', 'BRL', 'JPY', 'AUD', 'CAD'],
  ...['PLN', 'RON', 'ARS', 'COP', 'MXN', 'CZK', 'ZAR', 'UAH', 'RUB', 'NGN', 'IDRT', 'BIDR', 'BVND'],
  ...['UST', 'VAI', 'BTC', 'XBT', 'ETH', 'BNB', 'SOL', 'TRX', 'XRP', 'DOGE', 'DOT', 'MNT', 'BRZ'],
]
/** Compares with nothing and has no price: such a market is kept, and makes no opportunity. */
const UNKNOWN_QUOTE = 'UNKNOWN'
/** Sizes are often printed shorter than the lot step: a book of whole coins is no rule for orders. */
const FINEST_LOT_DECIMALS = 8

export function inferMarket(exchange: Exchange, market: string, digits: Digits): Market {
  const [base, quote] = splitName(market)
  return {
    exchange: exchange.id,
    symbol: `${base}/${quote}`,
    market,
    base,
    quote,
    price_step: stepOfDecimals(digits.price_decimals),
    size_step: stepOfDecimals(Math.max(digits.size_decimals, FINEST_LOT_DECIMALS)),
    minimum_size: '0',
    minimum_notional: '0',
    taker_fee_percent: exchange.fees.taker_percent,
    trading: true,
  }
}

/** BTC/USD, BTC-USD and BTCUSD alike. */
export function splitName(market: string): readonly [base: string, quote: string] {
  const name = market.toUpperCase()
  const parts = name.split(/[/_-]/u)
  if (parts.length === 2 && parts[0] && parts[1]) return [parts[0], parts[1]]
  const quote = QUOTES.find((asset) => name.endsWith(asset) && name.length > asset.length)
  return quote === undefined ? [name, UNKNOWN_QUOTE] : [name.slice(0, -quote.length), quote]
}
