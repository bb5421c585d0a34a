/**
 * Numbers and times as people read them in a message. Amounts arrive as decimal text and are
 * formatted exactly, so no digit passes through a float. What is rounded is rounded against the
 * reader's hope: profit and what is sold for down, what is bought for up.
 */

type Exact = Intl.StringNumericLiteral
type Rounding = 'floor' | 'ceil'

const LOCALE = 'en-US'

const percents = new Intl.NumberFormat(LOCALE, {
  minimumFractionDigits: 2,
  maximumFractionDigits: 3,
  roundingMode: 'floor',
  signDisplay: 'exceptZero',
})
const dollars = new Intl.NumberFormat(LOCALE, {
  style: 'currency',
  currency: 'USD',
  roundingMode: 'floor',
})
const amounts = new Intl.NumberFormat(LOCALE, {
  maximumSignificantDigits: 8,
  roundingMode: 'floor',
})
const counts = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 })

/** By the number of digits before the point: enough to set a limit order by. */
const PRICE_DIGITS = [5, 5, 4, 3, 2] as const

const prices: Record<Rounding, readonly Intl.NumberFormat[]> = {
  floor: priceFormats('floor'),
  ceil: priceFormats('ceil'),
}
/** Below one what counts are the digits that are not zero. */
const smallPrices: Record<Rounding, Intl.NumberFormat> = {
  floor: new Intl.NumberFormat(LOCALE, { maximumSignificantDigits: 6, roundingMode: 'floor' }),
  ceil: new Intl.NumberFormat(LOCALE, { maximumSignificantDigits: 6, roundingMode: 'ceil' }),
}

function priceFormats(roundingMode: Rounding): Intl.NumberFormat[] {
  return PRICE_DIGITS.map(
    (maximumFractionDigits) =>
      new Intl.NumberFormat(LOCALE, {
        minimumFractionDigits: 2,
        maximumFractionDigits,
        roundingMode,
      }),
  )
}

/** "0.5519" → "+0.551 %" */
export function percent(text: string): string {
  return `${percents.format(text as Exact)} %`
}

/** "5.519" → "$5.51" */
export function usd(text: string): string {
  return dollars.format(text as Exact)
}

/** "0.015766720000000001" → "0.01576672" */
export function amount(text: string): string {
  return amounts.format(text as Exact)
}

/** "63388.104300000000000001" → "63,388.10" when sold for, "63,388.11" when bought for. */
export function price(text: string, side: 'buy' | 'sell'): string {
  const rounding = side === 'buy' ? 'ceil' : 'floor'
  const whole = text.replace(/\..*$/, '')
  const format =
    whole === '0' ? undefined : prices[rounding][Math.min(whole.length, PRICE_DIGITS.length) - 1]
  return (format ?? smallPrices[rounding]).format(text as Exact)
}

export function count(value: number): string {
  return counts.format(value)
}

/** 840 → "840 ms", 3400 → "3.4 s", 72000 → "1 m 12 s"; what is negative is a clock's fault: "0 ms". */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(Math.round(ms), 0)} ms`
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`
  const seconds = Math.round(ms / 1_000)
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
