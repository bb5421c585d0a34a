/**
 * Whether an opportunity is one that somebody wants. One meaning for lists, streams, webhooks, sockets
 * and the dashboard; pure, and without the schemas that check what is asked (filters.ts).
 */
import { compare, decimal } from './decimal.ts'
import type { Opportunity } from './opportunity.ts'

/** What was asked for; what is not given does not matter. */
export interface Criteria {
  readonly type?: Opportunity['type'] | undefined
  readonly symbol?: string | undefined
  readonly exchange?: string | undefined
  readonly buy_exchange?: string | undefined
  readonly sell_exchange?: string | undefined
  readonly min_profit_percent?: string | undefined
  readonly min_volume_usd?: string | undefined
  readonly transfer?: Opportunity['transfer'] | undefined
}

export function passes(opportunity: Opportunity, filters: Criteria): boolean {
  return passesIdentity(opportunity, filters) && passesThresholds(opportunity, filters)
}

/** The filters over what an opportunity is: the same for all of its life. */
export function passesIdentity(opportunity: Opportunity, filters: Criteria): boolean {
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
  filters: Criteria,
): boolean {
  return (
    reaches(figures.profit_percent, filters.min_profit_percent) &&
    reaches(figures.volume_usd, filters.min_volume_usd)
  )
}

/**
 * Whether it may have passed at some moment of its life, as far as it tells by itself: whoever was
 * shown it then must hear of its end. The volume that it had at its best is not kept.
 */
export function mayHavePassed(opportunity: Opportunity, filters: Criteria): boolean {
  const { peak_profit_percent: profit_percent, volume_usd, status } = opportunity
  const { min_profit_percent, min_volume_usd } = filters
  const minimums =
    status === 'expired' ? { min_profit_percent } : { min_profit_percent, min_volume_usd }
  return (
    passesIdentity(opportunity, filters) &&
    passesThresholds({ profit_percent, volume_usd }, minimums)
  )
}

function equals(value: string, wanted: string | undefined): boolean {
  return wanted === undefined || value === wanted
}

function reaches(value: string, minimum: string | undefined): boolean {
  return minimum === undefined || compare(decimal(value), decimal(minimum)) >= 0
}
