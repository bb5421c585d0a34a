/**
 * Why a chain that looks profitable must not be published. Each guard has a name, a counter and a
 * sentence with the figures; the first that objects decides. Those of `objection` judge the legs,
 * those of `sizeObjection` what the walk made of them. They refuse, and change nothing.
 */
import type { ExpiryReason } from '../../shared/opportunity.ts'
import type { MarketBook } from '../book/books.ts'
import type { Guard } from './candidate.ts'
import type { ChainLeg } from './chain.ts'
import type { Fees } from './fees.ts'
import { type AssetIdentity, identify } from './identity.ts'
import type { PriceTest } from './price-test.ts'

export interface DataLimits {
  readonly max_book_age_ms: number
  readonly max_skew_ms: number
}

export interface SizeLimits {
  /** net of fees; above it the reading is held for review, not published */
  readonly max_percent: number
  readonly min_volume_usd: number
}

/** Whether frames wait before we see them: then every book looks fresher than it is. */
export interface Arrivals {
  /** the event loop is late: frames of any connection may have waited */
  readonly late: () => boolean
  /** this market's connection delivers late */
  readonly behind: (entry: MarketBook) => boolean
}

export interface GuardContext {
  readonly limits: DataLimits
  /** our monotonic clock */
  readonly now_ms: number
  /** frames may have waited before we saw them */
  readonly is_late: boolean
  /** this market's connection delivers late */
  readonly behind: (entry: MarketBook) => boolean
  readonly fees: Fees
  readonly prices: Pick<PriceTest, 'suspect'>
}

export interface Refusal {
  readonly guard: Guard
  /** how an open opportunity ends when this guard objects to it; null: it is judged later */
  readonly reason: Exclude<ExpiryReason, 'shutdown'> | null
  /** plain words with the figures, for people */
  readonly why: string
}

/** What the guards need to know of a leg. */
export type GuardedLeg = Pick<ChainLeg, 'entry' | 'side'>

/** A book that has just become live may still be catching up with a burst. */
const QUARANTINE_MS = 100

/** The first objection to pricing with these legs now, or null. */
export function objection(legs: readonly GuardedLeg[], context: GuardContext): Refusal | null {
  const { limits, now_ms } = context
  return (
    assetObjection(legs) ??
    feeObjection(legs, context) ??
    bookObjections(legs, limits, now_ms) ??
    backlogObjection(legs, context) ??
    priceObjection(legs, context)
  )
}

/** What the books themselves object to: also how a chain that lost its price ended. */
export function bookObjections(
  legs: readonly GuardedLeg[],
  limits: DataLimits,
  now_ms: number,
): Refusal | null {
  for (const { entry } of legs) {
    const refusal = bookObjection(entry, limits, now_ms)
    if (refusal !== null) return refusal
  }
  const apart_ms = skew_ms(legs)
  if (!(apart_ms > limits.max_skew_ms)) return null
  const why = `the books are ${ms(apart_ms)} apart, limit ${ms(limits.max_skew_ms)}`
  return { guard: 'skew', reason: 'stale', why }
}

function backlogObjection(
  legs: readonly GuardedLeg[],
  { behind, is_late }: GuardContext,
): Refusal | null {
  const leg = legs.find(({ entry }) => behind(entry))
  if (leg !== undefined) {
    const why = `${nameOf(leg.entry)} arrives late: its connection has a backlog`
    return { guard: 'backlog', reason: 'stale', why }
  }
  if (!is_late) return null
  // a late turn is short, or the connections fall behind: it ends nothing and opens nothing
  return { guard: 'backlog', reason: null, why: 'the event loop is late: frames may have waited' }
}

/** How far apart the moments are at which the legs' books were last known to be current. */
export function skew_ms(legs: readonly GuardedLeg[]): number {
  let [oldest, newest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const { entry } of legs) {
    oldest = Math.min(oldest, entry.confirmed_ms)
    newest = Math.max(newest, entry.confirmed_ms)
  }
  return newest - oldest
}

/** Objects to the figures of a chain that was walked and settled. */
export function sizeObjection(
  figures: { readonly profit_percent: string; readonly volume_usd: string },
  limits: SizeLimits,
): Refusal | null {
  const { profit_percent, volume_usd } = figures
  if (Number(volume_usd) < limits.min_volume_usd) {
    return belowMinimum(`worth ${volume_usd} US dollars, minimum ${limits.min_volume_usd}`)
  }
  if (Number(profit_percent) > limits.max_percent) {
    const why = `net profit of ${profit_percent} % is above ${limits.max_percent} %: held for review`
    return { guard: 'implausible', reason: 'closed', why }
  }
  return null
}

