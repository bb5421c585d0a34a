/** What was found, for people, and whether any of it is wrong. */
import type { Caps } from './caps.ts'
import type { Frozen } from './frozen.ts'
import type { Delays } from './tape.ts'

/** a lease that nobody renews ends by itself after 30 s */
const LEASES_GONE_WITHIN_MS = 45_000

export function isWrong(caps: Caps, frozen: Frozen): boolean {
  const late = [caps, frozen].some(
    ({ leases_gone_ms }) => leases_gone_ms === null || leases_gone_ms > LEASES_GONE_WITHIN_MS,
  )
  const { lost, repeated, refused } = frozen
  return late || lost + repeated + refused > 0 || caps.refused === 0
}

export function capsTable({ asked, opened, refused, leases_gone_ms }: Caps): string {
  return `${asked} streams asked for by one address: ${opened} opened, ${refused} refused with 429; once it had left, Redis counted none after ${seconds(leases_gone_ms)}`
}

export function frozenTable(frozen: Frozen): string {
  const { readers, refused, open_seconds, alone, filling, beside, events, lost, repeated, cut } =
    frozen
  const { rss_before_mb, rss_opened_mb, rss_most_mb, rss_after_mb } = frozen
  const mb = (value: number) => `${value.toFixed(0)} MB`
  return [
    `${readers} readers that never read: opened in ${open_seconds.toFixed(0)} s, ${refused} refused`,
    `healthy readers alone: ${shown(alone)}`,
    `while the windows of ${frozen.full} shut: ${shown(filling)}`,
    `beside the frozen ones: ${shown(beside)}; ${lost} of ${events} events lost, ${repeated} repeated`,
    `workerd: ${mb(rss_before_mb)} before, ${mb(rss_opened_mb)} with all open, ${mb(frozen.rss_filled_mb)} with the windows shut, ${mb(rss_most_mb)} at most, ${mb(rss_after_mb)} after`,
    `a frozen reader: ${frozen.kb_a_reader_opened.toFixed(0)} kB; with its window shut ${frozen.kb_a_full_reader.toFixed(0)} kB more, and ${frozen.kb_a_full_reader_system.toFixed(0)} kB in the system's buffers`,
    `connections that workerd cut by itself: ${cut}; streams counted in Redis: ${frozen.leases_most} at most, ${frozen.leases_after} then, none ${seconds(frozen.leases_gone_ms)} after all clients left`,
  ].join('\n')
}

function shown({ p50_ms, p99_ms, most_ms }: Delays): string {
  return `p50 ${p50_ms.toFixed(0)} ms, p99 ${p99_ms.toFixed(0)} ms, most ${most_ms.toFixed(0)} ms`
}

function seconds(ms: number | null): string {
  return ms === null ? 'NOT within a minute' : `${(ms / 1_000).toFixed(1)} s`
}
