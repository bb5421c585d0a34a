/**
 * When an exchange that does not push every change at once pushes: at the end of the source's step
 * that passes a whole multiple of the interval. So what was public at which moment follows from the
 * steps alone, whatever the machine is busy with.
 */
import { systemClock } from '../../shared/clock.ts'
import type { MarketSource } from '../market/source.ts'

/** A source that did not step for so long stands still, or never steps: the machine's clock rules. */
const STANDSTILL_MS = 60

/** `push` gets the wall clock. Returns the function that ends it. */
export function pushEvery(
  source: MarketSource,
  every_ms: number,
  push: (now_ms: number) => void,
): () => void {
  let last_ms = Number.NEGATIVE_INFINITY
  let stepped_ms = Number.NEGATIVE_INFINITY
  const end = source.onStep?.((now_ms) => {
    const is_due = Math.floor(now_ms / every_ms) > Math.floor(last_ms / every_ms)
    last_ms = now_ms
    stepped_ms = systemClock.monotonic_ms()
    if (is_due) push(now_ms)
  })
  const timer = setInterval(() => {
    const still_ms = systemClock.monotonic_ms() - stepped_ms
    if (still_ms >= Math.max(every_ms, STANDSTILL_MS)) push(systemClock.wall_ms())
  }, every_ms)
  return () => {
    end?.()
    clearInterval(timer)
  }
}
