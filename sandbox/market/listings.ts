/**
 * Which exchange lists which symbol, with the digits, minimums and taker fees it states: Binance
 * and Bybit quote in USDT, Coinbase in USD, Kraken in both, the majors in more, so that different
 * quotes, a conversion market and triangles exist. It moves no price.
 */
import { COINS, type Coin, UNITS } from './coins.ts'
import type { SandboxExchange, SimulatedMarket } from './source.ts'

export const DEFAULT_SYMBOLS = 24
/** Long-run dollar prices of what coins are quoted in; they move about these. */
export const MONEY_USD: Readonly<Record<string, number>> = {
  USD: 1,
  USDT: 0.9998,
  USDC: 0.9999,
  EUR: 1.0852,
}

/** A listing with what the model needs to give it life. */
export interface Listing extends SimulatedMarket {
  /** 0 for the most traded coin */
  readonly rank: number
  /** dollar price of one base unit at the start */
  readonly base_usd: number
  /** dollar price of one quote unit at the start */
  readonly quote_usd: number
  /** share of the coin's activity on this exchange that is traded in this quote */
  readonly activity: number
}

/**
 * Taker list prices of the lowest tier, seen on 2026-07-26: binance.com/en/fee, bybit.com (VIP 0),
 * exchange.coinbase.com fees, kraken.com/features/fee-schedule (tier 1; stable pairs 0.20).
 */
const TAKER_FEE_PERCENT: Readonly<Record<SandboxExchange, string>> = {
  binance: '0.1',
  bybit: '0.1',
  coinbase: '0.6',
  kraken: '0.8',
}
const KRAKEN_STABLE_FEE_PERCENT = '0.2'

/** Coinbase trades only the most popular coins in USDT, Kraken many more. */
const COINBASE_USDT_COINS = 8
const KRAKEN_USDT_COINS = 60

interface Pair {
  readonly base: string
  readonly quote: string
  readonly exchanges: readonly SandboxExchange[]
}

/** The markets through which one money turns into another. */
const CONVERSIONS: readonly Pair[] = [
  { base: 'USDT', quote: 'USD', exchanges: ['coinbase', 'kraken'] },
  { base: 'USDC', quote: 'USDT', exchanges: ['binance', 'bybit', 'kraken'] },
  { base: 'USDC', quote: 'USD', exchanges: ['kraken'] },
  { base: 'EUR', quote: 'USDT', exchanges: ['binance'] },
  { base: 'EUR', quote: 'USD', exchanges: ['kraken'] },
  { base: 'USDT', quote: 'EUR', exchanges: ['kraken'] },
]

/** Coinbase has no USDC books: they are its dollar books. */
const CROSSES: readonly Pair[] = [
  { base: 'BTC', quote: 'USDC', exchanges: ['binance', 'bybit'] },
  { base: 'ETH', quote: 'USDC', exchanges: ['binance', 'bybit'] },
  { base: 'BTC', quote: 'EUR', exchanges: ['binance', 'coinbase', 'kraken'] },
  { base: 'ETH', quote: 'EUR', exchanges: ['coinbase', 'kraken'] },
  { base: 'ETH', quote: 'BTC', exchanges: ['binance', 'bybit', 'coinbase', 'kraken'] },
  { base: 'SOL', quote: 'BTC', exchanges: ['binance', 'bybit', 'kraken'] },
  { base: 'XRP', quote: 'BTC', exchanges: ['binance', 'bybit', 'kraken'] },
  { base: 'LTC', quote: 'BTC', exchanges: ['binance', 'coinbase', 'kraken'] },
  { base: 'LINK', quote: 'BTC', exchanges: ['binance', 'coinbase', 'kraken'] },
  // nobody else lists these: only a longer chain leads back
  { base: 'ADA', quote: 'BTC', exchanges: ['coinbase'] },
  { base: 'AVAX', quote: 'BTC', exchanges: ['coinbase'] },
  { base: 'DOT', quote: 'BTC', exchanges: ['kraken'] },
  { base: 'SOL', quote: 'ETH', exchanges: ['binance', 'coinbase', 'kraken'] },
  { base: 'ADA', quote: 'ETH', exchanges: ['binance', 'kraken'] },
]

const MINIMUM_NOTIONAL: Readonly<Record<SandboxExchange, Readonly<Record<string, string>>>> = {
  binance: { USDT: '5', USDC: '5', EUR: '5', BTC: '0.0001', ETH: '0.001' },
  bybit: { USDT: '5', USDC: '5', BTC: '0.0001', ETH: '0.001' },
  coinbase: { USD: '1', USDT: '1', EUR: '1', BTC: '0.000016', ETH: '0.00022' },
  kraken: { USD: '0.5', USDT: '0.5', EUR: '0.45', BTC: '0.00002', ETH: '0.0002' },
}

/**
 * The listings of the `symbols` most traded coins, in a fixed order.
 * @throws RangeError when `symbols` is not a whole number from 1 to the number of known coins.
 */
export function listings(symbols: number): readonly Listing[] {
  if (!Number.isInteger(symbols) || symbols < 1 || symbols > COINS.length) {
    throw new RangeError(`symbols must be a whole number from 1 to ${COINS.length}: ${symbols}`)
  }
  const coins = COINS.slice(0, symbols)
  return [...coins.flatMap(dollarListings), ...conversionListings(), ...crossListings(coins)]
}

