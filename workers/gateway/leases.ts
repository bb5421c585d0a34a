/**
 * How many streams each caller of this worker has open, leased in Redis together with those that the
 * edge and other workers hold (shared/stream-lease.ts). Without Redis this worker counts alone.
 */
import type { Redis } from 'ioredis'
import { z } from 'zod'
import type { Clock } from '../../shared/clock.ts'
import { KEYS } from '../../shared/keys.ts'
import type { Log } from '../../shared/log.ts'
import { ANY, LEASE_MS, RENEW_EVERY_MS, TELL } from '../../shared/stream-lease.ts'

export interface LeasesOptions {
  /** a `command` connection */
  readonly redis: Redis
  /** unique among all that hold streams */
  readonly holder: string
  readonly clock: Clock
  readonly log: Log
}

export class Leases {
  private readonly options: LeasesOptions
  private readonly held = new Map<string, number>()
  private readonly renewing: ReturnType<typeof setInterval>

  constructor(options: LeasesOptions) {
    this.options = options
    this.renewing = setInterval(() => {
      if (this.held.size > 0) void this.tell([...this.held.keys()])
    }, RENEW_EVERY_MS)
  }

  /** One more stream of this caller, until what is returned is called; null: that is one too many. */
  async take(caller: string, most: number): Promise<(() => void) | null> {
    const own = (this.held.get(caller) ?? 0) + 1
    if (own > most) return null
    this.held.set(caller, own)
    const others = await this.tell([caller], most)
    if ((others[0] ?? 0) + (this.held.get(caller) ?? 0) > most) {
      this.release(caller)
      return null
    }
    let released = false
    return () => {
      if (released) return
      released = true
      this.release(caller)
      void this.tell([caller])
    }
  }

  /** Gives everything back, as far as Redis can be told. */
  async end(): Promise<void> {
    clearInterval(this.renewing)
    const callers = [...this.held.keys()]
    this.held.clear()
    if (callers.length > 0) await this.tell(callers)
  }

  private release(caller: string): void {
    const left = (this.held.get(caller) ?? 0) - 1
    if (left > 0) this.held.set(caller, left)
    else this.held.delete(caller)
  }

  /** What others hold for each. */
  private async tell(callers: readonly string[], most = ANY): Promise<number[]> {
    const { redis, holder, clock, log } = this.options
    const now_ms = clock.wall_ms()
    const keys = callers.map((id) => KEYS.streams + id)
    const counts = callers.map((id) => this.held.get(id) ?? 0)
    const told = [now_ms, now_ms + LEASE_MS, LEASE_MS, holder, most, ...counts]
    try {
      return z.array(z.number()).parse(await redis.eval(TELL, keys.length, ...keys, ...told))
    } catch (error) {
      log.debug('streams are counted by this worker alone', { error })
      return []
    }
  }
}
