/**
 * Notices books that stand still although they used to change all the time: a halt that the stream
 * does not tell looks like that, and so does luck. It is a hint to ask and judges no book.
 */
import type { Lane } from './lane.ts'

/** a market that changes more rarely than so says nothing by being silent */
const BUSY_MS = 1_000
/** silences that are so many times the usual one come about by chance once in e^10 */
const UNUSUAL = 10
const LEAST_SILENCE_MS = 3_000
/** weight of the newest interval in the mean */
const NEWEST = 0.1

interface Habit {
  /** our monotonic clock at the last frame seen, ms */
  frame_ms: number
  /** mean time between frames that were seen, ms; NaN before the second */
  usual_ms: number
  hinted: boolean
}

export class Frozen {
  private readonly habits = new WeakMap<Lane, Habit>()

  /** True when one of these has just become suspicious. Call it a few times a second. */
  notice(lanes: readonly Lane[], now_ms: number): boolean {
    let suspicious = false
    for (const lane of lanes) {
      if (lane.synced && lane.trading && this.look(lane, now_ms)) suspicious = true
    }
    return suspicious
  }

  private look(lane: Lane, now_ms: number): boolean {
    const { frame_ms } = lane
    const habit = this.habits.get(lane)
    if (habit === undefined) {
      this.habits.set(lane, { frame_ms, usual_ms: Number.NaN, hinted: false })
      return false
    }
    if (frame_ms > habit.frame_ms) {
      const interval_ms = frame_ms - habit.frame_ms
      habit.usual_ms = Number.isNaN(habit.usual_ms)
        ? interval_ms
        : habit.usual_ms + NEWEST * (interval_ms - habit.usual_ms)
      habit.frame_ms = frame_ms
      habit.hinted = false
    }
    if (habit.hinted || !(habit.usual_ms < BUSY_MS)) return false
    const limit_ms = Math.max(LEAST_SILENCE_MS, UNUSUAL * habit.usual_ms)
    habit.hinted = now_ms - frame_ms > limit_ms
    return habit.hinted
  }
}
