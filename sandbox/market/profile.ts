/**
 * What the market must know of an exchange to give it life: what it lists, in which digits and with
 * which minimums and fees, how busy, late and deep its books are, and when it publishes them. Each
 * exchange describes itself; the market names none of them and knows no protocol.
 */
import type { Coin } from './coins.ts'

export interface ExchangeProfile {
  readonly id: string
  readonly lists: (coin: Coin) => boolean
  /** coins that it trades by the thousand or so, under a name that says so */
  readonly units?: Readonly<Record<string, { readonly asset: string; readonly units: number }>>
  /** what it trades the coin of this rank in (0 is the most traded one), its main quote first */
  readonly quotes: (rank: number) => readonly string[]
  /** what it trades beside these, BASE/QUOTE: conversions of money, crosses between coins */
  readonly pairs: readonly string[]
  /** list price of the lowest tier; `base` is the coin that is traded */
  readonly takerFeePercent: (base: string) => string
  /** smallest order in each of its quotes */
  readonly minimum_notional: Readonly<Record<string, string>>
  /** digits after the point of a price, in the quote */
  readonly priceDecimals: (price: number) => number
  /** digits after the point of a size, by what one unit is worth */
  readonly sizeDecimals: (usd_price: number) => number
  /** smallest order in units of the base; undefined: one lot */
  readonly minimumSize?: (usd_price: number, size_decimals: number) => string
  /** changes of the most traded coin's book in its main quote at rate 1 */
  readonly batches_per_second: number
  /** how late it follows the fair price */
  readonly lag_ms: number
  /** depth against Binance's, as the exchanges' volumes roughly stand to each other */
  readonly depth_share: number
  /** it publishes at whole multiples of this, in the model's wall clock; 0: every change at once */
  readonly push_every_ms: number
}

/** `significant` digits, and one less for each magnitude: 4 give a price of 63,400 none behind the point. */
export function pricePlaces(
  price: number,
  [significant, least, most]: readonly [significant: number, least: number, most: number],
): number {
  return clamp(significant - magnitude(price), least, most)
}

/** The dearer a coin, the more digits its lots have. */
export function lotPlaces(usd_price: number, more: number, most: number): number {
  return clamp(magnitude(usd_price) + more, 0, most)
}

export function powerOfTen(exponent: number): string {
  return exponent >= 0 ? `1${'0'.repeat(exponent)}` : `0.${'0'.repeat(-exponent - 1)}1`
}

function magnitude(value: number): number {
  return Math.floor(Math.log10(value))
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high)
}
