/**
 * Judges one slot at a time: prices the chains that stand for it in their order, and keeps account of
 * what is open, what ends and what a guard holds back. When a slot is due is not its question.
 */
import type { ExpiryReason } from '../../shared/opportunity.ts'
import type { Books, MarketBook } from '../book/books.ts'
import type { Verdict } from './candidate.ts'
import type { ChainLeg } from './chain.ts'
import type { Finder } from './finder.ts'
import { bookObjections, type Refusal } from './guards.ts'
import { type Bound, type Priced, type PricingContext, price } from './pricing.ts'
import type { Refusals } from './refusals.ts'
import { type Choice, product } from './slot.ts'
import { BELOW } from './walk.ts'
import type { Watched, WatchList } from './watch-list.ts'

export interface JudgeOptions {
  readonly books: Books
  readonly finder: Finder
  readonly watch_list: WatchList
  readonly refusals: Refusals
  readonly to_open: Bound
  /** an open opportunity is kept down to here, so that it does not flicker */
  readonly to_keep: Bound
}

type CloseReason = Exclude<ExpiryReason, 'shutdown'>

export class Judge {
  private readonly options: JudgeOptions
  private readonly finder: Finder
  /** legs of what ended, or was left for others, since the last `takeFreed` */
  private readonly freed = new Set<number>()
  private verdicts: Verdict[] = []

  constructor(options: JudgeOptions) {
    this.options = options
    this.finder = options.finder
  }

  get has_freed(): boolean {
    return this.freed.size > 0
  }

  /** Verdicts since the last call. */
  takeVerdicts(): Verdict[] {
    const { verdicts } = this
    this.verdicts = []
    return verdicts
  }

  /** Markets that others may use now. */
  takeFreed(): MarketBook[] {
    const markets = [...this.freed].map((leg) => this.options.books.all[leg >> 1] as MarketBook)
    this.freed.clear()
    return markets
  }

  /** What stands for a slot now. An open one keeps its legs as long as they pay. */
  choices({ slot, open }: Watched): readonly Choice[] {
    const { to_open, to_keep } = this.options
    if (open === null) return slot.choices(to_open.rate * BELOW)
    const least = to_keep.rate * BELOW
    const kept = { legs: open.legs, rate: product(this.finder.quotes.any, open.legs) }
    const others = slot.can_change ? slot.choices(least) : []
    return [kept, ...others.filter(({ legs }) => !isSame(legs, open.legs))].filter(
      ({ rate }) => rate >= least,
    )
  }

  /**
   * `tells`: what is open is told even when nothing changed. False when a late turn says nothing of
   * this slot: then it is to be judged again.
   */
  judge(
    watched: Watched,
    choices: readonly Choice[],
    context: PricingContext,
    tells: boolean,
  ): boolean {
    const { slot } = watched
    let first: { readonly refusal: Refusal; readonly legs: readonly number[] } | null = null
    for (const { legs } of choices) {
      if (slot.is_picky && this.isPassedOver(watched, legs)) continue
      const found = this.price(watched, legs, context, tells)
      if ('walked_in' in found) {
        this.keepOpen(watched, legs, found)
        return true
      }
      if (watched.open !== null && found.reason === null) return false
      first ??= { refusal: found, legs }
      if (slot.is_picky) this.shunRefused(legs, context)
    }
    if (watched.open !== null) {
      this.close(watched, first?.refusal.reason ?? this.endReason(watched.open.legs, context))
    }
    if (first === null) this.forget(watched)
    else this.hold(watched, first.legs, first.refusal, context)
    return first?.refusal.reason !== null
  }

  /** Whether a guard refuses this market for itself. */
  isRefused(entry: MarketBook, { guards }: PricingContext): boolean {
    const { limits, now_ms, behind, prices } = guards
    return (
      bookObjections([{ entry, side: 'buy' }], limits, now_ms) !== null ||
      behind(entry) ||
      prices.suspect(entry)
    )
  }

  private price(
    { slot, open }: Watched,
    ids: readonly number[],
    context: PricingContext,
    tells: boolean,
  ): Priced | Refusal {
    const { to_open, to_keep } = this.options
    const { graph } = this.finder
    const start = graph.from[graph.hop_of[ids[0] as number] as number] as number
    const chain = {
      slot,
      key: open?.key ?? slot.keyOf(ids),
      legs: this.legs(ids),
      coin: graph.coins[start] as string,
      tells,
    }
    const before = open !== null && isSame(open.legs, ids) ? open.priced : null
    return price(chain, open === null ? to_open : to_keep, context, before)
  }

  /** What opens is not made of markets that were shunned a moment ago. */
  private isPassedOver({ open }: Watched, legs: readonly number[]): boolean {
    const { shunned } = this.finder.quotes
    return open === null && shunned.size > 0 && legs.some((leg) => shunned.has(leg >> 1))
  }

  /** Other legs are looked for instead of those that a guard refuses for themselves. */
  private shunRefused(legs: readonly number[], context: PricingContext): void {
    for (const leg of legs) {
      const market = leg >> 1
      if (this.isRefused(this.options.books.all[market] as MarketBook, context)) {
        this.finder.quotes.shun(market)
      }
    }
  }

  /** A book that was emptied or lost has no price; then the guard knows better than 'closed'. */
  private endReason(legs: readonly number[], { guards }: PricingContext): CloseReason {
    return bookObjections(this.legs(legs), guards.limits, guards.now_ms)?.reason ?? 'closed'
  }

  private legs(ids: readonly number[]): ChainLeg[] {
    return ids.map((leg) => this.finder.graph.legs[leg] as ChainLeg)
  }

  private keepOpen(watched: Watched, legs: readonly number[], priced: Priced): void {
    const key = watched.open?.key ?? watched.slot.keyOf(legs)
    for (const leg of watched.open?.legs ?? []) if (!legs.includes(leg)) this.freed.add(leg)
    this.options.watch_list.add(watched)
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

  private hold(
    watched: Watched,
    legs: readonly number[],
    refusal: Refusal,
    context: PricingContext,
  ): void {
    this.options.watch_list.add(watched)
    if (watched.held === refusal.guard) return
    watched.held = refusal.guard
    this.options.refusals.count(watched.slot, legs, refusal, context)
  }

  private forget(watched: Watched): void {
    watched.held = null
    this.options.watch_list.delete(watched)
  }
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((leg, i) => leg === b[i])
}
