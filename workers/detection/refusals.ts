/**
 * Keeps account of what looked profitable and was refused: a count by guard and a near-miss to tell,
 * once an episode. Pairs that pay, but less than the minimum, are told here too. It refuses nothing.
 */
import { GUARDS, type Guard, type NearMiss } from './candidate.ts'
import type { ChainLeg } from './chain.ts'
import type { Finder } from './finder.ts'
import { belowMinimum, objection, type Refusal } from './guards.ts'
import type { PricingContext } from './pricing.ts'
import { nearMissOf } from './refused.ts'
import { pairSlot, type Slot } from './slot.ts'

/** Near-misses that nobody fetches are not kept for ever. */
const MOST_NEAR_MISSES = 1_000

export class Refusals {
  /** by guard; one count an episode */
  readonly counts: Record<Guard, number>
  private readonly finder: Finder
  private near_misses: NearMiss[] = []
  /** hops whose best pair was told as a near-miss for paying too little */
  private readonly almost = new Set<number>()

  constructor(finder: Finder) {
    this.finder = finder
    this.counts = Object.fromEntries(GUARDS.map((guard) => [guard, 0])) as Record<Guard, number>
  }

  /** Near-misses since the last call. */
  take(): NearMiss[] {
    const taken = this.near_misses
    this.near_misses = []
    return taken
  }

  count(slot: Slot, legs: readonly number[], refusal: Refusal, context: PricingContext): void {
    this.counts[refusal.guard]++
    this.report(slot, legs, refusal, context)
  }

  /**
   * Pairs that pay after fees, but less than the minimum: told as near-misses, the best of a symbol
   * once an episode, and no guard's count. `least` is the rate that pays enough. Not for the hot path.
   */
  noteAlmost(least: number, min_percent: number, context: PricingContext): void {
    const { finder, almost } = this
    const { graph, quotes } = finder
    const { rate, leg } = quotes.best_any
    for (let hop = 0; hop < rate.length; hop += 2) {
      const nets = (rate[hop] as number) * (rate[hop + 1] as number)
      if (!(nets > 1)) almost.delete(hop)
      if (!(nets > 1) || nets >= least || almost.has(hop)) continue
      const slot = pairSlot(finder, leg[hop] as number, leg[hop + 1] as number)
      const [{ legs } = { legs: [] }] = slot.choices(1)
      const [first = 0, second = 0] = legs
      if (graph.exchange_of[first >> 1] === graph.exchange_of[second >> 1]) continue
      if (objection(this.legs(legs), context.guards) !== null) continue
      almost.add(hop)
      const why = `nets ${((nets - 1) * 100).toFixed(4)} % at the top, minimum ${min_percent} %`
      this.report(slot, legs, belowMinimum(why), context)
    }
  }

  private report(
    slot: Slot,
    legs: readonly number[],
    refusal: Refusal,
    { usd, guards: { now_ms } }: PricingContext,
  ): void {
    if (this.near_misses.length >= MOST_NEAR_MISSES) return
    const { graph } = this.finder
    const start = graph.from[graph.hop_of[legs[0] as number] as number] as number
    const usd_rate = usd(graph.coins[start] as string)
    const key = slot.keyOf(legs)
    this.near_misses.push(
      nearMissOf({ slot, key, legs: this.legs(legs), refusal, usd_rate, now_ms }),
    )
  }

  private legs(ids: readonly number[]): ChainLeg[] {
    return ids.map((leg) => this.finder.graph.legs[leg] as ChainLeg)
  }
}
