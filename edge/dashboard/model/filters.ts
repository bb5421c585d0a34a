/**
 * The filters of an address, under the names that the API gives them, and whether an opportunity
 * passes. Here `symbol` may also be a part of one: a person types "BTC", not "BTC/USDT". Pure.
 */
import { compare, DECIMAL_PATTERN, decimal } from '../../../shared/decimal.ts'
import type { Opportunity } from '../../../shared/opportunity.ts'

const TEXTS = ['type', 'symbol', 'exchange', 'buy_exchange', 'sell_exchange', 'transfer'] as const
const MINIMUMS = ['min_profit_percent', 'min_volume_usd'] as const
export const FILTERS = [...TEXTS, ...MINIMUMS] as const

export type Filters = Readonly<Partial<Record<(typeof FILTERS)[number], string>>>

/** A minimum that is no number is left out: it would refuse everything. */
export function filtersOf(params: URLSearchParams): Filters {
  const given = FILTERS.map((name) => [name, params.get(name)?.trim() ?? ''] as const)
  return Object.fromEntries(given.filter(([name, value]) => value !== '' && isUsable(name, value)))
}

function isUsable(name: (typeof FILTERS)[number], value: string): boolean {
  return !MINIMUMS.some((minimum) => minimum === name) || DECIMAL_PATTERN.test(value)
}

export function passes(opportunity: Opportunity, filters: Filters): boolean {
  const { symbol, exchange } = filters
  return (
    equals(opportunity.type, filters.type) &&
    equals(opportunity.buy_exchange, filters.buy_exchange) &&
    equals(opportunity.sell_exchange, filters.sell_exchange) &&
    equals(opportunity.transfer, filters.transfer) &&
    (symbol === undefined || opportunity.symbol.includes(symbol.toUpperCase())) &&
    (exchange === undefined || opportunity.legs.some((leg) => leg.exchange === exchange)) &&
    reaches(opportunity.profit_percent, filters.min_profit_percent) &&
    reaches(opportunity.volume_usd, filters.min_volume_usd)
  )
}

function equals(value: string, wanted: string | undefined): boolean {
  return wanted === undefined || value === wanted
}

function reaches(value: string, minimum: string | undefined): boolean {
  return minimum === undefined || compare(decimal(value), decimal(minimum)) >= 0
}
