/**
 * Holds what the worker claimed against the books that were on the wire: which gaps there were, for
 * how long, and which claims could have been taken when they were made. It counts nothing; score.ts
 * does. What lies within rounding of a threshold must be neither found nor left out.
 */
import {
  baseCoin,
  type ChainType,
  coinGiven,
  type Leg,
  type NamedLeg,
  named,
} from '../../sandbox/market/chain.ts'
import { ChainFinder, type Found } from '../../sandbox/market/finder.ts'
import { type Family, familyOf } from '../../sandbox/market/routes.ts'
import type { SimulatedMarket } from '../../sandbox/market/source.ts'
import { WireBooks, type WireEvent } from './wire.ts'

/** An opportunity as the worker announced it. */
export interface Claim {
  readonly id: string
  readonly type: ChainType
  readonly legs: readonly NamedLeg[]
  readonly detected_ms: number
  /** infinite while it is open */
  readonly expired_ms: number
}

export interface JudgedClaim extends Claim {
  /** undefined: its legs are no chain that the market has */
  readonly key: string | undefined
  /** what each leg gives, in order */
  readonly coins: readonly string[]
  readonly is_true: boolean
}

export interface Gap {
  readonly key: string
  readonly type: ChainType
  readonly from_ms: number
  readonly to_ms: number
  /** at its best moment */
  readonly profit_percent: number
  readonly legs: readonly NamedLeg[]
  readonly coins: readonly string[]
}

export interface Case {
  readonly markets: readonly SimulatedMarket[]
  readonly wire: readonly WireEvent[]
  readonly claims: readonly Claim[]
  readonly min_percent: number
  readonly min_volume_usd: number
  /** false: nobody could trade there at that time, whatever the wire said */
  readonly tradable: (leg: { exchange: string; symbol: string }, ts: number) => boolean
}

/** From a frame to the announcement: a claim is true when its chain paid within so long before it. */
export const ANNOUNCED_WITHIN_MS = 150
/** Percentage points and share of the volume by which Float64, lots and a dollar's worth may differ. */
const PERCENT_SLACK = 0.002
const VOLUME_SLACK = 0.01

export function judge({ markets, wire, claims, tradable, ...limits }: Case) {
  const books = new WireBooks(markets)
  let now_ms = 0
  const options = {
    books,
    usdPrice: (coin: string) => usdOnWire(books, coin),
    tradable: (index: number) => {
      const market = markets[index]
      return market !== undefined && books.isLive(index) && tradable(market, now_ms)
    },
  }
  const certain = new ChainFinder({
    ...options,
    min_percent: limits.min_percent + PERCENT_SLACK,
    min_volume_usd: limits.min_volume_usd * (1 + VOLUME_SLACK),
  })
  const possible = new ChainFinder({
    ...options,
    min_percent: limits.min_percent - PERCENT_SLACK,
    min_volume_usd: limits.min_volume_usd * (1 - VOLUME_SLACK),
  })
  const gaps: Gap[] = []
  const open = new Map<Family, { from_ms: number; best: Found }>()
  const pending = claims
    .map((claim) => ({ claim, legs: legsOf(markets, claim), is_true: false }))
    .sort((a, b) => a.claim.detected_ms - b.claim.detected_ms)
  let [first, next] = [0, 0]

  const end = (family: Family, to_ms: number) => {
    const gap = open.get(family)
    if (gap === undefined) return
    open.delete(family)
    const { legs, profit_percent } = gap.best
    const { key, type } = family
    const [names, coins] = [namesOf(markets, legs), coinsOf(markets, legs)]
    gaps.push({ key, type, from_ms: gap.from_ms, to_ms, profit_percent, legs: names, coins })
  }
  for (const event of wire) {
    // what stood until this message is what claims up to it may have seen
    while (
      pending[next] &&
      (pending[next]?.claim.detected_ms ?? 0) <= event.ts + ANNOUNCED_WITHIN_MS
    ) {
      next++
    }
    for (const one of pending.slice(first, next)) {
      if (!one.is_true && one.legs) one.is_true = possible.judge(one.legs) !== undefined
    }
    while (pending[first] && (pending[first]?.claim.detected_ms ?? 0) < event.ts) first++
    now_ms = event.ts
    const changed = books.apply(event)
    if (changed === undefined) continue
    for (const [family, found] of certain.look(new Set([changed]))) {
      const gap = open.get(family)
      if (found === undefined) end(family, now_ms)
      else if (gap === undefined) open.set(family, { from_ms: now_ms, best: found })
      else if (found.profit_percent > gap.best.profit_percent) gap.best = found
    }
  }
  for (const family of [...open.keys()]) end(family, now_ms)
  const judged = pending.map(({ claim, legs, is_true }): JudgedClaim => {
    const coins = legs ? coinsOf(markets, legs) : []
    return { ...claim, key: legs && familyOf(markets, legs), coins, is_true }
  })
  return { gaps, claims: judged }
}

/** The legs as indices; undefined when the market does not have one of them. */
function legsOf(markets: readonly SimulatedMarket[], { legs }: Claim): Leg[] | undefined {
  const found = legs.map(({ exchange, symbol, side }) => ({
    market: markets.findIndex((one) => one.exchange === exchange && one.symbol === symbol),
    side,
  }))
  const is_chain =
    found.every(({ market }) => market >= 0) && familyOf(markets, found) !== undefined
  return is_chain ? found : undefined
}

function namesOf(markets: readonly SimulatedMarket[], legs: readonly Leg[]): NamedLeg[] {
  return legs.flatMap(({ market, side }) => {
    const listed = markets[market]
    return listed ? [named(listed, side)] : []
  })
}

function coinsOf(markets: readonly SimulatedMarket[], legs: readonly Leg[]): string[] {
  return legs.flatMap(({ market, side }) => {
    const listed = markets[market]
    return listed ? [coinGiven(listed, side)] : []
  })
}

/** Dollars for one coin, by the mid prices on the wire, through tethers where nobody trades it in dollars. */
function usdOnWire(books: WireBooks, coin: string): number | undefined {
  if (coin === 'USD') return 1
  const direct = mid(books, coin, 'USD')
  if (direct !== undefined) return direct
  const [tethers, tether] = [mid(books, coin, 'USDT'), mid(books, 'USDT', 'USD')]
  return tethers === undefined || tether === undefined ? undefined : tethers * tether
}

/** The median over the exchanges that trade the pair. */
function mid(books: WireBooks, coin: string, quote: string): number | undefined {
  const mids = books.markets.flatMap((market, index) => {
    if (baseCoin(market) !== coin || market.quote !== quote || !books.isLive(index)) return []
    const [bids, asks] = [books.side(index, 'bid'), books.side(index, 'ask')]
    if (bids.length === 0 || asks.length === 0) return []
    const ticks = (bids.price(0) + asks.price(0)) / 2
    return [(ticks * 10 ** -market.price_decimals) / (market.units ?? 1)]
  })
  return mids.sort((a, b) => a - b)[mids.length >> 1]
}
