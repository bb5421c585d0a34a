/**
 * How late the worker's event loop was, and ours, through which every frame passes: window by window
 * for as long as a rig runs. The worker starts a new window whenever its metrics are read, so they are
 * read here and nowhere else; whoever wants them gets the newest.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Samples, sum } from '../../../bench/load/prometheus.ts'
import type { WorkerView } from '../../../bench/load/worker.ts'
import type { Late } from '../../truth/score.ts'

const EVERY_MS = 250
const NANOSECONDS = 1e6

export class Lateness {
  /** of both together */
  readonly windows: Late[] = []
  /** ours alone: then frames came late, and the worker could not know */
  readonly ours: Late[] = []
  private readonly worker: WorkerView
  private readonly own = monitorEventLoopDelay({ resolution: 10 })
  private waiting: ((samples: Samples) => void)[] = []
  private stopped = false

  constructor(worker: WorkerView) {
    this.worker = worker
    this.own.enable()
    void this.watch()
  }

  /** The worker's metrics, asked for after this call. */
  metrics(): Promise<Samples> {
    return new Promise((resolve) => this.waiting.push(resolve))
  }

  stop(): void {
    this.stopped = true
    this.own.disable()
  }

  private async watch(): Promise<void> {
    let from_ms = Date.now()
    while (!this.stopped) {
      await sleep(EVERY_MS)
      const asking = this.waiting.splice(0)
      const asked_ms = Date.now()
      // a worker that was stopped answers later, or never again
      const samples = await this.worker.metrics().catch(() => null)
      const to_ms = Date.now()
      const own_ms = this.own.max / NANOSECONDS
      this.own.reset()
      const worker_ms =
        samples === null
          ? to_ms - from_ms
          : sum(samples, 'arb_event_loop_lag_seconds', { quantile: '1' }) * 1_000
      this.windows.push({ from_ms, to_ms, late_ms: Math.max(worker_ms, own_ms) })
      this.ours.push({ from_ms, to_ms, late_ms: own_ms })
      // the worker began its next window at some moment between question and answer
      from_ms = samples === null ? to_ms : asked_ms
      if (samples === null) this.waiting.push(...asking)
      else for (const answer of asking) answer(samples)
    }
  }
}
