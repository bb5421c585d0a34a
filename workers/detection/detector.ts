/**
 * From books to verdicts: which chains can be taken now, and which open ones can no longer.
 * Pure but for the clock it is given: it reads books, keeps what is open, and has no timer and no
 * store. The top of the books decides first; depth is walked only when it crosses after fees.
 */
import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import type { ExpiryReason } from '../../shared/opportunity.ts'
import type { Books, MarketBook } from '../book/books.ts'
import { GUARDS, type Guard, type NearMiss, type Verdict } from './candidate.ts'
import type { ChainLeg } from './chain.ts'
import { createFees, type Fees } from './fees.ts'
import { type CreateFinder, FastFinder, type Finder } from './finder.ts'
import {
  type Arrivals,
  belowMinimum,
  bookObjections,
  type DataLimits,
  objection,
  type Refusal,
  type SizeLimits,
} from './guards.ts'
import { PriceTest } from './price-test.ts'
import { type Bound, boundOf, type Priced, type PricingContext, price } from './pricing.ts'
import { nearMissOf } from './refused.ts'
import { type Choice, pairSlot, product, type Slot } from './slot.ts'
import { Transfers } from './transfers.ts'
import { createValuation, type Valuation } from './valuation.ts'
import { BELOW } from './walk.ts'

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
/** Near-misses that nobody fetches are not kept for ever. */
const MOST_NEAR_MISSES = 1_000

type CloseReason = Exclude<ExpiryReason, 'shutdown'>

/** A slot that matters even when it does not pay: it is open, held back or almost paying. */
interface Watched {
  readonly slot: Slot
  open: { readonly key: string; readonly legs: readonly number[]; priced: Priced } | null
  /** the guard that holds it back, to count an episode once */
  held: Guard | null
}

interface Due {
  readonly watched: Watched
  readonly choices: readonly Choice[]
}

export class Detector {
  /** chains that looked profitable and were refused, by guard; one count an episode */
  readonly rejected: Record<Guard, number>
  private readonly options: DetectorOptions
  private readonly finder: Finder
  private readonly valuation: Valuation
  private readonly fees: Fees
  readonly prices: PriceTest
  private readonly transfers: Transfers
  private readonly to_open: Bound
  private readonly to_keep: Bound
  private readonly watched = new Map<string, Watched>()
  private readonly by_link = new Map<number, Set<Watched>>()
  /** hops whose best pair was told as a near-miss for paying too little */
  private readonly almost = new Set<number>()
  private near_misses: NearMiss[] = []
  /** slots to judge in this round */
  private readonly due = new Map<string, Slot>()
  /** legs of what ended in this round */
  private readonly freed = new Set<number>()
  private verdicts: Verdict[] = []
  private context: PricingContext
  /** then everything that is open is told anew: whoever has just become leader knows nothing of it */
  private is_recheck = false

  constructor(options: DetectorOptions) {
    this.options = options
    const { books, clock, log, limits } = options
    this.fees = options.fees ?? createFees()
    this.transfers = options.transfers ?? new Transfers()
    this.finder = options.createFinder?.(books, this.fees) ?? new FastFinder(books, this.fees)
    this.valuation = createValuation(books, clock)
    this.prices = new PriceTest({ books, clock, log, usd: this.valuation.usd })
    this.rejected = Object.fromEntries(GUARDS.map((guard) => [guard, 0])) as Record<Guard, number>
    this.to_open = boundOf(limits.min_percent)
    this.to_keep = boundOf(limits.min_percent * HYSTERESIS)
    this.context = this.contextNow()
  }

  /** Looks at every chain of the markets that changed. */
  run(dirty: readonly MarketBook[]): Verdict[] {
    this.finder.take(dirty)
    this.find(dirty)
    this.recall(dirty)
    return this.judgeDue()
  }

  /** Looks again at what time alone can change: open opportunities age, guards let go. */
  recheck(): Verdict[] {
    this.prices.refresh()
    this.context = this.contextNow()
    this.find(this.admit())
    for (const { slot } of this.watched.values()) this.due.set(slot.id, slot)
    this.is_recheck = true
    const verdicts = this.judgeDue()
    this.is_recheck = false
    this.noteAlmost()
    return verdicts
  }

  /** Chains that guards have held back since the last call. */
  takeNearMisses(): NearMiss[] {
    const taken = this.near_misses
    this.near_misses = []
    return taken
  }

  private contextNow(): PricingContext {
    const { limits, clock, arrivals, is_simulated } = this.options
    const { fees, prices, valuation, transfers } = this
    const now_ms = clock.monotonic_ms()
    const guards = { limits, now_ms, arrivals, fees, prices }
    return { guards, limits, usd: valuation.usd, is_simulated, transfers }
  }

  private find(changed: readonly MarketBook[]): void {
    this.finder.find(changed, this.to_open.rate * BELOW, this.collect)
  }

