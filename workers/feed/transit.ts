/**
 * How late the frames of a connection arrive, compared with the quickest of the last minutes. The
 * exchange's clock may be wrong by any amount: only what changes counts. A socket that drains a
 * backlog shows here and nowhere else, for all that it delivers is stamped with the present.
 */

/** later than this, a connection is behind: an exchange's own hiccups stay below */
export const BEHIND_MS = 500
/** the floor is the quickest of one to two such windows: an exchange's clock drifts slowly */
const WINDOW_MS = 60_000
/** frames of several markets are out of order by far less: such a jump is a clock that was set */
const CLOCK_SET_MS = 1_000

/** The quickest frames of an exchange, all its connections together: it has one clock. */
export class TransitFloor {
  private previous_ms = Number.POSITIVE_INFINITY
  private current_ms = Number.POSITIVE_INFINITY
  private window_ends_ms = Number.NEGATIVE_INFINITY

  /** Receive time minus exchange time of the quickest frames; Infinity before the first. */
  get value_ms(): number {
    return Math.min(this.previous_ms, this.current_ms)
  }

  take(transit_ms: number, now_ms: number): void {
    if (now_ms >= this.window_ends_ms) {
      this.previous_ms = this.current_ms
      this.current_ms = transit_ms
      this.window_ends_ms = now_ms + WINDOW_MS
    } else if (transit_ms < this.current_ms) {
      this.current_ms = transit_ms
    }
  }

  /** The exchange's clock was set back: from now on a quick frame shows `transit_ms`. */
  restart(transit_ms: number, now_ms: number): void {
    this.previous_ms = transit_ms
    this.current_ms = transit_ms
    this.window_ends_ms = now_ms + WINDOW_MS
  }
}

export class Transit {
  /** by how much the last change came later than the quickest do, ms */
  lag_ms = 0
  /** our monotonic clock since it has been behind, ms; NaN while it is not */
  behind_since_ms = Number.NaN
  private exchange_time_ms = Number.NEGATIVE_INFINITY
  private readonly floor: TransitFloor

  constructor(floor: TransitFloor) {
    this.floor = floor
  }

  get behind(): boolean {
    return this.lag_ms > BEHIND_MS
  }

  /**
   * A change of the exchange's `exchange_time_ms`, received at `now_ms` of our monotonic clock.
   * Snapshots do not belong here: some carry the time of the market's last change.
   */
  observe(exchange_time_ms: number, now_ms: number): void {
    if (Number.isNaN(exchange_time_ms)) return
    const transit_ms = now_ms - exchange_time_ms
    const set_back = exchange_time_ms < this.exchange_time_ms - CLOCK_SET_MS
    this.exchange_time_ms = exchange_time_ms
    if (set_back) {
      this.floor.restart(transit_ms - (this.behind ? this.lag_ms : 0), now_ms)
      return
    }
    this.floor.take(transit_ms, now_ms)
    this.lag_ms = transit_ms - this.floor.value_ms
    if (!this.behind) this.behind_since_ms = Number.NaN
    else if (Number.isNaN(this.behind_since_ms)) this.behind_since_ms = now_ms
  }
}
