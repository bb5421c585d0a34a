/**
 * From books to verdicts: which chains can be taken now, and which open ones can no longer.
 * Pure but for the clock it is given: it reads books, keeps what is open, and has no timer and no
 * store. The top of the books decides first; depth is walked only when it crosses after fees.
 */
import type { Clock } from '../../shared/clock.ts'
import { add, type Decimal, decimal, divide, HUNDRED, ONE } from '../../shared/decimal.ts'
import type { Log } from '../../shared/log.ts'
import type { ExpiryReason } from '../../shared/opportunity.ts'
import type { Books, MarketBook } from '../book/books.ts'
import { type Candidate, GUARDS, type Guard, type Verdict } from './candidate.ts'
import { CrossPairs, type Pair } from './cross.ts'
import { candidateOf } from './evidence.ts'
import { createFees } from './fees.ts'
import {
  type Arrivals,
  belowMinimum,
  bookObjections,
  type DataLimits,
  type GuardContext,
  objection,
  type Refusal,
  type SizeLimits,
  sizeObjection,
} from './guards.ts'
import { PriceTest } from './price-test.ts'
import { settle } from './settle.ts'
import { createValuation, type Valuation } from './valuation.ts'
import { topRate, walk } from './walk.ts'

export interface DetectorLimits extends DataLimits, SizeLimits {
  /** net of fees; below it nothing is published */
  readonly min_percent: number
}

export interface DetectorOptions {
  readonly books: Books
  readonly limits: DetectorLimits
  readonly clock: Clock
  /** true when the exchange's data come from the sandbox */
  readonly is_simulated: (exchange: string) => boolean
  /** absent in a replay: recorded frames do not wait for us */
  readonly arrivals?: Arrivals
  /** told of markets whose price is not that of the other exchanges */
  readonly log: Log
}

/** An open opportunity is kept down to this part of the threshold, so that it does not flicker. */
const HYSTERESIS = 0.9

type CloseReason = Exclude<ExpiryReason, 'shutdown'>

/** The threshold as the fast walk and the exact check need it. */
interface Bound {
  readonly rate: number
  readonly exact_rate: Decimal
}

export class Detector {
  /** chains that looked profitable and were refused, by guard; one count an episode */
  readonly rejected: Record<Guard, number>
  private readonly options: DetectorOptions
  private readonly pairs = new CrossPairs()
  private readonly valuation: Valuation
  private readonly fees = createFees()
  private readonly prices: PriceTest
  private readonly to_open: Bound
  private readonly to_keep: Bound
  private readonly open = new Map<string, Pair>()
  /** pairs that a guard holds back: its name, to count an episode once */
  private readonly held = new Map<Pair, Guard>()

  constructor(options: DetectorOptions) {
    this.options = options
    this.valuation = createValuation(options.books, options.clock)
    const { books, clock, log } = options
    this.prices = new PriceTest({ books, clock, log, usd: this.valuation.usd })
    this.rejected = Object.fromEntries(GUARDS.map((guard) => [guard, 0])) as Record<Guard, number>
    this.to_open = bound(options.limits.min_percent)
    this.to_keep = bound(options.limits.min_percent * HYSTERESIS)
  }

  /** Looks at every pair of the markets that changed. */
  run(dirty: readonly MarketBook[]): Verdict[] {
    this.pairs.update(this.options.books)
    const verdicts: Verdict[] = []
    const now_ms = this.options.clock.monotonic_ms()
    for (const entry of dirty) {
      for (const pair of this.pairs.of(entry)) this.judge(pair, now_ms, verdicts)
    }
    return verdicts
  }

  /** Looks again at what time alone can change: open opportunities age, guards let go. */
  recheck(): Verdict[] {
    this.prices.refresh()
    const verdicts: Verdict[] = []
    const now_ms = this.options.clock.monotonic_ms()
    const pairs = new Set([...this.open.values(), ...this.held.keys()])
    for (const pair of pairs) this.judge(pair, now_ms, verdicts)
    return verdicts
  }

  private judge(pair: Pair, now_ms: number, verdicts: Verdict[]): void {
    const rate = topRate(pair.legs)
    // most pairs of most frames: it does not pay and nobody thought it did
    if (!pair.remembered && !(rate >= this.to_open.rate)) return
    this.judgeOnce(pair, rate, now_ms, verdicts)
    pair.remembered = this.open.has(pair.key) || this.held.has(pair)
  }

  private judgeOnce(pair: Pair, rate: number, now_ms: number, verdicts: Verdict[]): void {
    const is_open = this.open.has(pair.key)
    const bound = is_open ? this.to_keep : this.to_open
    if (!(rate >= bound.rate)) {
      this.held.delete(pair)
      if (is_open) this.close(pair, this.endReason(pair, now_ms), verdicts)
      return
    }
    const found = this.price(pair, bound, now_ms)
    if ('guard' in found) {
      if (is_open && found.reason === null) return
      this.hold(pair, found.guard)
      if (is_open && found.reason !== null) this.close(pair, found.reason, verdicts)
      return
    }
    this.held.delete(pair)
    this.open.set(pair.key, pair)
    verdicts.push({ kind: 'open', candidate: found })
  }

  private price(pair: Pair, bound: Bound, now_ms: number): Candidate | Refusal {
    const { limits, is_simulated } = this.options
    const refusal = objection(pair.legs, this.context(now_ms))
    if (refusal !== null) return refusal
    const { quote } = pair.buy.entry.market
    const usd_rate = this.valuation.usd(quote)
    if (usd_rate === null) return belowMinimum(`no live book says what ${quote} is worth`)
    const walked = walk(pair.legs, bound.rate)
    const settled = settle(pair.legs, walked.amount_in, bound.exact_rate)
    if (settled === 'too_small') return belowMinimum('the size is below an exchange minimum')
    if (settled === 'too_thin') return belowMinimum('rounded to lots it pays too little')
    const candidate = candidateOf(settled, {
      key: pair.key,
      type: 'cross_exchange',
      depth_exhausted: walked.depth_exhausted,
      simulated: pair.legs.some(({ entry }) => is_simulated(entry.market.exchange)),
      usd_rate,
      now_ms,
    })
    return sizeObjection(candidate, limits) ?? candidate
  }

  private context(now_ms: number): GuardContext {
    const { limits, arrivals } = this.options
    return { limits, now_ms, arrivals, fees: this.fees, prices: this.prices }
  }

  /** A book that was emptied or lost has no price; then the guard knows better than 'closed'. */
  private endReason(pair: Pair, now_ms: number): CloseReason {
    return bookObjections(pair.legs, this.options.limits, now_ms)?.reason ?? 'closed'
  }

  private hold(pair: Pair, guard: Guard): void {
    if (this.held.get(pair) === guard) return
    this.held.set(pair, guard)
    this.rejected[guard]++
  }

  private close(pair: Pair, reason: CloseReason, verdicts: Verdict[]): void {
    this.open.delete(pair.key)
    verdicts.push({ kind: 'closed', key: pair.key, reason })
  }
}

/** 1 + percent / 100, as a float for the walk and exactly for the proof. */
function bound(percent: number): Bound {
  const exact = add(ONE, divide(decimal(percent.toFixed(8)), HUNDRED, 12))
  return { rate: 1 + percent / 100, exact_rate: exact }
}