  private readonly collect = (slot: Slot): void => {
    this.due.set(slot.id, slot)
  }

  /** What is watched of these markets is looked at whether it pays or not. */
  private recall(dirty: readonly MarketBook[]): void {
    if (this.watched.size === 0) return
    const { hop_of } = this.finder.graph
    for (const { index } of dirty) {
      const here = this.by_link.get((hop_of[2 * index] as number) & ~1)
      if (here === undefined) continue
      for (const { slot } of here) if (slot.concerns(index)) this.due.set(slot.id, slot)
    }
  }

  /** Markets that no guard objects to any more may be part of cycles again. */
  private admit(): MarketBook[] {
    const { quotes } = this.finder
    const admitted: MarketBook[] = []
    for (const market of quotes.shunned) {
      const entry = this.options.books.all[market] as MarketBook
      if (this.isRefused(entry)) continue
      quotes.admit(market)
      admitted.push(entry)
    }
    return admitted
  }

  private judgeDue(): Verdict[] {
    if (this.due.size === 0) return []
    this.context = this.contextNow()
    while (this.due.size > 0) {
      this.judgeInOrder()
      this.findFreed()
    }
    const { verdicts } = this
    this.verdicts = []
    return verdicts
  }

  private judgeInOrder(): void {
    const all: Due[] = []
    for (const slot of this.due.values()) {
      const watched = this.watched.get(slot.id) ?? { slot, open: null, held: null }
      all.push({ watched, choices: this.choices(watched) })
    }
    this.due.clear()
    all.sort(inOrder)
    for (const one of all) this.judge(one)
  }

  /**
   * What has just ended was perhaps the shorter description of a gap that goes on, or kept its slot
   * from taking other legs. What is open was judged already, so nothing more ends by this.
   */
  private findFreed(): void {
    if (this.freed.size === 0) return
    const markets = [...this.freed].map((leg) => this.options.books.all[leg >> 1] as MarketBook)
    this.freed.clear()
    for (const { index } of markets) this.finder.quotes.lookAgain(index)
    this.find(markets)
    for (const id of this.due.keys()) {
      if (this.watched.get(id)?.open != null) this.due.delete(id)
    }
  }

  /** What stands for a slot now. An open one keeps its legs as long as they pay. */
  private choices({ slot, open }: Watched): readonly Choice[] {
    if (open === null) return slot.choices(this.to_open.rate * BELOW)
    const least = this.to_keep.rate * BELOW
    const kept = { legs: open.legs, rate: product(this.finder.quotes.any, open.legs) }
    const others = slot.can_change ? slot.choices(least) : []
    return [kept, ...others.filter(({ legs }) => !isSame(legs, open.legs))].filter(
      ({ rate }) => rate >= least,
    )
  }

  private judge({ watched, choices: at_first }: Due): void {
    const { slot } = watched
    // what was opened before it in this round may tell the same gap in fewer words
    const choices = slot.type === 'multi_leg' ? this.choices(watched) : at_first
    let first: { readonly refusal: Refusal; readonly legs: readonly number[] } | null = null
    for (const { legs } of choices) {
      if (slot.is_picky && this.isPassedOver(watched, legs)) continue
      const found = this.price(watched, legs)
      if ('walked_in' in found) {
        this.keepOpen(watched, legs, found)
        return
      }
      // it is judged later
      if (watched.open !== null && found.reason === null) return
      first ??= { refusal: found, legs }
      if (slot.is_picky) this.shunRefused(legs)
    }
    if (watched.open !== null) {
      this.close(watched, first?.refusal.reason ?? this.endReason(watched.open.legs))
    }
    if (first === null) this.forget(watched)
    else this.hold(watched, first.legs, first.refusal)
  }

  private price(watched: Watched, ids: readonly number[]): Priced | Refusal {
    const { slot, open } = watched
    const { graph } = this.finder
    const start = graph.from[graph.hop_of[ids[0] as number] as number] as number
    const chain = {
      slot,
      key: open?.key ?? slot.keyOf(ids),
      legs: this.legs(ids),
      coin: graph.coins[start] as string,
    }
    const before = open !== null && !this.is_recheck && isSame(open.legs, ids) ? open.priced : null
    return price(chain, open === null ? this.to_open : this.to_keep, this.context, before)
  }

  /** What opens is not made of markets that were shunned a moment ago. */
  private isPassedOver({ open }: Watched, legs: readonly number[]): boolean {
    const { shunned } = this.finder.quotes
    return open === null && shunned.size > 0 && legs.some((leg) => shunned.has(leg >> 1))
  }

  /** Other legs are looked for instead of those that a guard refuses for themselves. */
  private shunRefused(legs: readonly number[]): void {
    for (const leg of legs) {
      const market = leg >> 1
      if (this.isRefused(this.options.books.all[market] as MarketBook)) {
        this.finder.quotes.shun(market)
      }
    }
  }

