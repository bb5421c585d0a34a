/**
 * Wrong credentials by the address they came from: enough of them for mistakes, not for guessing. It
 * counts within one process and forgets everything with each window, so it never grows.
 */
import type { Clock } from './clock.ts'

const MOST = 20
const WINDOW_MS = 60_000
/** More addresses than that in one window are not told apart: a flood must not fill the memory. */
const ADDRESSES_MAX = 10_000

export class Attempts {
  private readonly clock: Clock
  private readonly failed = new Map<string, number>()
  private window_ms = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Seconds until this address may try again; null: it may now. */
  wait_s(address: string): number | null {
    const now_ms = this.turn()
    if ((this.failed.get(address) ?? 0) < MOST) return null
    return Math.max(1, Math.ceil((this.window_ms + WINDOW_MS - now_ms) / 1_000))
  }

  /** One more that was wrong. */
  count(address: string): void {
    this.turn()
    const before = this.failed.get(address)
    if (before === undefined && this.failed.size >= ADDRESSES_MAX) return
    this.failed.set(address, (before ?? 0) + 1)
  }

  private turn(): number {
    const now_ms = this.clock.monotonic_ms()
    if (now_ms - this.window_ms >= WINDOW_MS) {
      this.window_ms = now_ms
      this.failed.clear()
    }
    return now_ms
  }
}
