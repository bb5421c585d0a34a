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
const TICK_MS = 10

export interface Lateness {
  /** True while the loop is late, and until it has turned in time for SETTLE_MS. */
  readonly late: () => boolean
  /** milliseconds by which turns were late since the last reset; `quantile` from 0 to 1 */
  readonly quantile_ms: (quantile: number) => number
  readonly reset: () => void
  readonly stop: () => void
}

/** `onCaughtUp` is called when the loop is in time again: what was refused may be judged. */
export function watchLateness(clock: Clock, onCaughtUp: () => void): Lateness {
  const delay = monitorEventLoopDelay({ resolution: TICK_MS })
  delay.enable()
  let due_ms = clock.monotonic_ms() + TICK_MS
  /** our monotonic clock, ms; NaN while nothing is to be waited for */
  let settled_ms = Number.NaN
  const timer = setInterval(() => {
    const now_ms = clock.monotonic_ms()
    if (now_ms - due_ms > LATE_MS) {
      settled_ms = now_ms + SETTLE_MS
    } else if (now_ms >= settled_ms) {
      settled_ms = Number.NaN
      onCaughtUp()
    }
    due_ms = now_ms + TICK_MS
  }, TICK_MS)
  timer.unref()
  return {
    // the second half is for code that runs in a late turn before the timer does
    late: () => !Number.isNaN(settled_ms) || clock.monotonic_ms() - due_ms > LATE_MS,
    // an idle loop measures the resolution itself: the timer was due that much later anyway
    quantile_ms: (quantile) => Math.max(0, delay.percentile(quantile * 100) / 1e6 - TICK_MS),
    reset: () => delay.reset(),
    stop: () => {
      clearInterval(timer)
      delay.disable()
    },
  }
}
