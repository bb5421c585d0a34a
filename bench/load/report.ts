/** The figures of a run for machines, a JSON line a phase, and for people, one table. */
import type { LoadResult } from './run.ts'
import type { LoadFigures } from './window.ts'

const MOST_WRONG_SHOWN = 10
const GOAL_RSS_MB = 256
const GOAL_LATENESS_MS = 50
const GOAL_BURST = 5
/** with fewer of its market's steps the sandbox had no time left */
const ALL_STEPS_PERCENT = 90

export function jsonLines(result: LoadResult): string[] {
  const { start_seconds, recovery_seconds, markets, peak_rss_mb } = result
  const { books, levels, wrong } = result.comparison
  return [
    { phase: 'start', start_seconds, markets },
    { phase: 'steady', ...result.steady },
    { phase: 'burst', burst_factor: result.burst_factor, ...result.burst },
    { phase: 'compare', books, levels, wrong: wrong.length, recovery_seconds, peak_rss_mb },
  ].map((figures) => JSON.stringify({ bench: 'worker', ...figures }, rounded))
}

export function table(result: LoadResult): string {
  const { steady, burst, burst_factor, markets } = result
  const counts = Object.entries(markets).map(([exchange, count]) => `${exchange} ${count}`)
  const lines = [
    row(['', 'steady', `changes ×${burst_factor}`]),
    ...ROWS.map(([name, show]) => row([name, show(steady), show(burst)])),
  ]
  return [`markets: ${counts.join(', ')}`, ...lines, '', ...verdicts(result)].join('\n')
}

const ROWS: readonly (readonly [name: string, show: (figures: LoadFigures) => string])[] = [
  ['frames/s sent by the sandbox', (f) => f.frames_sent.toFixed(0)],
  ['frames/s seen by the worker', (f) => f.frames_received.toFixed(0)],
  ['CPU of the worker', (f) => percent(f.cpu_percent)],
  ['of it garbage collection', (f) => percent(f.gc_percent)],
  ['CPU of the sandbox', (f) => percent(f.sandbox_cpu_percent)],
  ['of its steps it had time for', (f) => percent(f.sandbox_steps_percent)],
  ['RSS, most', (f) => `${f.rss_mb.toFixed(0)} MB`],
  ['heap used, most', (f) => `${f.heap_mb.toFixed(0)} MB`],
  ['loop lateness p50', (f) => milliseconds(f.lateness_p50_ms)],
  ['loop lateness p99', (f) => milliseconds(f.lateness_p99_ms)],
  ['loop lateness, most', (f) => milliseconds(f.lateness_max_ms)],
  ['tick to signal p50', (f) => milliseconds(f.tick_to_signal_p50_ms)],
  ['tick to signal p99', (f) => milliseconds(f.tick_to_signal_p99_ms)],
  ['opportunities', (f) => String(f.opportunities)],
  ['refused by the backlog guard', (f) => String(f.refused_backlog)],
  ['frames on the slow path', (f) => percent(f.slow_path_percent)],
  ['gaps, reconnects', (f) => `${f.gaps}, ${f.reconnects}`],
]

function verdicts(result: LoadResult): string[] {
  const { comparison, recovery_seconds, peak_rss_mb, start_seconds, steady, burst } = result
  const { books, levels, wrong } = comparison
  const peak = peak_rss_mb ?? Math.max(steady.rss_mb, burst.rss_mb)
  const exact = `${books - wrong.length} of ${books} books exact (${levels} levels)`
  return [
    `live after ${start_seconds.toFixed(0)} s; ${exact}, ${recovery_seconds.toFixed(1)} s after the burst`,
    ...wrong.slice(0, MOST_WRONG_SHOWN).map((one) => `  wrong: ${one}`),
    `peak RSS ${peak.toFixed(0)} MB, start included: ${peak < GOAL_RSS_MB ? 'under' : 'NOT under'} ${GOAL_RSS_MB} MB`,
    lateness('steady', steady),
    lateness('burst', burst),
    burstReached(result),
  ]
}

function lateness(phase: string, figures: LoadFigures): string {
  const { lateness_p99_ms, refused_backlog } = figures
  const late = lateness_p99_ms >= GOAL_LATENESS_MS
  return late
    ? `${phase}: the loop was late (p99 ${milliseconds(lateness_p99_ms)}), the backlog guard refused ${refused_backlog} candidates`
    : `${phase}: lateness p99 under ${GOAL_LATENESS_MS} ms`
}

/** Level changes grow as asked; frames do not, and this says what held them back. */
function burstReached({ steady, burst }: LoadResult): string {
  const factor = burst.frames_sent / steady.frames_sent
  const reached = `the sandbox delivered ×${factor.toFixed(1)} frames`
  if (factor >= GOAL_BURST) return reached
  const { sandbox_steps_percent, sandbox_cpu_percent } = burst
  const why =
    sandbox_steps_percent < ALL_STEPS_PERCENT
      ? `it had time for ${percent(sandbox_steps_percent)} of its steps, with ${percent(sandbox_cpu_percent)} of a core`
      : 'three of the exchanges send what changed in 20 to 100 ms as one frame'
  return `${reached}, not ×${GOAL_BURST}: ${why}`
}

function row([name = '', ...cells]: readonly string[]): string {
  return name.padEnd(32) + cells.map((cell) => cell.padStart(14)).join('')
}

function percent(value: number | null): string {
  return value === null ? 'not counted' : `${value.toFixed(1)} %`
}

function milliseconds(value: number | null): string {
  return value === null ? 'none' : `${value.toFixed(1)} ms`
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1_000) / 1_000 : value
}
