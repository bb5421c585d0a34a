/**
 * What the guards may say, judged by what was told to us: whether a market can be priced, whether a
 * chain may be held back though it pays, and whether a refusal told the truth. Shares no code with
 * the guards, and knows their reasons only as far as people are promised them.
 */
import type { NearMiss } from '../detection/candidate.ts'
import type { DataLimits } from '../detection/guards.ts'
import { type Chain, chainOf } from './chains.ts'
import { COINS } from './story.ts'
import { isHalted, isWhole, type View, type Views } from './views.ts'

/** What is going on at our end, as the world knows it. */
export interface Circumstances {
  readonly now_ms: number
  /** the loop was blocked a moment ago: what is read now may have waited */
  readonly is_late: boolean
  /** we may call ourselves late: how late depends on where between two ticks the loop stood */
  readonly may_be_late: boolean
}

const TRUSTED_AFTER_MS = 100
/** two prices may be those of two coins when they are off by so much together: 3, as samples lag */
const APART_PERCENT = 2.4
/** what a coin is worth is asked again so often, and what was held back looked at again */
const DOLLARS_LAST_MS = 1_000
const RECHECK_EVERY_MS = 250
const BRIDGES = ['BTC', 'ETH', 'USDT']

export class Guarding {
  private readonly views: Views
  private readonly limits: DataLimits
  /** when two prices were last so far apart that they may be those of two coins */
  private apart_ms = Number.NEGATIVE_INFINITY
  /** by market: the farthest that it was lately */
  private readonly off = new Map<View, { readonly percent: number; readonly seen_ms: number }>()
  /** by coin: when nobody could say last what it is worth */
  private readonly worthless_ms = new Map<string, number>()

  constructor(views: Views, limits: DataLimits) {
    this.views = views
    this.limits = limits
  }

  /** Call it at every look: what holds a chain back may do so for a while longer. */
  note(now_ms: number): void {
    const off = this.views.all.map((view) => this.offOf(view, now_ms))
    const [most = 0, second = 0] = off.sort((a, b) => b - a)
    if (most + second > APART_PERCENT) this.apart_ms = now_ms
    for (const coin of Object.keys(COINS)) {
      if (!this.isPriced(coin)) this.worthless_ms.set(coin, now_ms)
    }
  }

  /** By how many percent a price is off, or was while dollars may still be reckoned by it. */
  private offOf(view: View, now_ms: number): number {
    const percent = Math.abs(view.held?.percent ?? 0)
    const known = this.off.get(view)
    if (known !== undefined && now_ms - known.seen_ms <= DOLLARS_LAST_MS + RECHECK_EVERY_MS) {
      if (known.percent > percent) return known.percent
    }
    this.off.set(view, { percent, seen_ms: now_ms })
    return percent
  }

  /** Markets that can be priced now. */
  able(now_ms: number): Set<View> {
    return new Set(this.views.all.filter((view) => this.objection(view, now_ms) === null))
  }

  /** Why these may not be priced together; null when they may. */
  objections(views: readonly View[], now_ms: number): string | null {
    for (const view of views) {
      const why = this.objection(view, now_ms)
      if (why !== null) return why
    }
    const apart_ms = skew_ms(views)
    return apart_ms > this.limits.max_skew_ms ? `the books are ${apart_ms} ms apart` : null
  }

  /** By a guard that judges more than one market. */
  mayHold(chain: Chain, views: readonly View[], now_ms: number): boolean {
    const worthless_ms = this.worthless_ms.get(chain.coins[0] as string) ?? Number.NaN
    return (
      skew_ms(views) > this.limits.max_skew_ms ||
      now_ms - worthless_ms <= DOLLARS_LAST_MS ||
      this.mayBeStrange(chain, now_ms)
    )
  }

  isTrue({ guard, legs, type }: NearMiss, { now_ms, may_be_late }: Circumstances): boolean {
    const { max_book_age_ms, max_skew_ms } = this.limits
    const views = legs.map((leg) => this.views.of(leg))
    const any = (is: (view: View) => boolean) => views.some(is)
    switch (guard) {
      case 'stale':
        return any(
          ({ entry }) =>
            entry.state !== 'live' || !(now_ms - entry.confirmed_ms <= max_book_age_ms),
        )
      case 'halted':
        return any(
          (view) => isHalted(view) || view.held?.bids.length === 0 || view.held?.asks.length === 0,
        )
      case 'crossed':
        return any((view) => !isWhole(view))
      case 'quarantine':
        return any(({ entry }) => now_ms - entry.since_ms < TRUSTED_AFTER_MS)
      case 'skew':
        return skew_ms(views) > max_skew_ms
      case 'backlog':
        return may_be_late || any((view) => view.port.isBehind(view.entry))
      case 'fee_unknown':
        return any(({ entry }) => entry.market.taker_fee_percent === null)
      case 'identity':
        return this.mayBeStrange(chainOf(type, legs), now_ms)
      default:
        return guard !== 'leveraged'
    }
  }

  /** Why this market may not be priced; null when it may. */
  private objection(view: View, now_ms: number): string | null {
    const { entry, market, heard_ms } = view
    const name = `${market.spec.exchange} ${entry.market.symbol}`
    if (isHalted(view)) return `${name} does not trade`
    if (entry.state !== 'live') return `${name} is ${entry.state}`
    if (!isWhole(view)) return `${name} has no two sides apart`
    if (entry.market.taker_fee_percent === null) return `the fee of ${name} is not known`
    const age_ms = now_ms - Math.min(entry.confirmed_ms, heard_ms)
    if (!(age_ms <= this.limits.max_book_age_ms)) return `${name} was not heard of for ${age_ms} ms`
    if (now_ms - entry.since_ms < TRUSTED_AFTER_MS) return `${name} is live since a moment ago`
    return view.port.isBehind(entry) ? `${name} comes late` : null
  }

  /** Whether a live market says what a coin is worth in dollars: else it has no size. */
  private isPriced(coin: string): boolean {
    return (
      coin === 'USD' ||
      this.trades(coin, 'USD') ||
      BRIDGES.some((bridge) => this.trades(coin, bridge) && this.trades(bridge, 'USD'))
    )
  }

  private trades(one: string, other: string): boolean {
    return this.views.all.some(({ entry, market: { spec } }) => {
      const here = [spec.base, spec.quote]
      return entry.state === 'live' && here.includes(one) && here.includes(other)
    })
  }

  /**
   * A price that is far from the others may be another coin's; within one exchange it never is, but
   * longer cycles are not made of a market that is doubted elsewhere.
   */
  private mayBeStrange({ type, names }: Chain, now_ms: number): boolean {
    const exchanges = new Set(names.map((name) => name.split(' ')[1]))
    if (exchanges.size === 1 && type !== 'multi_leg') return false
    return now_ms - this.apart_ms <= DOLLARS_LAST_MS + RECHECK_EVERY_MS
  }
}

function skew_ms(views: readonly View[]): number {
  const confirmed = views.map(({ entry }) => entry.confirmed_ms)
  return Math.max(...confirmed) - Math.min(...confirmed)
}
