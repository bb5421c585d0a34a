/** How often something happened, over all worlds: it shows whether they visit what matters. */

export class Tally {
  private readonly counts = new Map<string, number>()

  count(what: string, times = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + times)
  }

  of(what: string): number {
    return this.counts.get(what) ?? 0
  }

  add(other: Tally): void {
    for (const [what, times] of other.counts) this.count(what, times)
  }

  /** In alphabetical order. */
  all(): (readonly [what: string, times: number])[] {
    return [...this.counts].sort(([a], [b]) => (a < b ? -1 : 1))
  }
}
