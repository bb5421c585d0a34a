/**
 * Notices books that stand still although they used to change all the time: a halt that the stream
 * does not tell looks like that, and a subscription that was forgotten, and so does luck. It judges no
 * book: how long is too long, and what follows, is its owner's business.
 */
import type { UnusualSilence } from '../exchanges/exchange.ts'
import type { Lane } from './lane.ts'

/** a market that changes more rarely than so says nothing by being silent */
const BUSY_MS = 1_000
/** weight of the newest interval in the mean */
const NEWEST = 0.1

interface Habit {
  /** our monotonic clock at the last frame seen, ms */
  frame_ms: number
  /** mean time between frames that were seen, ms; NaN before the second */
  usual_ms: number
  noticed: boolean
}

export class Frozen {
  private readonly silence: UnusualSilence
  private readonly habits = new WeakMap<Lane, Habit>()

  constructor(silence: UnusualSilence) {
    this.silence = silence
  }

  /** Those of these that have just become suspicious. Call it a few times a second. */
  notice(lanes: readonly Lane[], now_ms: number): Lane[] {
    return lanes.filter((lane) => lane.synced && lane.trading && this.look(lane, now_ms))
  }

  private look(lane: Lane, now_ms: number): boolean {
    const { frame_ms } = lane
    const habit = this.habits.get(lane)
    if (habit === undefined) {
      this.habits.set(lane, { frame_ms, usual_ms: Number.NaN, noticed: false })
      return false
    }
    if (frame_ms > habit.frame_ms) {
      const interval_ms = frame_ms - habit.frame_ms
      habit.usual_ms = Number.isNaN(habit.usual_ms)
        ? interval_ms
        : habit.usual_ms + NEWEST * (interval_ms - habit.usual_ms)
      habit.frame_ms = frame_ms
      habit.noticed = false
    }
    if (habit.noticed || !(habit.usual_ms < BUSY_MS)) return false
    const { times_usual, least_ms } = this.silence
    habit.noticed = now_ms - frame_ms > Math.max(least_ms, times_usual * habit.usual_ms)
    return habit.noticed
  }
}
