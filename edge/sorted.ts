/** In which order a list shows opportunities. Pure. */
import { compare, decimal } from '../shared/decimal.ts'
import type { Opportunity } from '../shared/opportunity.ts'
import type { Sort } from './parameters.ts'

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
