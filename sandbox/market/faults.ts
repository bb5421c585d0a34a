/**
 * What is wrong with a market from its first moment on: a ticker that names another coin on one
 * exchange, or another unit of the same coin without saying so. Prices follow from it; nothing else
 * in the market knows that it is a fault, and only the truth knows the coins.
 */
import { type Listing, repriced } from './listings.ts'

/**
 * `stranger`: the asset of that exchange is another coin, `factor` times as dear at the start.
 * `unit`: it is `factor` coins at once, a power of ten, under the name of one.
 */
export interface ListingFault {
  readonly kind: 'stranger' | 'unit'
  readonly exchange: string
  readonly asset: string
  readonly factor: number
}

/** "stranger bybit ADA 1.3" or "unit kraken DOT 1000". @throws RangeError for anything else. */
export function parseFault(text: string): ListingFault {
  const [kind, exchange = '', asset = '', number = ''] = text.trim().split(/\s+/)
  const factor = Number(number)
  const is_known = kind === 'stranger' || kind === 'unit'
  if (!is_known || !(factor > 0) || (kind === 'unit' && !Number.isInteger(Math.log10(factor)))) {
    throw new RangeError(
      `not "stranger EXCHANGE ASSET FACTOR" or "unit EXCHANGE ASSET 1000": ${text}`,
    )
  }
  return { kind, exchange, asset, factor }
}

/** @throws RangeError when a fault names what is not listed. */
export function withFaults(
  listed: readonly Listing[],
  faults: readonly ListingFault[],
): readonly Listing[] {
  for (const { exchange, asset } of faults) {
    const is_listed = listed.some((entry) => entry.exchange === exchange && entry.base === asset)
    if (!is_listed) throw new RangeError(`${exchange} does not list ${asset}`)
  }
  return listed.map((entry) => {
    const fault = faults.find((one) => one.exchange === entry.exchange && one.asset === entry.base)
    if (fault === undefined) return entry
    const { kind, exchange, asset, factor } = fault
    const priced = repriced(entry, entry.base_usd * factor)
    return kind === 'stranger'
      ? { ...priced, coin: `${asset} of ${exchange}` }
      : { ...priced, coin: entry.coin ?? asset, units: (entry.units ?? 1) * factor }
  })
}
