/**
 * Fetches REST snapshots within the exchange's weight budget, a few at a time, and obeys 429, 418
 * and Retry-After. It judges no body and retries no refusal; what came is the caller's to use.
 */
import type { Clock } from '../../shared/clock.ts'
import type { SnapshotProcedure } from '../exchanges/exchange.ts'
import { BLOCKED_RETRY_MS, isBlocked, isThrottled, retryAfter_ms } from './backoff.ts'
import { Budget } from './budget.ts'
import { restUrl } from './url.ts'

const CONCURRENCY = 4
const TIMEOUT_MS = 8_000

export type SnapshotAnswer =
  | { readonly kind: 'body'; readonly body: string }
  /** the exchange does not know or serve this market */
  | { readonly kind: 'refused'; readonly reason: string }
  /** it does not serve our address */
  | { readonly kind: 'blocked'; readonly reason: string }
  /** worth another try */
  | { readonly kind: 'failed'; readonly reason: string }

export class Snapshots {
  /** in order of arrival; a market waits at most once */
  private readonly waiting = new Set<string>()
  private readonly running = new Set<string>()
  private readonly budget: Budget
  private readonly abort = new AbortController()
  private timer: NodeJS.Timeout | undefined
  private paused_until_ms = 0
  private readonly procedure: SnapshotProcedure
  private readonly rest_url: string
  private readonly clock: Clock
  private readonly deliver: (market: string, answer: SnapshotAnswer) => void

  constructor(
    procedure: SnapshotProcedure,
    rest_url: string,
    clock: Clock,
    deliver: (market: string, answer: SnapshotAnswer) => void,
  ) {
    this.procedure = procedure
    this.rest_url = rest_url
    this.clock = clock
    this.deliver = deliver
    this.budget = new Budget(procedure.budget.weight, procedure.budget.window_ms)
  }

  /** True while the market is queued or under way: nothing is lost by waiting for it. */
  pending(market: string): boolean {
    return this.waiting.has(market) || this.running.has(market)
  }

  request(market: string): void {
    if (this.pending(market)) return
    this.waiting.add(market)
    this.advance()
  }

  cancel(market: string): void {
    this.waiting.delete(market)
  }

  stop(): void {
    this.waiting.clear()
    clearTimeout(this.timer)
    this.abort.abort()
  }

  private advance(): void {
    clearTimeout(this.timer)
    for (const market of this.waiting) {
      if (this.running.size >= CONCURRENCY) return
      const now_ms = this.clock.monotonic_ms()
      const pause_ms = this.paused_until_ms - now_ms
      const wait_ms = pause_ms > 0 ? pause_ms : this.budget.take(this.procedure.weight, now_ms)
      if (wait_ms > 0) {
        this.timer = setTimeout(() => this.advance(), wait_ms)
        return
      }
      this.waiting.delete(market)
      this.running.add(market)
      void this.run(market)
    }
  }

  private async run(market: string): Promise<void> {
    const answer = await this.fetch(market)
    this.running.delete(market)
    if (this.abort.signal.aborted) return
    this.deliver(market, answer)
    this.advance()
  }

  private async fetch(market: string): Promise<SnapshotAnswer> {
    try {
      const response = await fetch(restUrl(this.rest_url, this.procedure.path(market)), {
        signal: AbortSignal.any([this.abort.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      })
      const body = await response.text()
      if (response.status === 200) return { kind: 'body', body }
      return this.classify(response, body)
    } catch (error) {
      return { kind: 'failed', reason: String(error) }
    }
  }

  private classify(response: Response, body: string): SnapshotAnswer {
    const { status } = response
    const reason = `HTTP ${status}: ${body.slice(0, 200)}`
    if (isBlocked(status)) {
      this.paused_until_ms = this.clock.monotonic_ms() + BLOCKED_RETRY_MS
      return { kind: 'blocked', reason }
    }
    if (isThrottled(status)) {
      const pause_ms = retryAfter_ms(response.headers.get('retry-after'))
      this.paused_until_ms = this.clock.monotonic_ms() + pause_ms
      return { kind: 'failed', reason }
    }
    return status >= 400 && status < 500 ? { kind: 'refused', reason } : { kind: 'failed', reason }
  }
}
