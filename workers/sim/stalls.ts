/**
 * Our loop, blocked now and then: the timer by which it notices, as in production, and what it may
 * truly say of itself, which depends on where between two ticks it stood.
 */
import { TICK_MS, Turns } from '../ops/lateness.ts'
import type { Queue } from './queue.ts'

/** the loop is late when a turn took so long, and for so long after it (ops/lateness.ts): surely, … */
const LATE_MS = 62
const SETTLE_MS = 95
/** … and perhaps, as a timer of 10 ms sees it */
const PERHAPS_LATE_MS = 50
const SETTLE_PERHAPS_MS = 100 + 2 * TICK_MS

export class Stalls {
  private readonly timers: Queue
  private readonly onCaughtUp: () => void
  private readonly turns = new Turns(0)
  private late_until_ms = Number.NEGATIVE_INFINITY
  private perhaps_late_until_ms = Number.NEGATIVE_INFINITY
  private is_ticking = false

  constructor(timers: Queue, onCaughtUp: () => void) {
    this.timers = timers
    this.onCaughtUp = onCaughtUp
  }

  /** What the loop itself would say. */
  isLate(now_ms: number): boolean {
    return this.is_ticking && this.turns.late(now_ms)
  }

  /** What is true of it: surely late, or perhaps. */
  lateness(now_ms: number): { readonly is_late: boolean; readonly may_be_late: boolean } {
    return {
      is_late: now_ms < this.late_until_ms,
      may_be_late: now_ms < this.perhaps_late_until_ms,
    }
  }

  /** A turn took from one moment to the other. */
  add(from_ms: number, to_ms: number): void {
    this.turns.tick(from_ms)
    const lasted_ms = to_ms - from_ms
    if (lasted_ms >= LATE_MS) this.late_until_ms = to_ms + SETTLE_MS
    if (lasted_ms > PERHAPS_LATE_MS) this.perhaps_late_until_ms = to_ms + SETTLE_PERHAPS_MS
    if (this.is_ticking) return
    this.is_ticking = true
    this.timers.add(to_ms, (now_ms) => this.tick(now_ms))
  }

  /** Before a stall and once it is over every tick comes in time: those are left out. */
  private tick(now_ms: number): void {
    if (this.turns.tick(now_ms)) {
      this.is_ticking = false
      this.onCaughtUp()
    } else {
      this.timers.add(now_ms + TICK_MS, (then_ms) => this.tick(then_ms))
    }
  }
}
