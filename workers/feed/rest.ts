/**
 * REST of one exchange: within its weight budget, obeying 429, 418 and Retry-After, by way of
 * another address where ours is not served. What came is the caller's to judge and to use.
 */
import type { Clock } from '../../shared/clock.ts'
import type { Addresses } from './addresses.ts'
import { isBlocked, isThrottled, retryAfter_ms } from './backoff.ts'
import type { Budget } from './budget.ts'
import { restUrl } from './url.ts'

const TIMEOUT_MS = 8_000

export type RestAnswer =
  | {
      readonly kind: 'body'
      readonly body: string
      /** our monotonic clock before the request and when the answer began, ms */
      readonly sent_ms: number
      readonly received_ms: number
    }
  /** the exchange does not know or serve this market */
  | { readonly kind: 'refused'; readonly reason: string }
  /** it does not serve our address */
  | { readonly kind: 'blocked'; readonly reason: string }
  /** worth another try */
  | { readonly kind: 'failed'; readonly reason: string }

export class Rest {
  private readonly addresses: Addresses<string>
  private readonly budget: Budget
  private readonly clock: Clock
  private readonly abort = new AbortController()

  constructor(addresses: Addresses<string>, budget: Budget, clock: Clock) {
    this.addresses = addresses
    this.budget = budget
    this.clock = clock
  }

  get stopped(): boolean {
    return this.abort.signal.aborted
  }

  stop(): void {
    this.abort.abort()
  }

  /** 0: granted and counted. Otherwise milliseconds until a request of this weight may go. */
  take(weight: number): number {
    const { blocked_for_ms } = this.addresses
    return blocked_for_ms > 0 ? blocked_for_ms : this.budget.take(weight, this.clock.monotonic_ms())
  }

  /** True while another address than the exchange's own is asked. */
  get elsewhere(): boolean {
    return this.addresses.elsewhere
  }

  /** Take its weight first. Never rejects. `here_only`: no other address knows this path. */
  async get(path: string, here_only = false): Promise<RestAnswer> {
    for (;;) {
      const address = this.addresses.current
      const answer = await this.ask(restUrl(address, path))
      if (answer.kind !== 'blocked') return answer
      if (this.addresses.refused(address) > 0 || here_only) return answer
    }
  }

  private async ask(url: string): Promise<RestAnswer> {
    const sent_ms = this.clock.monotonic_ms()
    try {
      const response = await fetch(url, {
        signal: AbortSignal.any([this.abort.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      })
      const received_ms = this.clock.monotonic_ms()
      const body = await response.text()
      if (response.status === 200) return { kind: 'body', body, sent_ms, received_ms }
      return this.classify(response, body)
    } catch (error) {
      return { kind: 'failed', reason: String(error) }
    }
  }

  private classify(response: Response, body: string): RestAnswer {
    const { status } = response
    const reason = `HTTP ${status}: ${body.slice(0, 200)}`
    if (isBlocked(status)) return { kind: 'blocked', reason }
    if (isThrottled(status)) {
      const pause_ms = retryAfter_ms(response.headers.get('retry-after'))
      this.budget.pause(this.clock.monotonic_ms() + pause_ms)
      return { kind: 'failed', reason }
    }
    return status >= 400 && status < 500 ? { kind: 'refused', reason } : { kind: 'failed', reason }
  }
}
