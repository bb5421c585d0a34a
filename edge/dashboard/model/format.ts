/**
 * Numbers and times as people read them. Amounts arrive as decimal text and `Intl.NumberFormat`
 * formats such text exactly, so no digit passes through a float. Profit is rounded down, never up.
 */

type Exact = Intl.StringNumericLiteral

const LOCALE = 'en-US'

const percents = new Intl.NumberFormat(LOCALE, {
  minimumFractionDigits: 3,
  maximumFractionDigits: 3,
  roundingMode: 'floor',
})
const fees = new Intl.NumberFormat(LOCALE, { minimumFractionDigits: 2, maximumFractionDigits: 4 })
const dollars = new Intl.NumberFormat(LOCALE, {
  style: 'currency',
  currency: 'USD',
  roundingMode: 'floor',
})
const amounts = new Intl.NumberFormat(LOCALE, {
  maximumSignificantDigits: 6,
  roundingMode: 'floor',
})
const smallPrices = new Intl.NumberFormat(LOCALE, { maximumSignificantDigits: 6 })
/** By the number of digits before the point, so that the prices of one market line up. */
const prices = [5, 5, 4, 3, 2].map(
  (digits) =>
    new Intl.NumberFormat(LOCALE, { minimumFractionDigits: digits, maximumFractionDigits: digits }),
)
const digitsAsSent = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 20 })
const counts = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 })
const days = new Intl.DateTimeFormat(LOCALE, { month: 'short', day: 'numeric', timeZone: 'UTC' })
const rates = new Intl.NumberFormat(LOCALE, { maximumSignificantDigits: 3 })

/** A profit, rounded down: "0.5519" → "0.551". */
export function percent(text: string): string {
  return percents.format(text as Exact)
}

/** A fee, a threshold: "0.1" → "0.10". */
export function feePercent(text: string): string {
  return fees.format(text as Exact)
}

/** "5.519" → "$5.51" */
export function usd(text: string): string {
  return dollars.format(text as Exact)
}

/** A quantity of an asset, at most six significant digits: "0.0157667" → "0.0157667". */
export function amount(text: string): string {
  return amounts.format(text as Exact)
}

/** An average price at a readable precision: "63388.1043" → "63,388.10", "0.000011231" as it is. */
export function price(text: string): string {
  const whole = text.replace(/\..*$/, '')
  const format = whole === '0' ? smallPrices : prices[Math.min(whole.length, prices.length - 1)]
  return (format ?? digitsAsSent).format(text as Exact)
}

/** The price of a level: every digit that the exchange sent, grouped. */
export function exactPrice(text: string): string {
  return digitsAsSent.format(text as Exact)
}

export function count(value: number): string {
  return counts.format(value)
}

/** A rate a second, three significant digits. */
export function rate(value: number): string {
  return value >= 1_000 ? counts.format(value) : rates.format(value)
}

/** 840 → "840 ms", 3400 → "3.4 s", 72000 → "1 m 12 s". */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(Math.round(ms), 0)} ms`
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`
  return elapsed(ms)
}

/** Like `duration` in whole seconds, for what ticks: 400 → "0 s". */
export function elapsed(ms: number): string {
  const seconds = Math.max(Math.floor(ms / 1_000), 0)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} m ${pad(seconds % 60)} s`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h ${pad(minutes % 60)} m`
  return `${Math.floor(hours / 24)} d ${pad(hours % 24)} h`
}

/** "14:03:07 UTC" */
export function clockTime(wall_ms: number): string {
  return `${new Date(wall_ms).toISOString().slice(11, 19)} UTC`
}

/** A moment as it was sent: "2026-10-01T14:03:07.250Z" → "14:03:07.250 UTC". */
export function moment(timestamp: string): string {
  return `${timestamp.slice(11, 23)} UTC`
}

/** "Oct 1, 14:03:07 UTC" */
export function dayAndTime(timestamp: string): string {
  return `${days.format(Date.parse(timestamp))}, ${timestamp.slice(11, 19)} UTC`
}

function pad(value: number): string {
  return String(value).padStart(2, '0')
}