function dollarListings(coin: Coin, rank: number): Listing[] {
  return coin.exchanges.flatMap((exchange) =>
    quotesOf(exchange, rank).map((quote, position) =>
      listing(exchange, coin, quote, rank, position === 0 ? 1 : 0.4),
    ),
  )
}

/** The exchange's main quote first. */
function quotesOf(exchange: SandboxExchange, rank: number): string[] {
  if (exchange === 'coinbase') return rank < COINBASE_USDT_COINS ? ['USD', 'USDT'] : ['USD']
  if (exchange === 'kraken') return rank < KRAKEN_USDT_COINS ? ['USD', 'USDT'] : ['USD']
  return ['USDT']
}

function conversionListings(): Listing[] {
  return CONVERSIONS.flatMap(({ base, quote, exchanges }) =>
    exchanges.map((exchange) =>
      listing(exchange, { asset: base, usd_price: moneyUsd(base) }, quote, 0, 0.4),
    ),
  )
}

function crossListings(coins: readonly Coin[]): Listing[] {
  const known = new Map(coins.map((coin, rank) => [coin.asset, { coin, rank }]))
  return CROSSES.flatMap(({ base, quote, exchanges }) => {
    const found = known.get(base)
    if (!found || !(known.has(quote) || quote in MONEY_USD)) return []
    return exchanges.map((exchange) => listing(exchange, found.coin, quote, found.rank, 0.3))
  })
}

/** A listing at starting prices. */
function listing(
  exchange: SandboxExchange,
  base: Pick<Coin, 'asset' | 'usd_price'>,
  quote: string,
  rank: number,
  activity: number,
): Listing {
  const quote_usd = startingUsdPrice(quote)
  const unit = UNITS[base.asset]?.[exchange]
  const asset = unit?.asset ?? base.asset
  const base_usd = base.usd_price * (unit?.units ?? 1)
  const size_decimals = sizeDecimals(exchange, base_usd)
  return {
    exchange,
    base: asset,
    quote,
    symbol: `${asset}/${quote}`,
    ...(unit === undefined ? {} : { coin: base.asset, units: unit.units }),
    price_decimals: priceDecimals(exchange, base_usd / quote_usd),
    size_decimals,
    minimum_size: minimumSize(exchange, base_usd, size_decimals),
    minimum_notional: minimumNotional(exchange, quote),
    taker_fee_percent: takerFeePercent(exchange, base.asset),
    rank,
    base_usd,
    quote_usd,
    activity,
  }
}

function takerFeePercent(exchange: SandboxExchange, base: string): string {
  if (exchange === 'kraken' && base in MONEY_USD) return KRAKEN_STABLE_FEE_PERCENT
  return TAKER_FEE_PERCENT[exchange]
}

function startingUsdPrice(asset: string): number {
  const coin = COINS.find((candidate) => candidate.asset === asset)
  return coin?.usd_price ?? moneyUsd(asset)
}

function moneyUsd(asset: string): number {
  const price = MONEY_USD[asset]
  if (price === undefined) throw new Error(`no price is known for ${asset}`)
  return price
}

function minimumNotional(exchange: SandboxExchange, quote: string): string {
  const minimum = MINIMUM_NOTIONAL[exchange][quote]
  if (minimum === undefined) throw new Error(`${exchange} states no minimum in ${quote}`)
  return minimum
}

/** Four to six significant digits, as each exchange is used to: BTC 2, 1, 2 and 1 decimals. */
function priceDecimals(exchange: SandboxExchange, price: number): number {
  const magnitude = Math.floor(Math.log10(price))
  switch (exchange) {
    case 'binance':
      return clamp(4 - magnitude, 2, 8)
    case 'bybit':
      return clamp(4 - magnitude, 1, 8)
    case 'coinbase':
      return clamp(4 - magnitude, 2, 8)
    case 'kraken':
      return clamp(5 - magnitude, 1, 9)
  }
}

/** Binance and Bybit keep a lot near a dollar or ten cents; Coinbase and Kraken allow dust. */
function sizeDecimals(exchange: SandboxExchange, usd_price: number): number {
  const magnitude = Math.floor(Math.log10(usd_price))
  switch (exchange) {
    case 'binance':
      return clamp(magnitude + 1, 0, 5)
    case 'bybit':
      return clamp(magnitude + 2, 0, 6)
    case 'coinbase':
      return usd_price >= 1 ? 8 : usd_price >= 0.01 ? 6 : 0
    case 'kraken':
      return usd_price >= 0.001 ? 8 : usd_price >= 0.0001 ? 5 : 2
  }
}

/** Kraken's ordermin is worth a few dollars; the others accept a single lot. */
function minimumSize(exchange: SandboxExchange, usd_price: number, size_decimals: number): string {
  const exponent = Math.floor(Math.log10(5 / usd_price))
  if (exchange !== 'kraken' || exponent < -size_decimals) return powerOfTen(-size_decimals)
  return powerOfTen(exponent)
}

/** The same listing with another price of its base, and the digits and minimums that go with it. */
export function repriced(known: Listing, base_usd: number): Listing {
  const { exchange, quote_usd } = known
  const size_decimals = sizeDecimals(exchange, base_usd)
  return {
    ...known,
    base_usd,
    price_decimals: priceDecimals(exchange, base_usd / quote_usd),
    size_decimals,
    minimum_size: minimumSize(exchange, base_usd, size_decimals),
  }
}

function powerOfTen(exponent: number): string {
  return exponent >= 0 ? `1${'0'.repeat(exponent)}` : `0.${'0'.repeat(-exponent - 1)}1`
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high)
}
