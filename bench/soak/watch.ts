/** Looks every few seconds at what the processes hold and what they did, until time is up or it is told to stop. */
import { setTimeout as sleep } from 'node:timers/promises'
import { residentBytes } from '../edge/process.ts'
import { sum } from '../load/prometheus.ts'
import type { Heap, Received, Rig } from './rig.ts'
import { median, type Sample, type Trend, trendOf } from './trend.ts'

export interface SoakResult {
  /** watched, without the warm-up */
  readonly minutes: number
  readonly trends: readonly (readonly [what: string, trend: Trend])[]
  /** of what grows for a while and then no more: told, not judged */
  readonly worker_code: Trend
  readonly lateness_p99_ms: { readonly median: number; readonly worst: number }
  readonly frames: number
  readonly opportunities: number
  readonly gaps: number
  readonly reconnects: number
  readonly received: Received
  /** what ended it early; null: nothing did */
  readonly ended_early: string | null
}

export interface WatchOptions {
  readonly warm_up_ms: number
  readonly watch_ms: number
  readonly signal: AbortSignal
  readonly onPhase: (phase: string) => void
}

const SAMPLE_EVERY_MS = 5_000
/** a window of the loop's lateness, and a line for who looks on */
const LOOK_EVERY_SAMPLES = 12

/** Null when it is stopped before anything was watched. It never throws: what is known is told. */
export async function watch(rig: Rig, options: WatchOptions): Promise<SoakResult | null> {
  const { warm_up_ms, watch_ms, signal, onPhase } = options
  const { worker } = rig.stack
  onPhase('warm-up')
  await paused(warm_up_ms, signal)
  if (signal.aborted) return null
  onPhase('watching')
  const seen = { worker_rss: [], workerd_rss: [] } as Seen
  const late_ms: number[] = []
  const before = await worker.metrics()
  let after = before
  let ended_early: string | null = null
  const began_ms = performance.now()
  for (let count = 1; performance.now() - began_ms < watch_ms; count++) {
    await paused(SAMPLE_EVERY_MS, signal)
    try {
      await look(rig, seen)
      const is_last = signal.aborted || performance.now() - began_ms >= watch_ms
      if (count % LOOK_EVERY_SAMPLES === 0 || is_last) {
        after = await worker.metrics()
        late_ms.push(sum(after, 'arb_event_loop_lag_seconds', { quantile: '0.99' }) * 1_000)
        onPhase(progress(began_ms, rig, seen))
      }
    } catch (error) {
      ended_early = `the worker or workerd cannot be asked any more: ${error}`
    }
    if (signal.aborted) ended_early ??= `stopped (${signal.reason})`
    if (ended_early !== null) break
  }
  const grew = (name: string, labels = {}) => sum(after, name, labels) - sum(before, name, labels)
  return {
    minutes: (performance.now() - began_ms) / 60_000,
    trends: [
      ['worker RSS', trendOf(seen.worker_rss)],
      ['worker heap, collected', trendOf(since(rig.heaps.worker, began_ms))],
      ['workerd RSS', trendOf(seen.workerd_rss)],
      ['edge heap, collected', trendOf(since(rig.heaps.edge, began_ms))],
    ],
    worker_code: trendOf(since(rig.heaps.worker_code, began_ms)),
    lateness_p99_ms: { median: median(late_ms), worst: Math.max(...late_ms) },
    frames: grew('arb_feed_frames_total'),
    opportunities: grew('arb_opportunities_total', { kind: 'detected' }),
    gaps: grew('arb_feed_gaps_total'),
    reconnects: grew('arb_feed_reconnects_total'),
    received: rig.received(),
    ended_early,
  }
}

interface Seen {
  readonly worker_rss: Sample[]
  readonly workerd_rss: Sample[]
}

async function look({ stack, workerd }: Rig, seen: Seen): Promise<void> {
  const { memory } = await stack.worker.health()
  const rss = await residentBytes(workerd.pid)
  const at_ms = performance.now()
  seen.worker_rss.push({ at_ms, mb: (memory.rss ?? Number.NaN) / 1e6 })
  seen.workerd_rss.push({ at_ms, mb: rss / 1e6 })
}

function since(heaps: readonly Heap[], began_ms: number): Sample[] {
  return heaps
    .filter(({ at_ms }) => at_ms >= began_ms)
    .map(({ at_ms, bytes }) => ({ at_ms, mb: bytes / 1e6 }))
}

function progress(began_ms: number, rig: Rig, seen: Seen): string {
  const minutes = (performance.now() - began_ms) / 60_000
  const newest = (samples: readonly Sample[]) => `${samples.at(-1)?.mb.toFixed(0)} MB`
  const { worker_rss, workerd_rss } = seen
  const [worker, edge] = [rig.heaps.worker, rig.heaps.edge].map((heaps) => since(heaps, began_ms))
  const ofWorker = `worker ${newest(worker_rss)}, heap after collection ${newest(worker ?? [])}`
  const ofEdge = `workerd ${newest(workerd_rss)}, heap after collection ${newest(edge ?? [])}`
  return `${minutes.toFixed(0)} min: ${ofWorker}; ${ofEdge}`
}

/** At once when it is stopped. */
async function paused(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {})
}
