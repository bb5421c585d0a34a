/**
 * Numbers and times as the dashboard shows them, from decimal text and exactly: `Intl.NumberFormat`
 * formats such text without a float. Profit is rounded down, never up.
 */
import { count, type Exact, LOCALE } from '../../../shared/figures.ts'

const percents = new Intl.NumberFormat(LOCALE, {
  minimumFractionDigits: 3,
  maximumFractionDigits: 3,
  roundingMode: 'floor',
})
const fees = new Intl.NumberFormat(LOCALE, { minimumFractionDigits: 2, maximumFractionDigits: 4 })
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

/** A rate a second, three significant digits. */
export function rate(value: number): string {
  return value >= 1_000 ? count(value) : rates.format(value)
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