  private isRefused(entry: MarketBook): boolean {
    const { limits, now_ms, arrivals } = this.context.guards
    return (
      bookObjections([{ entry, side: 'buy' }], limits, now_ms) !== null ||
      arrivals?.behind(entry) === true ||
      this.prices.suspect(entry)
    )
  }

  /** A book that was emptied or lost has no price; then the guard knows better than 'closed'. */
  private endReason(legs: readonly number[]): CloseReason {
    const { limits, now_ms } = this.context.guards
    return bookObjections(this.legs(legs), limits, now_ms)?.reason ?? 'closed'
  }

  private legs(ids: readonly number[]): ChainLeg[] {
    return ids.map((leg) => this.finder.graph.legs[leg] as ChainLeg)
  }

  private keepOpen(watched: Watched, legs: readonly number[], priced: Priced): void {
    const key = watched.open?.key ?? watched.slot.keyOf(legs)
    for (const leg of watched.open?.legs ?? []) if (!legs.includes(leg)) this.freed.add(leg)
    this.remember(watched)
    watched.held = null
    watched.open = { key, legs, priced }
    this.finder.told.set(watched.slot.id, legs)
    const { candidate } = priced
    if (candidate !== null) this.verdicts.push({ kind: 'open', candidate })
  }

  private close(watched: Watched, reason: CloseReason): void {
    if (watched.open === null) return
    this.verdicts.push({ kind: 'closed', key: watched.open.key, reason })
    for (const leg of watched.open.legs) this.freed.add(leg)
    watched.open = null
    this.finder.told.delete(watched.slot.id)
  }

  private hold(watched: Watched, legs: readonly number[], refusal: Refusal): void {
    this.remember(watched)
    if (watched.held === refusal.guard) return
    watched.held = refusal.guard
    this.rejected[refusal.guard]++
    this.report(watched.slot, legs, refusal)
  }

  private report(slot: Slot, legs: readonly number[], refusal: Refusal): void {
    if (this.near_misses.length >= MOST_NEAR_MISSES) return
    const { graph } = this.finder
    const start = graph.from[graph.hop_of[legs[0] as number] as number] as number
    this.near_misses.push(
      nearMissOf({
        slot,
        key: slot.keyOf(legs),
        legs: this.legs(legs),
        refusal,
        usd_rate: this.context.usd(graph.coins[start] as string),
        now_ms: this.context.guards.now_ms,
      }),
    )
  }

  /**
   * Pairs that pay after fees, but less than the minimum: told as near-misses, the best of a symbol
   * once an episode, and no guard's count. Looked at now and then only, off the hot path.
   */
  private noteAlmost(): void {
    const { graph, quotes } = this.finder
    const { rate, leg } = quotes.best_any
    const { min_percent } = this.options.limits
    for (let hop = 0; hop < rate.length; hop += 2) {
      const nets = (rate[hop] as number) * (rate[hop + 1] as number)
      if (!(nets > 1)) this.almost.delete(hop)
      if (!(nets > 1) || nets >= this.to_open.rate * BELOW || this.almost.has(hop)) continue
      const slot = pairSlot(this.finder, leg[hop] as number, leg[hop + 1] as number)
      const [{ legs } = { legs: [] }] = slot.choices(1)
      const [first = 0, second = 0] = legs
      if (graph.exchange_of[first >> 1] === graph.exchange_of[second >> 1]) continue
      if (objection(this.legs(legs), this.context.guards) !== null) continue
      this.almost.add(hop)
      const why = `nets ${((nets - 1) * 100).toFixed(4)} % at the top, minimum ${min_percent} %`
      this.report(slot, legs, belowMinimum(why))
    }
  }

  private remember(watched: Watched): void {
    const { slot } = watched
    if (this.watched.has(slot.id)) return
    this.watched.set(slot.id, watched)
    for (const link of slot.links) {
      const here = this.by_link.get(link)
      if (here === undefined) this.by_link.set(link, new Set([watched]))
      else here.add(watched)
    }
  }

  private forget(watched: Watched): void {
    watched.held = null
    if (!this.watched.delete(watched.slot.id)) return
    for (const link of watched.slot.links) this.by_link.get(link)?.delete(watched)
  }
}

/** The shortest description first, of those the best, and never by chance. */
function inOrder(a: Due, b: Due): number {
  const [rate_a, rate_b] = [a.choices[0]?.rate ?? 0, b.choices[0]?.rate ?? 0]
  const [slot_a, slot_b] = [a.watched.slot, b.watched.slot]
  return slot_a.order - slot_b.order || rate_b - rate_a || (slot_a.id < slot_b.id ? -1 : 1)
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((leg, i) => leg === b[i])
}
