/**
 * What is to be judged, in batches: what comes while a batch is worked off waits for the next one, so
 * that nothing is judged twice before everything was judged once. It judges nothing itself.
 */
import type { Choice, Slot } from './slot.ts'
import type { Watched, WatchList } from './watch-list.ts'

export interface Due {
  readonly watched: Watched
  /** as they were when the batch began */
  readonly choices: readonly Choice[]
}

export class Agenda {
  private readonly watch_list: WatchList
  private readonly choices: (watched: Watched) => readonly Choice[]
  private readonly coming = new Map<string, Slot>()
  private batch: Due[] = []
  private next = 0

  constructor(watch_list: WatchList, choices: (watched: Watched) => readonly Choice[]) {
    this.watch_list = watch_list
    this.choices = choices
  }

  get is_empty(): boolean {
    return this.next === this.batch.length && this.coming.size === 0
  }

  /** True in the midst of a batch: what it was made of may have changed since. */
  get is_begun(): boolean {
    return this.next < this.batch.length
  }

  add(slot: Slot): void {
    this.coming.set(slot.id, slot)
  }

  /** What is open does not wait any more. */
  dropOpen(): void {
    for (const id of this.coming.keys()) {
      if (this.watch_list.get(id)?.open != null) this.coming.delete(id)
    }
  }

  take(): Due | undefined {
    if (!this.is_begun) this.begin()
    return this.batch[this.next++]
  }

  private begin(): void {
    this.next = 0
    this.batch = [...this.coming.values()].map((slot) => {
      const watched = this.watch_list.get(slot.id) ?? { slot, open: null, held: null }
      return { watched, choices: this.choices(watched) }
    })
    this.coming.clear()
    this.batch.sort(inOrder)
  }
}

/** The shortest description first, of those the best, and never by chance. */
function inOrder(a: Due, b: Due): number {
  const [rate_a, rate_b] = [a.choices[0]?.rate ?? 0, b.choices[0]?.rate ?? 0]
  const [slot_a, slot_b] = [a.watched.slot, b.watched.slot]
  return slot_a.order - slot_b.order || rate_b - rate_a || (slot_a.id < slot_b.id ? -1 : 1)
}
