/**
 * What Kraken's taker pays on a pair: the higher of the pair's own schedule in AssetPairs and of the
 * published list. Captured AssetPairs still showed the schedule before that of July 2026, and nobody
 * confirmed that they follow it: a fee that is too high hides a gap, one too low invents it.
 */
import { compare, decimal } from '../../shared/decimal.ts'

/** https://www.kraken.com/features/fee-schedule, 2026-07-26, lowest tier */
const LIST_PERCENT = '0.8'
/** "stablecoin, pegged token & FX pairs" */
const STABLE_PERCENT = '0.2'
const USDG_PERCENT = '0.01'

const FIAT = new Set(['USD', 'EUR', 'GBP', 'CAD', 'AUD', 'JPY', 'CHF', 'AED'])
const STABLE = new Set('USDT USDC DAI PYUSD RLUSD USDG USDS TUSD EURC EURT EURQ USDQ'.split(' '))

/** `stated_percent`: the first tier of the pair's own schedule, where the list of pairs has one. */
export function krakenTakerPercent(
  base: string,
  quote: string,
  stated_percent: string | undefined,
): string {
  const listed = listedPercent(base, quote)
  if (stated_percent === undefined) return listed
  return compare(decimal(stated_percent), decimal(listed)) > 0 ? stated_percent : listed
}

function listedPercent(base: string, quote: string): string {
  const money = (asset: string) => FIAT.has(asset) || STABLE.has(asset)
  if (!money(base) || !money(quote)) return LIST_PERCENT
  return base === 'USDG' || quote === 'USDG' ? USDG_PERCENT : STABLE_PERCENT
}
