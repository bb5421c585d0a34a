/**
 * The one home of the event loop's lateness: a histogram for the metrics, and the answer to "may
 * what we read just now have waited for us?". A late loop stamps old frames with the present, so
 * the detector refuses everything meanwhile. It measures; it slows nothing down.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Clock } from '../../shared/clock.ts'

/** a loop that turns so late has let frames wait that will look fresh */
const LATE_MS = 50
/** after a late turn: what waited in the senders' buffers needs a round trip to arrive */
const SETTLE_MS = 100
export const TICK_MS = 10

export interface Lateness {
  /** True while the loop is late, and until it has turned in time for SETTLE_MS. */
  readonly late: () => boolean
  /** milliseconds by which turns were late since the last reset; `quantile` from 0 to 1 */
  readonly quantile_ms: (quantile: number) => number
  readonly reset: () => void
  readonly stop: () => void
}

/** Judges the loop by a timer that should run every TICK_MS. It owns none. */
export class Turns {
  private due_ms: number
  /** our monotonic clock, ms; NaN while nothing is to be waited for */
  private settled_ms = Number.NaN

  constructor(now_ms: number) {
    this.due_ms = now_ms + TICK_MS
  }

  /** The timer runs. True when the loop was late and is in time again. */
  tick(now_ms: number): boolean {
    const is_late = now_ms - this.due_ms > LATE_MS
    const caught_up = !is_late && now_ms >= this.settled_ms
    this.due_ms = now_ms + TICK_MS
    if (is_late) this.settled_ms = now_ms + SETTLE_MS
    else if (caught_up) this.settled_ms = Number.NaN
    return caught_up
  }

  /** The second half is for code that runs in a late turn before the timer does. */
  late(now_ms: number): boolean {
    return !Number.isNaN(this.settled_ms) || now_ms - this.due_ms > LATE_MS
  }
}

/** `onCaughtUp` is called when the loop is in time again: what was refused may be judged. */
export function watchLateness(clock: Clock, onCaughtUp: () => void): Lateness {
  const delay = monitorEventLoopDelay({ resolution: TICK_MS })
  delay.enable()
  const turns = new Turns(clock.monotonic_ms())
  const timer = setInterval(() => {
    if (turns.tick(clock.monotonic_ms())) onCaughtUp()
  }, TICK_MS)
  timer.unref()
  return {
    late: () => turns.late(clock.monotonic_ms()),
    // an idle loop measures the resolution itself: the timer was due that much later anyway
    quantile_ms: (quantile) => Math.max(0, delay.percentile(quantile * 100) / 1e6 - TICK_MS),
    reset: () => delay.reset(),
    stop: () => {
      clearInterval(timer)
      delay.disable()
    },
  }
}
