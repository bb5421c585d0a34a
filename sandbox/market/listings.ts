/**
 * Which exchange lists which symbol, with the digits, minimums and taker fees it states, as the
 * exchanges' profiles say: so that different quotes, conversion markets and triangles exist. It
 * names no exchange and moves no price.
 */
import { COINS, type Coin } from './coins.ts'
import { type ExchangeProfile, powerOfTen } from './profile.ts'
import type { SimulatedMarket } from './source.ts'

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
  readonly profile: ExchangeProfile
}

/** The order of a market decides its luck: these pairs come first and in this order. */
const FIRST_PAIRS: readonly string[] = [
  ...['USDT/USD', 'USDC/USDT', 'USDC/USD', 'EUR/USDT', 'EUR/USD', 'USDT/EUR'],
  ...['BTC/USDC', 'ETH/USDC', 'BTC/EUR', 'ETH/EUR', 'ETH/BTC', 'SOL/BTC', 'XRP/BTC', 'LTC/BTC'],
  ...['LINK/BTC', 'ADA/BTC', 'AVAX/BTC', 'DOT/BTC', 'SOL/ETH', 'ADA/ETH'],
]

/**
 * The listings of the `symbols` most traded coins, in a fixed order.
 * @throws RangeError when `symbols` is not a whole number from 1 to the number of known coins.
 */
export function listings(
  symbols: number,
  exchanges: readonly ExchangeProfile[],
): readonly Listing[] {
  if (!Number.isInteger(symbols) || symbols < 1 || symbols > COINS.length) {
    throw new RangeError(`symbols must be a whole number from 1 to ${COINS.length}: ${symbols}`)
  }
  const coins = COINS.slice(0, symbols)
  const pairs = pairsOf(exchanges)
  return [
    ...coins.flatMap((coin, rank) => dollarListings(coin, rank, exchanges)),
    ...conversionListings(pairs),
    ...crossListings(pairs, coins),
  ]
}

interface Pair {
  readonly base: string
  readonly quote: string
  readonly exchanges: readonly ExchangeProfile[]
}

/** Every pair that anybody trades, with those who do. */
function pairsOf(exchanges: readonly ExchangeProfile[]): Pair[] {
  const names = new Set([...FIRST_PAIRS, ...exchanges.flatMap(({ pairs }) => pairs)])
  return [...names].map((name) => {
    const [base = '', quote = ''] = name.split('/')
    return { base, quote, exchanges: exchanges.filter(({ pairs }) => pairs.includes(name)) }
  })
}

function dollarListings(
  coin: Coin,
  rank: number,
  exchanges: readonly ExchangeProfile[],
): Listing[] {
  return exchanges
    .filter(({ lists }) => lists(coin))
    .flatMap((profile) =>
      profile
        .quotes(rank)
        .map((quote, position) => listing(profile, coin, quote, rank, position === 0 ? 1 : 0.4)),
    )
}

/** The markets through which one money turns into another. */
function conversionListings(pairs: readonly Pair[]): Listing[] {
  return pairs
    .filter(({ base }) => base in MONEY_USD)
    .flatMap(({ base, quote, exchanges }) =>
      exchanges.map((profile) =>
        listing(profile, { asset: base, usd_price: moneyUsd(base) }, quote, 0, 0.4),
      ),
    )
}

function crossListings(pairs: readonly Pair[], coins: readonly Coin[]): Listing[] {
  const known = new Map(coins.map((coin, rank) => [coin.asset, { coin, rank }]))
  return pairs.flatMap(({ base, quote, exchanges }) => {
    const found = known.get(base)
    if (!found || !(known.has(quote) || quote in MONEY_USD)) return []
    return exchanges.map((profile) => listing(profile, found.coin, quote, found.rank, 0.3))
  })
}

/** A listing at starting prices. */
function listing(
  profile: ExchangeProfile,
  base: Pick<Coin, 'asset' | 'usd_price'>,
  quote: string,
  rank: number,
  activity: number,
): Listing {
  const quote_usd = startingUsdPrice(quote)
  const unit = profile.units?.[base.asset]
  const asset = unit?.asset ?? base.asset
  const base_usd = base.usd_price * (unit?.units ?? 1)
  return {
    exchange: profile.id,
    base: asset,
    quote,
    symbol: `${asset}/${quote}`,
    ...(unit === undefined ? {} : { coin: base.asset, units: unit.units }),
    ...stepsOf(profile, base_usd, quote_usd),
    minimum_notional: minimumNotional(profile, quote),
    taker_fee_percent: profile.takerFeePercent(base.asset),
    push_every_ms: profile.push_every_ms,
    rank,
    base_usd,
    quote_usd,
    activity,
    profile,
  }
}

function stepsOf(profile: ExchangeProfile, base_usd: number, quote_usd: number) {
  const size_decimals = profile.sizeDecimals(base_usd)
  const minimum_size = profile.minimumSize?.(base_usd, size_decimals)
  return {
    price_decimals: profile.priceDecimals(base_usd / quote_usd),
    size_decimals,
    minimum_size: minimum_size ?? powerOfTen(-size_decimals),
  }
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

function minimumNotional({ id, minimum_notional }: ExchangeProfile, quote: string): string {
  const minimum = minimum_notional[quote]
  if (minimum === undefined) throw new Error(`${id} states no minimum in ${quote}`)
  return minimum
}

/** The same listing with another price of its base, and the digits and minimums that go with it. */
export function repriced(known: Listing, base_usd: number): Listing {
  return { ...known, base_usd, ...stepsOf(known.profile, base_usd, known.quote_usd) }
}
