/** What has to be stopped, in the order in which the parts of a stack may go: users before stores. */

const ORDER = ['worker', 'servers', 'gateways', 'stores', 'folder'] as const
type Phase = (typeof ORDER)[number]

export class Stops {
  readonly #stops = new Map<Phase, (() => Promise<unknown>)[]>()
  #running: Promise<void> | undefined

  add(phase: Phase, stop: () => Promise<unknown>): void {
    this.#stops.set(phase, [...(this.#stops.get(phase) ?? []), stop])
  }

  /** Stops everything once; whoever calls later waits for the same end. */
  run(): Promise<void> {
    this.#running ??= this.#run()
    return this.#running
  }

  async #run(): Promise<void> {
    const failures: unknown[] = []
    for (const phase of ORDER) {
      const stops = this.#stops.get(phase) ?? []
      const ends = await Promise.allSettled(stops.map((stop) => stop()))
      for (const end of ends) if (end.status === 'rejected') failures.push(end.reason)
    }
    if (failures.length > 0) throw new AggregateError(failures, 'not everything could be stopped')
  }
}
