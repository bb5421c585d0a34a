/**
 * What the worker and the sandbox did in a stretch of time: rates, shares of a core, memory, the
 * loop's lateness and the way from a frame to a signal, all from what they tell themselves.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { STEP_EVERY_MS } from '../../sandbox/exchanges/simulation.ts'
import { quantile, type Samples, sum } from './prometheus.ts'
import type { Stack } from './stack.ts'

const SAMPLE_EVERY_MS = 1_000

export interface LoadFigures {
  readonly seconds: number
  /** frames a second that the sandbox handed to its sockets */
  readonly frames_sent: number
  /** frames a second that the worker received */
  readonly frames_received: number
  /** of one core */
  readonly cpu_percent: number
  readonly gc_percent: number
  readonly sandbox_cpu_percent: number
  /** of the steps of its market: less than all when the machine gave it too little time */
  readonly sandbox_steps_percent: number
  /** the most that was resident at any sample */
  readonly rss_mb: number
  readonly heap_mb: number
  readonly lateness_p50_ms: number
  readonly lateness_p99_ms: number
  readonly lateness_max_ms: number
  /** null: no opportunity was detected */
  readonly tick_to_signal_p50_ms: number | null
  readonly tick_to_signal_p99_ms: number | null
  readonly opportunities: number
  /** refused because frames were late: the loop's turn or the connection */
  readonly refused_backlog: number
  /** of the frames received; null: the worker does not count them */
  readonly slow_path_percent: number | null
  readonly gaps: number
  readonly reconnects: number
}

/** Watches for `seconds` and changes nothing. */
export async function measure({ worker, sandbox }: Stack, seconds: number): Promise<LoadFigures> {
  const began_ms = performance.now()
  const [before, sandbox_before] = [await worker.metrics(), await sandbox.status()]
  let [rss, heap] = [0, 0]
  while (performance.now() - began_ms < seconds * 1_000) {
    const { memory } = await worker.health()
    rss = Math.max(rss, memory.rss ?? 0)
    heap = Math.max(heap, memory.heapUsed ?? 0)
    await sleep(SAMPLE_EVERY_MS)
  }
  const [after, sandbox_after] = [await worker.metrics(), await sandbox.status()]
  const elapsed_s = (performance.now() - began_ms) / 1_000
  const grew = (name: string, labels = {}) => sum(after, name, labels) - sum(before, name, labels)
  const late_ms = (at: string) => sum(after, 'arb_event_loop_lag_seconds', { quantile: at }) * 1_000
  const frames = grew('arb_feed_frames_total')
  return {
    seconds: elapsed_s,
    frames_sent: (sandbox_after.frames_sent - sandbox_before.frames_sent) / elapsed_s,
    frames_received: frames / elapsed_s,
    cpu_percent: (grew('arb_process_cpu_seconds_total') / elapsed_s) * 100,
    gc_percent: (grew('arb_nodejs_gc_duration_seconds_sum') / elapsed_s) * 100,
    sandbox_cpu_percent:
      ((sandbox_after.cpu_seconds - sandbox_before.cpu_seconds) / elapsed_s) * 100,
    sandbox_steps_percent:
      ((sandbox_after.steps - sandbox_before.steps) / ((elapsed_s * 1_000) / STEP_EVERY_MS)) * 100,
    rss_mb: rss / 1e6,
    heap_mb: heap / 1e6,
    lateness_p50_ms: late_ms('0.5'),
    lateness_p99_ms: late_ms('0.99'),
    lateness_max_ms: late_ms('1'),
    ...tickToSignal(before, after),
    opportunities: grew('arb_opportunities_total', { kind: 'detected' }),
    refused_backlog: grew('arb_candidates_rejected_total', { guard: 'backlog' }),
    slow_path_percent: after.some(({ name }) => name === SLOW_PATH)
      ? (grew(SLOW_PATH) / frames) * 100
      : null,
    gaps: grew('arb_feed_gaps_total'),
    reconnects: grew('arb_feed_reconnects_total'),
  }
}

const SLOW_PATH = 'arb_feed_slow_path_total'

function tickToSignal(before: Samples, after: Samples) {
  const of = (share: number) => {
    const seconds = quantile(before, after, 'arb_tick_to_signal_seconds', share)
    return seconds === null ? null : seconds * 1_000
  }
  return { tick_to_signal_p50_ms: of(0.5), tick_to_signal_p99_ms: of(0.99) }
}
