/** A map for the memory of an isolate: when it is full, what was set longest ago goes. */
export class BoundedMap<T> {
  readonly #entries = new Map<string, T>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  get(name: string): T | undefined {
    return this.#entries.get(name)
  }

  set(name: string, value: T): void {
    this.#entries.delete(name)
    this.#entries.set(name, value)
    if (this.#entries.size <= this.#max) return
    const oldest = this.#entries.keys().next()
    if (!oldest.done) this.#entries.delete(oldest.value)
  }
}
