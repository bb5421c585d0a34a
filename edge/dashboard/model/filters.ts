/**
 * The filters of an address, under the names that the API gives them. Only `symbol` means more here:
 * it may be a part of one, because a person types "BTC" and not "BTC/USDT". Pure.
 */
import { DECIMAL_PATTERN } from '../../../shared/decimal.ts'
import type { Opportunity } from '../../../shared/opportunity.ts'
import { type Criteria, passes as meets } from '../../../shared/passes.ts'

/** Complete by its type. */
const NAMES: Record<keyof Criteria, true> = {
  type: true,
  symbol: true,
  exchange: true,
  buy_exchange: true,
  sell_exchange: true,
  min_profit_percent: true,
  min_volume_usd: true,
  transfer: true,
}
export const FILTERS = Object.keys(NAMES) as readonly (keyof Criteria)[]
const MINIMUMS: readonly string[] = ['min_profit_percent', 'min_volume_usd']

/** A minimum that is no number is left out: it would refuse everything. */
export function filtersOf(params: URLSearchParams): Criteria {
  const given = FILTERS.map((name) => [name, params.get(name)?.trim() ?? ''] as const)
  return Object.fromEntries(given.filter(([name, value]) => value !== '' && isUsable(name, value)))
}

function isUsable(name: string, value: string): boolean {
  return !MINIMUMS.includes(name) || DECIMAL_PATTERN.test(value)
}

export function passes(opportunity: Opportunity, { symbol, ...others }: Criteria): boolean {
  const is_named = symbol === undefined || opportunity.symbol.includes(symbol.toUpperCase())
  return is_named && meets(opportunity, others)
}
