/**
 * Fetches REST snapshots a few at a time, in the order of the questions. It judges no body and
 * retries no refusal; what came is the caller's to use.
 */
import type { SnapshotProcedure } from '../exchanges/exchange.ts'
import type { Rest, RestAnswer } from './rest.ts'

const CONCURRENCY = 4

export type SnapshotRest = Pick<Rest, 'take' | 'get' | 'stopped'>

export class Snapshots {
  /** in order of arrival; a market waits at most once */
  private readonly waiting = new Set<string>()
  private readonly running = new Set<string>()
  private timer: NodeJS.Timeout | undefined
  private readonly procedure: SnapshotProcedure
  private readonly rest: SnapshotRest
  private readonly deliver: (market: string, answer: RestAnswer) => void

  constructor(
    procedure: SnapshotProcedure,
    rest: SnapshotRest,
    deliver: (market: string, answer: RestAnswer) => void,
  ) {
    this.procedure = procedure
    this.rest = rest
    this.deliver = deliver
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
  }

  private advance(): void {
    clearTimeout(this.timer)
    for (const market of this.waiting) {
      if (this.running.size >= CONCURRENCY) return
      const wait_ms = this.rest.take(this.procedure.weight)
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
    const answer = await this.rest.get(this.procedure.path(market))
    this.running.delete(market)
    if (this.rest.stopped) return
    this.deliver(market, answer)
    this.advance()
  }
}
