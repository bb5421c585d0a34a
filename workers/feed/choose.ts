/**
 * Which markets to watch: those that can be compared with another exchange come first. Pure; it
 * knows nothing of volumes, so ties between symbols go by a fixed list of well-known assets.
 */
import type { Market } from '../../shared/market.ts'

const QUOTES = ['USDT', 'USD', 'USDC', 'EUR', 'BTC', 'ETH']
const BASES = (
  'BTC ETH SOL XRP BNB DOGE ADA TRX LINK AVAX LTC DOT BCH SUI TON XLM SHIB HBAR UNI NEAR APT ICP ' +
  'AAVE ATOM ETC ARB OP FIL POL INJ'
).split(' ')

export interface Choice {
  /** canonical BASE/QUOTE; undefined or empty: every symbol is a candidate */
  readonly symbols?: readonly string[] | undefined
  /** most symbols to watch, each on every exchange that lists it */
  readonly max_symbols: number
  /** symbols that keep their place while anybody trades them: a halt elsewhere moves nobody */
  readonly kept?: readonly string[]
}

/**
 * Trading markets of the chosen symbols: those listed on more exchanges first, requested ones in
 * the order of the request. Quotes are never taken for each other: BTC/USD is not BTC/USDT.
 */
export function chooseMarkets(markets: readonly Market[], choice: Choice): Market[] {
  const listed = Map.groupBy(
    markets.filter((market) => market.trading),
    (market) => market.symbol,
  )
  const requested = choice.symbols ?? []
  const order = requested.length > 0 ? requested : [...(choice.kept ?? []), ...rank(listed)]
  return [...new Set(order)]
    .filter((symbol) => listed.has(symbol))
    .slice(0, choice.max_symbols)
    .flatMap((symbol) => listed.get(symbol) ?? [])
}

/** Requested symbols that no exchange lists as trading: a typing error, most likely. */
export function unknownSymbols(
  markets: readonly Market[],
  symbols: readonly string[] = [],
): string[] {
  const known = new Set(markets.filter(({ trading }) => trading).map(({ symbol }) => symbol))
  return symbols.filter((symbol) => !known.has(symbol))
}

function rank(listed: ReadonlyMap<string, readonly Market[]>): string[] {
  const keyed = [...listed].map(([symbol, [first, ...others]]) => ({
    symbol,
    keys: [-others.length, place(BASES, first?.base), place(QUOTES, first?.quote)],
  }))
  keyed.sort((a, b) => {
    for (const [i, key] of a.keys.entries()) {
      const difference = key - (b.keys[i] ?? 0)
      if (difference !== 0) return difference
    }
    return a.symbol < b.symbol ? -1 : 1
  })
  return keyed.map(({ symbol }) => symbol)
}

function place(list: readonly string[], asset: string | undefined): number {
  const index = list.indexOf(asset ?? '')
  return index < 0 ? list.length : index
}
