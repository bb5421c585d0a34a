/**
 * Which opportunities somebody wants: the filters of lists, streams, webhooks and sockets, and whether
 * an opportunity passes them. One meaning everywhere; pure.
 */
import { z } from 'zod'
import { compare, DECIMAL_PATTERN, decimal } from './decimal.ts'
import { SYMBOL_PATTERN } from './market.ts'
import { type Opportunity, OpportunityType, TransferStatus } from './opportunity.ts'

export const ExchangeId = z.string().regex(/^[a-z0-9_-]{1,32}$/, 'an exchange id, such as kraken')

/** Compared exactly, so its digits are limited and not its magnitude. */
const Minimum = z
  .string()
  .max(40, 'a decimal number of at most 40 characters')
  .regex(DECIMAL_PATTERN, 'a decimal number, such as 0.5')

export const FILTERS = {
  type: OpportunityType.describe('kind of opportunity'),
  symbol: z
    .string()
    .max(64, 'BASE/QUOTE of at most 64 characters, such as BTC/USDT')
    .regex(SYMBOL_PATTERN, 'BASE/QUOTE, such as BTC/USDT')
    .regex(/^\P{Cc}*$/u, 'BASE/QUOTE, such as BTC/USDT')
    .toUpperCase()
    .describe('canonical BASE/QUOTE, such as BTC/USDT'),
  exchange: ExchangeId.describe('an exchange of any leg'),
  buy_exchange: ExchangeId.describe('the exchange bought on'),
  sell_exchange: ExchangeId.describe('the exchange sold on'),
  min_profit_percent: Minimum.describe('profit after fees, in percent, is at least this'),
  min_volume_usd: Minimum.describe('volume in US dollars is at least this'),
  transfer: TransferStatus.describe('whether the asset can move between the exchanges'),
}

/** Every one is optional; unknown names are refused, because a misspelt filter filters nothing. */
export const Filters = z.strictObject(FILTERS).partial()
export type Filters = z.infer<typeof Filters>

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

/**
 * Whether it may have passed at some moment of its life, as far as it tells by itself: whoever was
 * shown it then must hear of its end. The volume that it had at its best is not kept.
 */
export function mayHavePassed(opportunity: Opportunity, filters: Filters): boolean {
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
