/**
 * What every recorded exchange has in common: it takes the capture lines that its protocol owns and
 * becomes a server when there was a book among them. Markets that no recorded REST answer describes
 * are described by the digits of their frames.
 */
import { decimalsOfStep } from '../../shared/decimal.ts'
import type { ListedMarket } from './books.ts'
import { step } from './books.ts'
import type { CaptureLine } from './captures.ts'
import type { ExchangeServer } from './server.ts'

export interface Recording {
  /** Another file begins: nothing goes on from the last one but what ids prove. */
  startFile(): void
  /** Lines of other exchanges and protocols are passed over. */
  take(line: CaptureLine): void
  /** undefined: no book was recorded */
  server(rate: number): ExchangeServer | undefined
}

/** Longest first: a name ends in the first that fits. */
const QUOTES = [
  ...['FDUSD', 'USDT', 'USDC', 'TUSD', 'BUSD', 'USDE', 'DAI', 'USD', 'EUR', 'GBP', 'TRY', 'BRL'],
  ...['JPY', 'AUD', 'BTC', 'ETH', 'BNB', 'SOL'],
]

/** Splits a name that joins base and quote. */
export function splitJoined(name: string): readonly [string, string] {
  const quote = QUOTES.find((asset) => name.endsWith(asset) && name.length > asset.length)
  return quote === undefined ? [name, ''] : [name.slice(0, -quote.length), quote]
}

/** A market as its frames show it: its steps are the most digits seen, its minimums unknown. */
export function inferMarket(
  [base, quote]: readonly [string, string],
  prices: Iterable<string>,
  sizes: Iterable<string>,
): ListedMarket {
  const [price_decimals, size_decimals] = [mostDecimals(prices), mostDecimals(sizes)]
  return {
    base,
    quote,
    symbol: `${base}/${quote}`,
    price_decimals,
    size_decimals,
    minimum_size: step(size_decimals),
    minimum_notional: '0',
  }
}

function mostDecimals(numbers: Iterable<string>): number {
  let most = 0
  for (const text of numbers) most = Math.max(most, decimalsOfStep(text))
  return most
}

/** Every `["price","size"]` of the frames. */
export function pairsOf(frames: readonly string[]): { prices: string[]; sizes: string[] } {
  const pairs = frames.flatMap((frame) => [
    ...frame.matchAll(/"(\d+(?:\.\d+)?)","(\d+(?:\.\d+)?)"\]/g),
  ])
  return { prices: pairs.map((pair) => pair[1] ?? '0'), sizes: pairs.map((pair) => pair[2] ?? '0') }
}
