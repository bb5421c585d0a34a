/**
 * What waits to be published, in order and within bounds. The beginning, the end and
 * the markouts of an opportunity are never shed; of its updates, and of an exchange's states, only the newest waits.
 * When even that overflows, new opportunities are refused whole, so that none is left half told.
 */
import { type Draft, isLastWord } from '../../shared/event.ts'
import type { Entry } from './script.ts'

export interface QueuedEntry extends Entry {
  readonly queued_ms: number
}

export class Outbox {
  /** drafts that were never sent on: updates replaced by newer ones are not among them */
  dropped_total = 0
  private readonly limit: number
  private next_sequence = 1
  private readonly waiting = new Map<number, QueuedEntry>()
  /** what a newer draft replaces: opportunity or exchange → the sequence of its waiting update */
  private readonly replaceable = new Map<string, number>()
  /** opportunities refused for lack of room: the rest of their life is refused too */
  private readonly refused = new Set<string>()
  private taken: readonly QueuedEntry[] = []

  constructor(limit: number) {
    this.limit = limit
  }

  get depth(): number {
    return this.waiting.size + this.taken.length
  }

  push(draft: Draft, queued_ms: number): void {
    if (this.refuses(draft)) {
      this.dropped_total++
      return
    }
    const subject = subjectOf(draft)
    const replaced = this.replaceable.get(subject)
    if (replaced !== undefined) {
      this.waiting.delete(replaced)
      this.replaceable.delete(subject)
    }
    const sequence = this.next_sequence++
    this.waiting.set(sequence, { sequence, draft, queued_ms })
    if (draft.type === 'opportunity.updated' || draft.type === 'exchange.status') {
      this.replaceable.set(subject, sequence)
    }
  }

  /**
   * The next entries to send. The same ones are handed out again until `settle` says that they
   * arrived: a retry must carry the same sequence numbers.
   */
  take(count: number): readonly QueuedEntry[] {
    if (this.taken.length > 0) return this.taken
    this.taken = this.waiting.values().take(count).toArray()
    for (const { sequence, draft } of this.taken) {
      this.waiting.delete(sequence)
      const subject = subjectOf(draft)
      if (this.replaceable.get(subject) === sequence) this.replaceable.delete(subject)
    }
    return this.taken
  }

  /** What was taken has arrived. */
  settle(): void {
    this.taken = []
  }

  /** Opportunities whose beginning has not arrived. */
  beginnings(): ReadonlySet<string> {
    const ids = [...this.taken, ...this.waiting.values()].flatMap(({ draft }) =>
      draft.type === 'opportunity.detected' ? draft.data.id : [],
    )
    return new Set(ids)
  }

  /**
   * Lets go of updates, which a newer one or the end of their opportunity makes up for. Nothing else:
   * whoever has the rest still knows what began and what ended. How many went.
   */
  shedUpdates(): number {
    const isUpdate = ({ draft }: QueuedEntry) => draft.type === 'opportunity.updated'
    const before = this.depth
    for (const entry of [...this.waiting.values()].filter(isUpdate)) {
      this.waiting.delete(entry.sequence)
      this.replaceable.delete(subjectOf(entry.draft))
    }
    this.taken = this.taken.filter((entry) => !isUpdate(entry))
    const shed = before - this.depth
    this.dropped_total += shed
    return shed
  }

  clear(): void {
    this.waiting.clear()
    this.replaceable.clear()
    this.refused.clear()
    this.taken = []
  }

  private refuses(draft: Draft): boolean {
    if (draft.type === 'exchange.status') return false
    const { type, data } = draft
    if (type === 'opportunity.detected' && this.depth >= this.limit) this.refused.add(data.id)
    if (!this.refused.has(data.id)) return false
    if (isLastWord(draft)) this.refused.delete(data.id)
    return true
  }
}

/** Exchange ids and opportunity ids cannot meet: the latter begin with `opp_`. */
const subjectOf = ({ data }: Draft): string => data.id
