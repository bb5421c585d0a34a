/**
 * A limit of the kind exchanges publish: so much cost within any window of time. It counts what was
 * spent and says how long to wait; it owns no timer. Serves client frames, connection attempts and
 * REST weight alike.
 */
export class Budget {
  private readonly limit: number
  private readonly window_ms: number
  private paused_until_ms = Number.NEGATIVE_INFINITY
  private spent: { at_ms: number; cost: number }[] = []

  constructor(limit: number, window_ms: number) {
    this.limit = limit
    this.window_ms = window_ms
  }

  /** The other side asked for a pause: nothing is granted before. */
  pause(until_ms: number): void {
    this.paused_until_ms = Math.max(this.paused_until_ms, until_ms)
  }

  /** 0: granted and counted. Otherwise the milliseconds until it may be granted; ask again then. */
  take(cost: number, now_ms: number): number {
    if (cost > this.limit) throw new RangeError(`a cost of ${cost} never fits ${this.limit}`)
    if (now_ms < this.paused_until_ms) return Math.ceil(this.paused_until_ms - now_ms)
    this.spent = this.spent.filter(({ at_ms }) => now_ms - at_ms < this.window_ms)
    let excess = this.spent.reduce((sum, entry) => sum + entry.cost, cost) - this.limit
    if (excess <= 0) {
      this.spent.push({ at_ms: now_ms, cost })
      return 0
    }
    for (const entry of this.spent) {
      excess -= entry.cost
      if (excess <= 0) return Math.max(1, Math.ceil(entry.at_ms + this.window_ms - now_ms))
    }
    throw new Error('a budget whose entries do not add up')
  }
}
