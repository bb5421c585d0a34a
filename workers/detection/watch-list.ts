/**
 * The slots that matter even when they do not pay: those that are open, held back by a guard or
 * almost paying. It keeps them, and finds those that a market concerns.
 */
import type { Guard } from './candidate.ts'
import type { Priced } from './pricing.ts'
import type { Slot } from './slot.ts'

export interface Watched {
  readonly slot: Slot
  open: { readonly key: string; readonly legs: readonly number[]; priced: Priced } | null
  /** the guard that holds it back, to count an episode once */
  held: Guard | null
}

export class WatchList {
  private readonly by_id = new Map<string, Watched>()
  /** by the even hop of a pair of coins */
  private readonly by_link = new Map<number, Set<Watched>>()

  get(slot_id: string): Watched | undefined {
    return this.by_id.get(slot_id)
  }

  all(): Iterable<Watched> {
    return this.by_id.values()
  }

  /** Slots for which a change of this market, which trades over that hop, can change the answer. */
  *concernedBy(market: number, hop: number): Iterable<Slot> {
    for (const { slot } of this.by_link.get(hop & ~1) ?? []) if (slot.concerns(market)) yield slot
  }

  add(watched: Watched): void {
    const { slot } = watched
    if (this.by_id.has(slot.id)) return
    this.by_id.set(slot.id, watched)
    for (const link of slot.links) {
      const here = this.by_link.get(link)
      if (here === undefined) this.by_link.set(link, new Set([watched]))
      else here.add(watched)
    }
  }

  delete(watched: Watched): void {
    if (!this.by_id.delete(watched.slot.id)) return
    for (const link of watched.slot.links) this.by_link.get(link)?.delete(watched)
  }
}
