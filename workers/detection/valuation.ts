/**
 * What an asset is worth in US dollars, through live books only: a stablecoin is worth what it
 * trades at, never assumed to be a dollar. An asset without a live route has no value (null), and a
 * chain that begins with it makes no opportunity.
 */
import type { Clock } from '../../shared/clock.ts'
import type { Books, MarketBook } from '../book/books.ts'

const DOLLAR = 'USD'
/** Assets that are traded both for dollars and for other quotes, best known first. */
const BRIDGES = ['BTC', 'ETH', 'USDT', 'USDC']
/** A rate moves little in this time, and an opportunity's size in dollars needs no more precision. */
const KEEP_MS = 1_000

export interface Valuation {
  /** US dollars for one unit, or null when no live book says. */
  usd(asset: string): number | null
}

export function createValuation(books: Books, clock: Clock): Valuation {
  const known = new Map<string, { readonly rate: number | null; readonly at_ms: number }>()
  return {
    usd(asset) {
      if (asset === DOLLAR) return 1
      const now_ms = clock.monotonic_ms()
      const cached = known.get(asset)
      if (cached !== undefined && now_ms - cached.at_ms < KEEP_MS) return cached.rate
      const rate = direct(books, asset, DOLLAR) ?? bridged(books, asset)
      known.set(asset, { rate, at_ms: now_ms })
      return rate
    },
  }
}

/** One unit of `asset` in `quote` through any live market of the two, in either direction. */
function direct(books: Books, asset: string, quote: string): number | null {
  const mids: number[] = []
  for (const entry of books.all) {
    const { base, quote: priced_in } = entry.market
    if (base === asset && priced_in === quote) pushMid(mids, entry, false)
    else if (base === quote && priced_in === asset) pushMid(mids, entry, true)
  }
  if (mids.length === 0) return null
  mids.sort((a, b) => a - b)
  return mids[mids.length >> 1] as number
}

function pushMid(mids: number[], entry: MarketBook, inverse: boolean): void {
  if (entry.state !== 'live') return
  const mid = (entry.book.bids.price(0) + entry.book.asks.price(0)) / 2
  if (mid > 0) mids.push(inverse ? 1 / mid : mid)
}

function bridged(books: Books, asset: string): number | null {
  for (const bridge of BRIDGES) {
    if (bridge === asset) continue
    const first = direct(books, asset, bridge)
    const second = first === null ? null : direct(books, bridge, DOLLAR)
    if (first !== null && second !== null) return first * second
  }
  return null
}
