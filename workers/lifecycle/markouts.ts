/**
 * When markouts are taken: at fixed times after the detection, whatever became of the opportunity.
 * It owns no timer: whoever does asks when the next one is due. One that could not be taken in time
 * stays unknown, because the books of another moment would answer another question.
 */
import { type Leg, MARKOUTS_AFTER_MS, type Markout } from '../../shared/opportunity.ts'

/** What is measured. */
export interface Subject {
  /** monotonic ms */
  readonly detected_ms: number
  /** as they were when it was detected */
  readonly detected_legs: readonly Leg[]
  markouts: readonly Markout[]
}

/** Net percent of these legs on the books of this moment; null when they cannot be priced. */
export type Measure = (legs: readonly Leg[]) => string | null

/** A markout may be late by this part of its time; the event loop is not always on time. */
const LATE_PART = 0.5

export class Markouts<T extends Subject> {
  private readonly measure: Measure
  /** in the order of their detection */
  private readonly waiting = new Set<T>()
  private next_ms = Number.POSITIVE_INFINITY

  constructor(measure: Measure) {
    this.measure = measure
  }

  /** When the next one falls due, monotonic ms; infinite while nothing waits. */
  get due_ms(): number {
    return this.next_ms
  }

  add(subject: T): void {
    this.waiting.add(subject)
    this.next_ms = Math.min(this.next_ms, dueOf(subject))
  }

  /** Takes what is due; answers with the subjects whose last one that was. */
  take(now_ms: number): T[] {
    if (now_ms < this.next_ms) return []
    const complete: T[] = []
    for (const subject of this.waiting) {
      if (dueOf(subject) <= now_ms) this.takeDue(subject, now_ms)
      if (dueOf(subject) === Number.POSITIVE_INFINITY) complete.push(subject)
    }
    for (const subject of complete) this.waiting.delete(subject)
    this.next_ms = this.nextDue()
    return complete
  }

  /** Takes no more of these: what is missing stays unknown. */
  giveUp(isOne: (subject: T) => boolean): T[] {
    const subjects = [...this.waiting].filter(isOne)
    for (const subject of subjects) {
      subject.markouts = completed(subject.markouts)
      this.waiting.delete(subject)
    }
    this.next_ms = this.nextDue()
    return subjects
  }

  clear(): void {
    this.waiting.clear()
    this.next_ms = Number.POSITIVE_INFINITY
  }

  private nextDue(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...[...this.waiting].map(dueOf))
  }

  /** One look at the books answers for all that are due. */
  private takeDue(subject: T, now_ms: number): void {
    const seen = this.measure(subject.detected_legs)
    const markouts = [...subject.markouts]
    for (const after_ms of MARKOUTS_AFTER_MS.slice(markouts.length)) {
      // the very sum that dueOf compares: a difference may be rounded to the other side of it
      const late_ms = now_ms - (subject.detected_ms + after_ms)
      if (late_ms < 0) break
      markouts.push({ after_ms, profit_percent: late_ms <= after_ms * LATE_PART ? seen : null })
    }
    subject.markouts = markouts
  }
}

/** With null for those that were not taken. */
export function completed(markouts: readonly Markout[]): Markout[] {
  const missing = MARKOUTS_AFTER_MS.slice(markouts.length)
  return [...markouts, ...missing.map((after_ms) => ({ after_ms, profit_percent: null }))]
}

function dueOf({ detected_ms, markouts }: Subject): number {
  const after_ms = MARKOUTS_AFTER_MS[markouts.length]
  return after_ms === undefined ? Number.POSITIVE_INFINITY : detected_ms + after_ms
}
