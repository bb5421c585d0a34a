/**
 * Money, counts and spans of time as people read them, the same in a message and on the dashboard.
 * Amounts arrive as decimal text and are formatted exactly, so no digit passes through a float; dollars
 * are rounded down, never up.
 */

export type Exact = Intl.StringNumericLiteral

export const LOCALE = 'en-US'

const dollars = new Intl.NumberFormat(LOCALE, {
  style: 'currency',
  currency: 'USD',
  roundingMode: 'floor',
})
const counts = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 })

/** "5.519" → "$5.51" */
export function usd(text: string): string {
  return dollars.format(text as Exact)
}

export function count(value: number): string {
  return counts.format(value)
}

/** 840 → "840 ms", 3400 → "3.4 s", 72000 → "1 m 12 s"; what is negative is a clock's fault: "0 ms". */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(Math.round(ms), 0)} ms`
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`
  return inSeconds(Math.round(ms / 1_000))
}

/** Like `duration` in whole seconds, for what ticks: 400 → "0 s". */
export function elapsed(ms: number): string {
  return inSeconds(Math.max(Math.floor(ms / 1_000), 0))
}

function inSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} m ${pad(seconds % 60)} s`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h ${pad(minutes % 60)} m`
  return `${Math.floor(hours / 24)} d ${pad(hours % 24)} h`
}

function pad(value: number): string {
  return String(value).padStart(2, '0')
}
