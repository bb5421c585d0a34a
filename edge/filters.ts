/** Whether an opportunity passes a reader's filters, and in which order a list shows them. Pure. */
import { compare, decimal } from '../shared/decimal.ts'
import type { Opportunity } from '../shared/opportunity.ts'
import type { Filters, Sort } from './parameters.ts'

export function passes(opportunity: Opportunity, filters: Filters): boolean {
  return passesIdentity(opportunity, filters) && passesThresholds(opportunity, filters)
}

/** The filters over what an opportunity is: the same for all of its life. */
export function passesIdentity(opportunity: Opportunity, filters: Filters): boolean {
  const { exchange } = filters
  return (
    equals(opportunity.type, filters.type) &&
    equals(opportunity.symbol, filters.symbol) &&
    equals(opportunity.buy_exchange, filters.buy_exchange) &&
    equals(opportunity.sell_exchange, filters.sell_exchange) &&
    equals(opportunity.transfer, filters.transfer) &&
    (exchange === undefined || opportunity.legs.some((leg) => leg.exchange === exchange))
  )
}

/** The filters over its figures, which move. */
export function passesThresholds(
  figures: Pick<Opportunity, 'profit_percent' | 'volume_usd'>,
  filters: Filters,
): boolean {
  return (
    reaches(figures.profit_percent, filters.min_profit_percent) &&
    reaches(figures.volume_usd, filters.min_volume_usd)
  )
}

/** Greatest first; equals by id, newest first, so that the order is total. */
export function sorted(opportunities: readonly Opportunity[], sort: Sort): Opportunity[] {
  const byId = (a: Opportunity, b: Opportunity) => (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)
  if (sort === 'detected_at') {
    return opportunities.toSorted(
      (a, b) => Date.parse(b.detected_at) - Date.parse(a.detected_at) || byId(a, b),
    )
  }
  return opportunities
    .map((opportunity) => ({ opportunity, figure: decimal(opportunity[sort]) }))
    .sort((a, b) => compare(b.figure, a.figure) || byId(a.opportunity, b.opportunity))
    .map(({ opportunity }) => opportunity)
}

function equals(value: string, wanted: string | undefined): boolean {
  return wanted === undefined || value === wanted
}

function reaches(value: string, minimum: string | undefined): boolean {
  return minimum === undefined || compare(decimal(value), decimal(minimum)) >= 0
}
