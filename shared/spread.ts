/** The best bids and asks of one symbol, and what lies between the exchanges: `/v1/spreads`. */
import { z } from 'zod'
import {
  compare,
  type Decimal,
  DecimalString,
  decimal,
  divide,
  HUNDRED,
  multiply,
  ONE,
  profitPercent,
  subtract,
} from './decimal.ts'
import { TopOfBook } from './top.ts'
import type { WatchedMarket } from './watched.ts'

export const Route = z.object({
  buy_exchange: z.string(),
  sell_exchange: z.string(),
  /** the best ask of the one and the best bid of the other */
  buy_price: DecimalString,
  sell_price: DecimalString,
  /** base quantity that the two best levels have in common */
  size: DecimalString,
  gross_percent: DecimalString,
  /** after both taker fees; null: a fee is not known */
  net_percent: DecimalString.nullable(),
})
export type Route = z.infer<typeof Route>

export const Spread = z.object({
  /** canonical BASE/QUOTE */
  symbol: z.string(),
  quotes: z.array(
    TopOfBook.omit({ symbol: true }).extend({ taker_fee_percent: DecimalString.nullable() }),
  ),
  /** every ordered pair of live exchanges, best first */
  routes: z.array(Route),
})
export type Spread = z.infer<typeof Spread>

interface Quoted {
  readonly top: TopOfBook
  readonly fee_percent: string | null
}

/**
 * Ordered pairs of what is quoted now. Only the best levels are looked at and no guard is asked: a
 * route that pays here is where to look, not yet an opportunity.
 */
export function spreadOf(
  symbol: string,
  tops: readonly TopOfBook[],
  markets: readonly WatchedMarket[],
): Spread {
  const quoted = tops.map((top): Quoted => {
    const market = markets.find((one) => one.exchange === top.exchange && one.market === top.market)
    return { top, fee_percent: market?.taker_fee?.percent ?? null }
  })
  const quotes = quoted.map(({ top: { symbol: _same, ...top }, fee_percent }) => {
    return { ...top, taker_fee_percent: fee_percent }
  })
  const routes = quoted.flatMap((buy) =>
    quoted.flatMap((sell) => (buy === sell ? [] : routeOf(buy, sell))),
  )
  return { symbol, quotes, routes: routes.sort(byNet) }
}

function routeOf(buy: Quoted, sell: Quoted): Route[] {
  const { ask } = buy.top
  const { bid } = sell.top
  if (ask === null || bid === null) return []
  const [paid, received] = [decimal(ask.price), decimal(bid.price)]
  const kept = [buy.fee_percent, sell.fee_percent].map(keptOf)
  const [kept_buying = null, kept_selling = null] = kept
  const net =
    kept_buying === null || kept_selling === null
      ? null
      : profitPercent(paid, multiply(multiply(received, kept_buying), kept_selling))
  const less = compare(decimal(ask.size), decimal(bid.size)) <= 0 ? ask.size : bid.size
  return [
    {
      buy_exchange: buy.top.exchange,
      sell_exchange: sell.top.exchange,
      buy_price: ask.price,
      sell_price: bid.price,
      size: less,
      gross_percent: profitPercent(paid, received),
      net_percent: net,
    },
  ]
}

/** The part that is left after the fee. */
function keptOf(fee_percent: string | null): Decimal | null {
  return fee_percent === null ? null : subtract(ONE, divide(decimal(fee_percent), HUNDRED, 12))
}

/** What is not known comes last; equals by their names, so that the order is total. */
export function byNet(a: Route, b: Route): number {
  if (a.net_percent === null || b.net_percent === null) {
    if (a.net_percent !== b.net_percent) return a.net_percent === null ? 1 : -1
  } else {
    const order = compare(decimal(b.net_percent), decimal(a.net_percent))
    if (order !== 0) return order
  }
  const [one, other] = [a, b].map((route) => `${route.buy_exchange} ${route.sell_exchange}`)
  return (one ?? '') < (other ?? '') ? -1 : 1
}
