/** Writes a refused chain down for people: which guard, why, and what it looked like at the top. */
import { fixed } from '../../shared/decimal.ts'
import type { NearMiss } from './candidate.ts'
import { type ChainLeg, topRateOf, unitsGiven } from './chain.ts'
import type { Refusal } from './guards.ts'
import type { Slot } from './slot.ts'

export interface Refused {
  readonly slot: Slot
  readonly key: string
  readonly legs: readonly ChainLeg[]
  readonly refusal: Pick<Refusal, 'guard' | 'why'>
  /** US dollars for one coin of what the chain begins with */
  readonly usd_rate: number | null
  /** monotonic clock, ms */
  readonly now_ms: number
}

const PERCENT_DECIMALS = 4

export function nearMissOf({ slot, key, legs, refusal, usd_rate, now_ms }: Refused): NearMiss {
  const [first, last] = [legs[0], legs[slot.sell_leg]]
  if (first === undefined || last === undefined) throw new RangeError('a chain has legs')
  let [net, gross] = [1, 1]
  let capacity = Number.POSITIVE_INFINITY
  for (const leg of legs) {
    capacity = Math.min(capacity, topCapacity(leg) / net)
    net *= topRateOf(leg)
    gross *= topRateOf(leg) / leg.keep
  }
  const volume_usd = usd_rate === null ? Number.NaN : capacity * usd_rate
  return {
    key,
    type: slot.type,
    symbol: first.market.symbol,
    buy_exchange: first.market.exchange,
    sell_exchange: last.market.exchange,
    guard: refusal.guard,
    why: refusal.why,
    gross_percent: percent(gross),
    net_percent: percent(net),
    volume_usd: Number.isFinite(volume_usd) ? fixed(volume_usd, 2) : null,
    legs: legs.map((leg) => legOf(leg, now_ms)),
  }
}

/** What the best level takes, in coins given. */
function topCapacity(leg: ChainLeg): number {
  const { bids, asks } = leg.entry.book
  const size = leg.side === 'buy' ? asks.price(0) * asks.size(0) : bids.size(0)
  return size * unitsGiven(leg)
}

function legOf({ entry, market, side, fee }: ChainLeg, now_ms: number): NearMiss['legs'][number] {
  const { book, confirmed_ms } = entry
  const levels = side === 'buy' ? book.asks : book.bids
  const age_ms = Math.round(now_ms - confirmed_ms)
  return {
    exchange: market.exchange,
    market: market.market,
    symbol: market.symbol,
    side,
    price: text(levels.price(0), book.price_decimals),
    size: text(levels.size(0), book.size_decimals),
    fee_percent: fee?.percent ?? null,
    book_age_ms: Number.isNaN(age_ms) ? null : Math.max(0, age_ms),
  }
}

/** null: that side of the book is empty. */
function text(value: number, decimals: number): string | null {
  return Number.isNaN(value) ? null : fixed(value, decimals)
}

function percent(rate: number): string | null {
  return Number.isFinite(rate) ? fixed((rate - 1) * 100, PERCENT_DECIMALS) : null
}
