/**
 * Which shard a chain belongs to. Every chain has exactly one, told by its legs alone, so that several
 * workers find nothing twice: that of its coin, by a hash of the ticker. Coins that others are priced
 * in are hubs; they belong to no shard, and their markets are watched by every worker. Of two coins
 * that are no hubs the first of the alphabet decides; a chain of hubs alone belongs to shard 0.
 *
 * What is given up with more than one shard: a chain of four or five legs through two such coins of
 * different shards is found only where one worker happens to lead both.
 */
import { identify } from './detection/identity.ts'

/** Money and the coins that chains are bridged with; what a chain is quoted in is one as well. */
const HUBS: ReadonlySet<string> = new Set(
  'USD USDT USDC EUR GBP TRY BRL JPY AUD CAD CHF DAI FDUSD TUSD BTC ETH BNB'.split(' '),
)

/** A leg, or a market. */
interface Traded {
  readonly exchange: string
  /** canonical BASE/QUOTE */
  readonly symbol: string
}

export function shardOf(legs: readonly Traded[], shard_count: number): number {
  if (shard_count === 1) return 0
  const quotes = new Set(legs.map((leg) => tickersOf(leg)[1]))
  const coins = legs.map((leg) => tickersOf(leg)[0])
  const [first] = coins.filter((coin) => !isHub(coin, quotes)).sort()
  return first === undefined ? 0 : hash(first) % shard_count
}

/** `quotes`: what anything that is watched is priced in. */
export function isHub(ticker: string, quotes: ReadonlySet<string>): boolean {
  return HUBS.has(ticker) || quotes.has(ticker)
}

/** Of base and quote, as all exchanges call them. */
export function tickersOf({ exchange, symbol }: Traded): readonly [base: string, quote: string] {
  const [base = '', quote = ''] = symbol.split('/')
  return [identify(exchange, base).ticker, identify(exchange, quote).ticker]
}

/** FNV-1a of the ticker's characters, the same in every process and version. */
function hash(ticker: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < ticker.length; i++) {
    value = Math.imul(value ^ ticker.charCodeAt(i), 0x01000193) >>> 0
  }
  return value
}
