/**
 * One piece of work for all requests that want the same thing at the same moment. In workerd a promise
 * of another request may be awaited, but ends with that request: whoever began the work keeps it alive
 * (waitUntil), and whoever joined gives up waiting after a while and does it himself.
 */
import { sleep } from './time.ts'

/** Longer than any store takes, with its one retry. */
const JOIN_MAX_MS = 7_000

const LATE = Symbol('late')

export type KeepAlive = (work: Promise<unknown>) => void

export class Flights<T> {
  readonly #open = new Map<string, Promise<T>>()

  /** The outcome of the work under this name, which is begun unless it is under way. */
  async join(name: string, keepAlive: KeepAlive, work: () => Promise<T>): Promise<T> {
    const open = this.#open.get(name)
    if (open !== undefined) {
      const given_up = new AbortController()
      const late = sleep(JOIN_MAX_MS, given_up.signal).then(() => LATE)
      const outcome = await Promise.race([open, late]).finally(() => given_up.abort())
      if (outcome !== LATE) return outcome as T
      if (this.#open.get(name) === open) this.#open.delete(name)
    }
    return this.#begin(name, keepAlive, work)
  }

  has(name: string): boolean {
    return this.#open.has(name)
  }

  #begin(name: string, keepAlive: KeepAlive, work: () => Promise<T>): Promise<T> {
    const flight = work().finally(() => {
      if (this.#open.get(name) === flight) this.#open.delete(name)
    })
    this.#open.set(name, flight)
    keepAlive(flight.catch(() => undefined))
    return flight
  }
}
