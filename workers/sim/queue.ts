/** Things that happen later, in the order of their time; of one time, in the order of their coming. */

interface Happening {
  readonly at_ms: number
  readonly run: (at_ms: number) => void
}

export class Queue {
  /** the next first */
  private readonly waiting: Happening[] = []

  get next_ms(): number {
    return this.waiting[0]?.at_ms ?? Number.POSITIVE_INFINITY
  }

  add(at_ms: number, run: (at_ms: number) => void): void {
    const { waiting } = this
    let place = waiting.length
    while (place > 0 && (waiting[place - 1] as Happening).at_ms > at_ms) place--
    waiting.splice(place, 0, { at_ms, run })
  }

  /**
   * Runs all that is due, also what comes to be due meanwhile. Each hears its own time, or `as_ms`
   * where it is looked at only then.
   */
  runUntil(to_ms: number, as_ms?: number): void {
    while (this.next_ms <= to_ms) {
      const { at_ms, run } = this.waiting.shift() as Happening
      run(as_ms ?? at_ms)
    }
  }
}
