/**
 * Percentages, prices and amounts as a message has them, from decimal text and exactly. What is
 * rounded is rounded against the reader's hope: profit and what is sold for down, what is bought for up.
 */
import { type Exact, LOCALE } from '../../../shared/figures.ts'

type Rounding = 'floor' | 'ceil'

const percents = new Intl.NumberFormat(LOCALE, {
  minimumFractionDigits: 2,
  maximumFractionDigits: 3,
  roundingMode: 'floor',
  signDisplay: 'exceptZero',
})
const amounts = new Intl.NumberFormat(LOCALE, {
  maximumSignificantDigits: 8,
  roundingMode: 'floor',
})

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
