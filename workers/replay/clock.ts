/**
 * The time of a recording: it stands still until the next line moves it, and what the worker does by
 * timers falls due on the way. The same lines make the same moments in every run.
 */
import type { Clock } from '../../shared/clock.ts'

interface Timer {
  /** infinite for what happens once */
  readonly every_ms: number
  readonly run: () => void
  due_ms: number
}

export class VirtualClock implements Clock {
  private now_ms: number
  private readonly origin_ms: number
  private timers: Timer[] = []
  private next_due_ms = Number.POSITIVE_INFINITY
  /** after so long a silence timers find nothing new to do */
  private readonly silence_ms: number

  constructor(start_ms: number, silence_ms: number) {
    this.now_ms = start_ms
    this.origin_ms = start_ms
    this.silence_ms = silence_ms
  }

  monotonic_ms(): number {
    return this.now_ms - this.origin_ms
  }

  wall_ms(): number {
    return Math.floor(this.now_ms)
  }

  every(every_ms: number, run: () => void): void {
    this.start({ every_ms, run, due_ms: this.now_ms + every_ms })
  }

  /** Runs once, at this moment of the monotonic clock or at the next if it is over. */
  once(at_ms: number, run: () => void): void {
    const due_ms = Math.max(this.now_ms, this.origin_ms + at_ms)
    this.start({ every_ms: Number.POSITIVE_INFINITY, run, due_ms })
  }

  /** Runs what falls due until `to_ms` (since 1970), in order, and stops there. Never goes back. */
  advance(to_ms: number): void {
    if (this.next_due_ms <= to_ms) this.runUntil(to_ms)
    if (to_ms > this.now_ms) this.now_ms = to_ms
  }

  private start(timer: Timer): void {
    this.timers.push(timer)
    this.next_due_ms = Math.min(this.next_due_ms, timer.due_ms)
  }

  private runUntil(to_ms: number): void {
    const last_ms = Math.min(to_ms, this.now_ms + this.silence_ms)
    while (this.next_due_ms <= last_ms) this.runNext()
    // a silence that lasted days or years is skipped
    for (const timer of this.timers) {
      if (timer.due_ms <= to_ms) timer.due_ms = to_ms + timer.every_ms
    }
    this.findNext()
  }

  private runNext(): void {
    this.now_ms = this.next_due_ms
    for (const timer of this.timers) {
      if (timer.due_ms > this.now_ms) continue
      timer.due_ms += timer.every_ms
      timer.run()
    }
    this.findNext()
  }

  private findNext(): void {
    this.timers = this.timers.filter(({ due_ms }) => due_ms !== Number.POSITIVE_INFINITY)
    this.next_due_ms = Math.min(...this.timers.map(({ due_ms }) => due_ms))
  }
}
