/**
 * From books to verdicts: which chains can be taken now, and which open ones can no longer.
 * Pure but for the clock it is given: it reads books, keeps what is open, and has no timer and no
 * store. The top of the books decides first; depth is walked only when it crosses after fees. It
 * works in short turns: what it cannot judge in one, it goes on with in the next.
 */
import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import type { Books, MarketBook } from '../book/books.ts'
import { Agenda } from './agenda.ts'
import type { Guard, NearMiss, Verdict } from './candidate.ts'
import { createFees, type Fees } from './fees.ts'
import { type CreateFinder, FastFinder, type Finder } from './finder.ts'
import type { Arrivals, DataLimits, SizeLimits } from './guards.ts'
import { Judge } from './judge.ts'
import { PriceTest } from './price-test.ts'
import { type Bound, boundOf, type PricingContext } from './pricing.ts'
import { Refusals } from './refusals.ts'
import type { Slot } from './slot.ts'
import { Transfers } from './transfers.ts'
import { createValuation, type Valuation } from './valuation.ts'
import { BELOW } from './walk.ts'
import { type Watched, WatchList } from './watch-list.ts'

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
  /** absent: what the exchanges list */
  readonly fees?: Fees
  /** absent: nobody says what can be moved */
  readonly transfers?: Transfers
  /** absent: the one with caches and indexes */
  readonly createFinder?: CreateFinder | undefined
}

/** An open opportunity is kept down to this part of the threshold, so that it does not flicker. */
const HYSTERESIS = 0.9
/**
 * After so long a turn ends, so that no frame waits for us longer: a late loop may tell nothing, and
 * one that is late for its own work would never tell anything again.
 */
const TURN_MS = 10

export class Detector {
  readonly prices: PriceTest
  private readonly options: DetectorOptions
  private readonly finder: Finder
  private readonly valuation: Valuation
  private readonly fees: Fees
  private readonly transfers: Transfers
  private readonly to_open: Bound
  private readonly watch_list = new WatchList()
  private readonly agenda: Agenda
  /** books changed in the midst of a batch: its choices are not those of now */
  private is_overtaken = false
  private readonly refusals: Refusals
  private readonly judge: Judge
  private context: PricingContext
  /** what is yet to be looked at for its age, and then told anew */
  private readonly aged = new Set<Watched>()
  /** what was not told in time since `survey`; null: everything was */
  private unheard: Set<Watched> | null = null

  constructor(options: DetectorOptions) {
    this.options = options
    const { books, clock, log, limits } = options
    this.fees = options.fees ?? createFees()
    this.transfers = options.transfers ?? new Transfers()
    this.finder = options.createFinder?.(books, this.fees) ?? new FastFinder(books, this.fees)
    this.valuation = createValuation(books, clock)
    this.prices = new PriceTest({ books, clock, log, usd: this.valuation.usd })
    this.refusals = new Refusals(this.finder)
    this.to_open = boundOf(limits.min_percent)
    const { finder, watch_list, refusals, to_open } = this
    const to_keep = boundOf(limits.min_percent * HYSTERESIS)
    this.judge = new Judge({ books, finder, watch_list, refusals, to_open, to_keep })
    this.agenda = new Agenda(watch_list, (watched) => this.judge.choices(watched))
    this.context = this.contextNow()
  }

  /** chains that looked profitable and were refused, by guard; one count an episode */
  get rejected(): Readonly<Record<Guard, number>> {
    return this.refusals.counts
  }

  /** True when the last turn did not come to its end: `run` goes on, also without news. */
  get has_more(): boolean {
    return !this.agenda.is_empty || this.judge.has_freed
  }

  /** True when all that is open was told since the last `survey`, and no verdict missed for a late turn. */
  get is_surveyed(): boolean {
    return this.unheard === null
  }

  /** Looks at every chain of the markets that changed. */
  run(dirty: readonly MarketBook[]): Verdict[] {
    if (dirty.length > 0) this.is_overtaken = true
    this.finder.take(dirty)
    this.find(dirty)
    this.recall(dirty)
    return this.judgeDue()
  }

