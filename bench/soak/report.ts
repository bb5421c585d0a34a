/** The figures of a soak for machines, one JSON line, and for people, a table that ends with the verdict. */
import type { Trend } from './trend.ts'
import type { SoakResult } from './watch.ts'

export function jsonLine(result: SoakResult): string {
  const { trends, ...figures } = result
  const named = Object.fromEntries(trends)
  return JSON.stringify(
    { bench: 'soak', ...figures, ...named, verdict: verdictOf(result) },
    rounded,
  )
}

/** `flat` when nothing grows; what is too short or ended by itself is never called so. */
export function verdictOf({ trends }: SoakResult): 'flat' | 'growing' | 'too short' {
  const verdicts = trends.map(([, { verdict }]) => verdict)
  if (verdicts.includes('growing')) return 'growing'
  return verdicts.includes('too short') ? 'too short' : 'flat'
}

export function table(result: SoakResult): string {
  const { minutes, lateness_p99_ms, frames, opportunities, gaps, reconnects, received } = result
  const { by_reader, streams_ended, webhooks } = received
  const [least, most] = [Math.min(...by_reader), Math.max(...by_reader)]
  return [
    row('', 'slope', 'first quarter', 'last quarter', ''),
    ...result.trends.map(([what, trend]) => trendRow(what, trend)),
    trendRow(
      "worker, V8's own code",
      result.worker_code,
      'not judged: V8 compiles what runs often',
    ),
    `loop lateness p99: ${lateness_p99_ms.median.toFixed(1)} ms in the usual minute, ${lateness_p99_ms.worst.toFixed(1)} ms in the worst`,
    `${frames} frames, ${opportunities} opportunities, ${gaps} gaps, ${reconnects} reconnects`,
    `${by_reader.length} readers got ${least} to ${most} events each and came back ${streams_ended} times; ${webhooks} webhooks were delivered`,
    ...(result.ended_early === null ? [] : [`ended early: ${result.ended_early}`]),
    `soak: ${verdictOf(result)} after ${minutes.toFixed(1)} minutes${growing(result)}`,
  ].join('\n')
}

function trendRow(what: string, trend: Trend, instead?: string): string {
  const { slope_mb_per_hour, uncertainty_mb_per_hour, first_mb, last_mb, verdict } = trend
  const slope = `${signed(slope_mb_per_hour)} ± ${uncertainty_mb_per_hour.toFixed(1)} MB/h`
  const shows = `${verdict}; more than ${trend.shows_from_mb_per_hour.toFixed(1)} MB/h would show`
  const said = instead ?? (verdict === 'too short' ? `too short: ${trend.blocks} blocks` : shows)
  return row(what, slope, `${first_mb.toFixed(1)} MB`, `${last_mb.toFixed(1)} MB`, said)
}

function growing({ trends }: SoakResult): string {
  const names = trends.filter(([, { verdict }]) => verdict === 'growing').map(([what]) => what)
  return names.length === 0 ? '' : `: ${names.join(', ')}`
}

function row(what: string, slope: string, first: string, last: string, said: string): string {
  return `${what.padEnd(24)}${slope.padStart(22)}${first.padStart(15)}${last.padStart(15)}  ${said}`
}

function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${value.toFixed(1)}`
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1_000) / 1_000 : value
}
