/**
 * Which opportunities somebody wants: the filters of lists, streams, webhooks and sockets, as they are
 * asked for. What they mean is in passes.ts, which a page can have without the schemas.
 */
import { z } from 'zod'
import { DECIMAL_PATTERN } from './decimal.ts'
import { SYMBOL_PATTERN } from './market.ts'
import { OpportunityType, TransferStatus } from './opportunity.ts'

export { mayHavePassed, passes, passesIdentity, passesThresholds } from './passes.ts'

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
