/**
 * Why a chain that looks profitable must not be published. Each guard has a name and a counter;
 * the first that objects decides. They judge the data, never the price level itself.
 */
import type { ExpiryReason } from '../../shared/opportunity.ts'
import type { MarketBook } from '../book/books.ts'
import type { Guard } from './candidate.ts'
import type { ChainLeg } from './chain.ts'

export interface DataLimits {
  readonly max_book_age_ms: number
  readonly max_skew_ms: number
}

/** Whether frames wait before we see them: then every book looks fresher than it is. */
export interface Arrivals {
  /** the event loop is late: frames of any connection may have waited */
  readonly late: () => boolean
  /** this market's connection delivers late */
  readonly behind: (entry: MarketBook) => boolean
}

export interface Refusal {
  readonly guard: Guard
  /** how an open opportunity ends when this guard objects to it; null: it is judged later */
  readonly reason: Exclude<ExpiryReason, 'shutdown'> | null
}

/** A book that has just become live may still be catching up with a burst. */
const QUARANTINE_MS = 100

/** The first objection to pricing with these legs now, or null. */
export function objection(
  legs: readonly ChainLeg[],
  limits: DataLimits,
  now_ms: number,
  arrivals?: Arrivals,
): Refusal | null {
  for (const { entry } of legs) {
    const refusal = bookObjection(entry, limits, now_ms)
    if (refusal !== null) return refusal
  }
  if (skew_ms(legs) > limits.max_skew_ms) return { guard: 'skew', reason: 'stale' }
  if (legs.some(({ entry }) => arrivals?.behind(entry))) {
    return { guard: 'backlog', reason: 'stale' }
  }
  // a late turn is short, or the connections fall behind: it ends nothing and opens nothing
  return arrivals?.late() ? { guard: 'backlog', reason: null } : null
}

/** How far apart the moments are at which the legs' books were last known to be current. */
export function skew_ms(legs: readonly ChainLeg[]): number {
  let [oldest, newest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const { entry } of legs) {
    oldest = Math.min(oldest, entry.confirmed_ms)
    newest = Math.max(newest, entry.confirmed_ms)
  }
  return newest - oldest
}

function bookObjection(entry: MarketBook, limits: DataLimits, now_ms: number): Refusal | null {
  const { state, reason, book } = entry
  if (state === 'halted' || !entry.market.trading) return { guard: 'halted', reason: 'halted' }
  if (state !== 'live') {
    return { guard: 'stale', reason: reason === null || reason === 'halted' ? 'stale' : reason }
  }
  if (book.bids.length === 0 || book.asks.length === 0) {
    return { guard: 'halted', reason: 'halted' }
  }
  if (book.crossed) return { guard: 'crossed', reason: 'stale' }
  // NaN (never confirmed) must fail too, hence the negation.
  if (!(now_ms - entry.confirmed_ms <= limits.max_book_age_ms)) {
    return { guard: 'stale', reason: 'stale' }
  }
  if (now_ms - entry.since_ms < QUARANTINE_MS) return { guard: 'quarantine', reason: 'stale' }
  return null
}
