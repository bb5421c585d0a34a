/**
 * What everybody reads, read from Redis once for all requests of an isolate: readers that
 * ask with different filters share one read. Only what was read is kept, never a failure.
 */
import type { Clock } from '../../shared/clock.ts'
import type { ExchangeStatus } from '../../shared/health.ts'
import type { TopOfBook } from '../../shared/top.ts'
import type { WatchedMarket } from '../../shared/watched.ts'
import { Flights, type KeepAlive } from '../flights.ts'
import type { Answer } from './answer.ts'
import type { Live, LiveSet } from './live.ts'

/** Half of what a list may be old by its own Cache-Control. */
const KEPT_MS = 500

class Hot<T> {
  #value: T | null = null
  #read_ms = Number.NEGATIVE_INFINITY
  readonly #reading = new Flights<Answer<T>>()

  /** All readers share it: nobody may change it. */
  async read(ask: () => Promise<Answer<T>>, clock: Clock, keepAlive: KeepAlive) {
    if (this.#value !== null && clock.wall_ms() - this.#read_ms < KEPT_MS) {
      return { ok: true as const, value: this.#value }
    }
    return this.#reading.join('', keepAlive, async () => {
      const asked_ms = clock.wall_ms()
      const fresh = await ask()
      if (fresh.ok) {
        this.#value = fresh.value
        this.#read_ms = asked_ms
      }
      return fresh
    })
  }
}

const opportunities = new Hot<LiveSet>()
const exchanges = new Hot<readonly ExchangeStatus[]>()
const tops = new Hot<readonly TopOfBook[]>()
const markets = new Hot<readonly WatchedMarket[]>()

export function hotLive(live: Live, clock: Clock, keepAlive: KeepAlive): Live {
  return {
    ...live,
    opportunities: () => opportunities.read(live.opportunities, clock, keepAlive),
    exchanges: () => exchanges.read(live.exchanges, clock, keepAlive),
    tops: () => tops.read(live.tops, clock, keepAlive),
    markets: () => markets.read(live.markets, clock, keepAlive),
  }
}