  /**
   * Looks again at what time alone can change: open opportunities age, guards let go. Everything that
   * is open is told anew, if need be over several turns; a pass that is not over is gone on with.
   */
  recheck(): Verdict[] {
    this.prices.refresh()
    this.context = this.contextNow()
    this.find(this.admit())
    if (this.aged.size === 0) this.age()
    const verdicts = this.judgeDue()
    const { min_percent } = this.options.limits
    this.refusals.noteAlmost(this.to_open.rate * BELOW, min_percent, this.context)
    return verdicts
  }

  /** Begins to tell everything anew, for one who has just become leader and knows nothing of it. */
  survey(): Verdict[] {
    this.unheard = new Set(this.watch_list.all())
    this.age()
    return this.recheck()
  }

  /** Chains that guards have held back since the last call. */
  takeNearMisses(): NearMiss[] {
    return this.refusals.take()
  }

  private age(): void {
    for (const watched of this.watch_list.all()) {
      this.aged.add(watched)
      this.agenda.add(watched.slot)
    }
  }

  private contextNow(): PricingContext {
    const { limits, clock, arrivals, is_simulated } = this.options
    const { fees, prices, valuation, transfers } = this
    // what we read before this turn does not age by our own work
    const guards = {
      limits,
      now_ms: clock.monotonic_ms(),
      is_late: arrivals?.late() === true,
      behind: (entry: MarketBook) => arrivals?.behind(entry) === true,
      fees,
      prices,
    }
    return { guards, limits, usd: valuation.usd, is_simulated, transfers }
  }

  private find(changed: readonly MarketBook[]): void {
    this.finder.find(changed, this.to_open.rate * BELOW, this.collect)
  }

  private readonly collect = (slot: Slot): void => {
    this.agenda.add(slot)
  }

  /** What is watched of these markets is looked at whether it pays or not. */
  private recall(dirty: readonly MarketBook[]): void {
    const { hop_of } = this.finder.graph
    for (const { index } of dirty) {
      const hop = hop_of[2 * index] as number
      for (const slot of this.watch_list.concernedBy(index, hop)) this.agenda.add(slot)
    }
  }

  /** Markets that no guard objects to any more may be part of cycles again. */
  private admit(): MarketBook[] {
    const { quotes } = this.finder
    const admitted: MarketBook[] = []
    for (const market of quotes.shunned) {
      const entry = this.options.books.all[market] as MarketBook
      if (this.judge.isRefused(entry, this.context)) continue
      quotes.admit(market)
      admitted.push(entry)
    }
    return admitted
  }

  private judgeDue(): Verdict[] {
    if (this.has_more) {
      this.context = this.contextNow()
      const end_ms = this.context.guards.now_ms + TURN_MS
      do this.judgeNext()
      while (this.has_more && this.options.clock.monotonic_ms() < end_ms)
    }
    // what a late loop has not read yet may show what it does not know of
    const is_late = this.options.arrivals?.late() === true
    if (this.unheard?.size === 0 && !this.has_more && !is_late) this.unheard = null
    return this.judge.takeVerdicts()
  }

  private judgeNext(): void {
    if (!this.agenda.is_begun) this.is_overtaken = false
    const due = this.agenda.take()
    if (due !== undefined) {
      const { watched } = due
      const tells = this.aged.delete(watched)
      // what was opened before it in this batch may tell the same gap in fewer words
      const is_old = watched.slot.type === 'multi_leg' || this.is_overtaken
      const choices = is_old ? this.judge.choices(watched) : due.choices
      const is_in_time = this.judge.judge(watched, choices, this.context, tells)
      if (is_in_time && (tells || watched.open === null)) this.unheard?.delete(watched)
    }
    if (this.agenda.is_empty) this.findFreed()
  }

  /**
   * What has just ended was perhaps the shorter description of a gap that goes on, or kept its slot
   * from taking other legs. What is open was judged already, so nothing more ends by this.
   */
  private findFreed(): void {
    if (!this.judge.has_freed) return
    const markets = this.judge.takeFreed()
    for (const { index } of markets) this.finder.quotes.lookAgain(index)
    this.find(markets)
    this.agenda.dropOpen()
  }
}