/** A size that no exchange, or not the operator, lets pass. */
export function belowMinimum(why: string): Refusal {
  return { guard: 'below_minimum', reason: 'closed', why }
}

/** What a leg gives and what it receives. */
function given({ entry, side }: GuardedLeg): AssetIdentity {
  const { exchange, base, quote } = entry.market
  return identify(exchange, side === 'buy' ? quote : base)
}

function received({ entry, side }: GuardedLeg): AssetIdentity {
  const { exchange, base, quote } = entry.market
  return identify(exchange, side === 'buy' ? base : quote)
}

/** What one leg receives the next gives, and the last the first: it must be the same coin. */
function assetObjection(legs: readonly GuardedLeg[]): Refusal | null {
  for (let i = 0; i < legs.length; i++) {
    const leg = legs[i] as GuardedLeg
    const next = legs[(i + 1) % legs.length] as GuardedLeg
    const [got, wanted] = [received(leg), given(next)]
    if (got.refused !== null) {
      const why = `${got.ticker} on ${leg.entry.market.exchange} is leveraged, rebasing or a share`
      return { guard: got.refused, reason: 'closed', why }
    }
    if (got.coin !== wanted.coin) {
      const [here, there] = [leg.entry.market.exchange, next.entry.market.exchange]
      const why = `${got.ticker} on ${here} is not known to be ${wanted.ticker} on ${there}`
      return { guard: 'identity', reason: 'closed', why }
    }
  }
  return null
}

function feeObjection(legs: readonly GuardedLeg[], { fees }: GuardContext): Refusal | null {
  const leg = legs.find(({ entry }) => fees.of(entry.market) === null)
  if (leg === undefined) return null
  const why = `nobody states what ${nameOf(leg.entry)} charges`
  return { guard: 'fee_unknown', reason: 'closed', why }
}

function bookObjection(entry: MarketBook, limits: DataLimits, now_ms: number): Refusal | null {
  const { state, reason, book } = entry
  const name = nameOf(entry)
  if (state === 'halted' || !entry.market.trading) {
    return { guard: 'halted', reason: 'halted', why: `${name} does not trade` }
  }
  if (state !== 'live') {
    const ended = reason === null || reason === 'halted' ? 'stale' : reason
    return { guard: 'stale', reason: ended, why: `the book of ${name} is ${state}` }
  }
  if (book.bids.length === 0 || book.asks.length === 0) {
    return { guard: 'halted', reason: 'halted', why: `a side of ${name} is empty` }
  }
  if (book.crossed) {
    return { guard: 'crossed', reason: 'stale', why: `the book of ${name} is crossed` }
  }
  const age_ms = now_ms - entry.confirmed_ms
  // NaN (never confirmed) must fail too, hence the negation.
  if (!(age_ms <= limits.max_book_age_ms)) {
    const why = `the book of ${name} is ${ms(age_ms)} old, limit ${ms(limits.max_book_age_ms)}`
    return { guard: 'stale', reason: 'stale', why }
  }
  const live_ms = now_ms - entry.since_ms
  if (live_ms < QUARANTINE_MS) {
    const why = `${name} is live for ${ms(live_ms)}, trusted after ${ms(QUARANTINE_MS)}`
    return { guard: 'quarantine', reason: 'stale', why }
  }
  return null
}

/** Within one exchange a coin is what it is: only between exchanges does its price tell. */
function priceObjection(legs: readonly GuardedLeg[], { prices }: GuardContext): Refusal | null {
  const exchange = legs[0]?.entry.market.exchange
  if (legs.every(({ entry }) => entry.market.exchange === exchange)) return null
  const leg = legs.find(({ entry }) => prices.suspect(entry))
  if (leg === undefined) return null
  const why = `the price of ${nameOf(leg.entry)} is not that of the other exchanges: another coin?`
  return { guard: 'identity', reason: 'closed', why }
}

function nameOf({ market }: MarketBook): string {
  return `${market.exchange} ${market.market}`
}

/** 6120.4 → "6,120 ms" */
function ms(duration_ms: number): string {
  if (!Number.isFinite(duration_ms)) return 'an unknown time'
  return `${String(Math.round(duration_ms)).replace(/\B(?=(\d{3})+$)/g, ',')} ms`
}
