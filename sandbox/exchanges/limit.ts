/** Counting limits as exchanges state them: so many in any window of so long. */
import { systemClock } from '../../shared/clock.ts'

export interface Limit {
  readonly count: number
  readonly window_ms: number
}

/** Returns a function that takes one and says whether it was within the limit. */
export function quota({ count, window_ms }: Limit): () => boolean {
  const taken: number[] = []
  return () => {
    const now_ms = systemClock.monotonic_ms()
    while (taken[0] !== undefined && taken[0] <= now_ms - window_ms) taken.shift()
    if (taken.length >= count) return false
    taken.push(now_ms)
    return true
  }
}
