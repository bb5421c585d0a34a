/**
 * When to ask again for a market's snapshot: at once the first time, then ever more rarely, and
 * again when nothing came. It only keeps the times; asking is the feed's business.
 */
import { type Backoff, backoff_ms, type Random } from './backoff.ts'

const RETRY: Backoff = { base_ms: 1_000, cap_ms: 60_000 }
/** a market that held for so long has its next loss treated as a first one */
const HEALED_AFTER_MS = 30_000

interface Need {
  attempts: number
  /** when to ask; NaN when nothing is to be asked */
  due_ms: number
  /** when to give the last question up; NaN when none is open */
  deadline_ms: number
  synced_ms: number
}

export class Resyncs<Key> {
  private readonly needs = new Map<Key, Need>()
  private readonly random: Random

  constructor(random: Random) {
    this.random = random
  }

  /** Attempts since the market last held. */
  attempts(key: Key): number {
    return this.need(key).attempts
  }

  /** The market needs a snapshot. */
  ask(key: Key, now_ms: number): void {
    const need = this.need(key)
    if (now_ms - need.synced_ms > HEALED_AFTER_MS) need.attempts = 0
    need.synced_ms = Number.NaN
    need.due_ms = now_ms + this.delay(need)
    need.deadline_ms = Number.NaN
    need.attempts++
  }

  /** A question went out, or an answer comes unasked; at `deadline_ms` it counts as lost. */
  asked(key: Key, deadline_ms: number): void {
    const need = this.need(key)
    need.due_ms = Number.NaN
    need.deadline_ms = deadline_ms
  }

  /** An open question need not be waited for any longer than until `deadline_ms`. */
  hurry(key: Key, deadline_ms: number): void {
    const need = this.need(key)
    need.deadline_ms = Math.min(need.deadline_ms, deadline_ms)
  }

  synced(key: Key, now_ms: number): void {
    const need = this.need(key)
    need.due_ms = Number.NaN
    need.deadline_ms = Number.NaN
    need.synced_ms = now_ms
  }

  /** Nobody asks for this market any more: it is refused, or its connection is gone. */
  forget(key: Key): void {
    this.needs.delete(key)
  }

  /** Those to ask for now; overdue answers count as new needs. */
  due(now_ms: number): Key[] {
    const due: Key[] = []
    for (const [key, need] of this.needs) {
      if (now_ms >= need.deadline_ms) this.ask(key, now_ms)
      if (now_ms >= need.due_ms) due.push(key)
    }
    return due
  }

  private delay(need: Need): number {
    return need.attempts === 0 ? 0 : backoff_ms(need.attempts, RETRY, this.random)
  }

  private need(key: Key): Need {
    const known = this.needs.get(key)
    if (known !== undefined) return known
    const need: Need = {
      attempts: 0,
      due_ms: Number.NaN,
      deadline_ms: Number.NaN,
      synced_ms: Number.NaN,
    }
    this.needs.set(key, need)
    return need
  }
}
