/**
 * What taking costs: the account's own rate where one was read, else the list price of the lowest
 * tier that the exchange's adapter states with source and date. A fee that nobody states is null and
 * never zero: the guard `fee_unknown` refuses it.
 */
import type { Market } from '../../shared/market.ts'

export interface Fee {
  /** of the asset received */
  readonly percent: string
  readonly source: 'schedule' | 'account'
}

/** null: not known, and never zero by default */
export interface Fees {
  of(market: Market): Fee | null
}

/** Rates that were read with the operator's keys; null where there is none for this market. */
export interface AccountRates {
  taker_percent(exchange: string, market: string): string | null
}

/**
 * Always the same object for the same Market: whoever changes a rate revises the market
 * (Books.revise), which is what everybody who keeps a fee looks at.
 */
export function createFees(account?: AccountRates): Fees {
  const known = new WeakMap<Market, Fee | null>()
  return {
    of(market) {
      const cached = known.get(market)
      if (cached !== undefined) return cached
      const fee = feeOf(market, account)
      known.set(market, fee)
      return fee
    },
  }
}

function feeOf(market: Market, account: AccountRates | undefined): Fee | null {
  const own = account?.taker_percent(market.exchange, market.market) ?? null
  if (own !== null) return { percent: own, source: 'account' }
  const { taker_fee_percent } = market
  return taker_fee_percent === null ? null : { percent: taker_fee_percent, source: 'schedule' }
}
