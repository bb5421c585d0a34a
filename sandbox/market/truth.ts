/**
 * What could really have been taken: after every step of the model it looks at the books, not at how
 * they came about, finds every pair of exchanges where buying and selling the same symbol pays after
 * fees, and writes one JSON line for each such gap when it ends. Different quotes are not compared.
 */
import {
  compare,
  type Decimal,
  decimal,
  format,
  fromNumber,
  multiply,
} from '../../shared/decimal.ts'
import type { MarketModel } from './model.ts'
import { type Taken, walk } from './walk.ts'

export interface TruthOptions {
  readonly model: MarketModel
  /** net of both taker fees */
  readonly min_percent: number
  readonly min_volume_usd: number
  /** receives one JSON document, without line end, for each gap that has ended */
  readonly write: (line: string) => void
}

export interface Truth {
  /** To be called after each step of the model, with the step's time. */
  afterStep(now_ms: number): void
  /** Writes the gaps that are still open and stops listening to the model. */
  close(now_ms: number): void
}

/** One direction between two markets of the same symbol. */
interface Route {
  readonly buy: number
  readonly sell: number
  /** the best bid over the best ask, in ticks, at which the marginal profit is the least wanted */
  readonly least_ratio: number
}

interface Gap {
  readonly from_ms: number
  best: Taken
}

const USD_PRICE_DECIMALS = 10
/** The cheap test is in floats: it may let a route through, never hold one back. */
const FLOAT_MARGIN = 1e-9

export function createTruth({ model, min_percent, min_volume_usd, write }: TruthOptions): Truth {
  const minimum = decimal(String(min_percent))
  const min_volume = decimal(String(min_volume_usd))
  const routes = routesOf(model, min_percent)
  const open = new Map<Route, Gap>()
  const touched = new Set<number>()
  const unsubscribe = model.onChange((market) => touched.add(market))

  const takeable = (route: Route): Taken | undefined => {
    const ratio = model.best(route.sell).bid.price / model.best(route.buy).ask.price
    if (ratio < route.least_ratio * (1 - FLOAT_MARGIN)) return undefined
    const { buy, sell } = marketsOf(model, route)
    const taken = walk(
      { market: buy, levels: model.snapshot(route.buy).asks },
      { market: sell, levels: model.snapshot(route.sell).bids },
      minimum,
    )
    if (!taken) return undefined
    const quote_usd = fromNumber(model.usdPrice(buy.quote), USD_PRICE_DECIMALS)
    return compare(multiply(taken.amount_in, quote_usd), min_volume) >= 0 ? taken : undefined
  }

  const end = (route: Route, gap: Gap, to_ms: number) => {
    open.delete(route)
    write(JSON.stringify(lineOf(model, route, gap, to_ms)))
  }

  return {
    afterStep(now_ms) {
      for (const route of routesThrough(touched, routes)) {
        const taken = takeable(route)
        const gap = open.get(route)
        if (taken && gap) gap.best = better(gap.best, taken)
        else if (taken) open.set(route, { from_ms: now_ms, best: taken })
        else if (gap) end(route, gap, now_ms)
      }
      touched.clear()
    },
    close(now_ms) {
      unsubscribe()
      for (const [route, gap] of open) end(route, gap, now_ms)
    },
  }
}

/** For each market the routes that begin or end there. */
function routesOf(model: MarketModel, min_percent: number): readonly Route[][] {
  const byMarket: Route[][] = model.markets.map(() => [])
  model.markets.forEach((buying, buy) => {
    model.markets.forEach((selling, sell) => {
      if (buying.symbol !== selling.symbol || buy === sell) return
      const kept = [buying, selling].map(
        ({ taker_fee_percent }) => 1 - Number(taker_fee_percent) / 100,
      )
      const fees = kept.reduce((product, share) => product * share, 1)
      const tick_ratio = 10 ** (selling.price_decimals - buying.price_decimals)
      const route = { buy, sell, least_ratio: ((1 + min_percent / 100) / fees) * tick_ratio }
      byMarket[buy]?.push(route)
      byMarket[sell]?.push(route)
    })
  })
  return byMarket
}

function routesThrough(markets: Iterable<number>, byMarket: readonly Route[][]): Set<Route> {
  const found = new Set<Route>()
  for (const market of markets) for (const route of byMarket[market] ?? []) found.add(route)
  return found
}

function marketsOf(model: MarketModel, route: Route) {
  const [buy, sell] = [model.markets[route.buy], model.markets[route.sell]]
  if (!buy || !sell) throw new RangeError(`no such markets: ${route.buy} and ${route.sell}`)
  return { buy, sell }
}

function better(known: Taken, taken: Taken): Taken {
  return compare(percentOf(taken), percentOf(known)) > 0 ? taken : known
}

function percentOf({ profit_percent }: Taken): Decimal {
  return decimal(profit_percent)
}

function lineOf(model: MarketModel, route: Route, { from_ms, best }: Gap, to_ms: number) {
  const { buy, sell } = marketsOf(model, route)
  return {
    from_ms,
    to_ms,
    type: 'cross_exchange',
    symbol: buy.symbol,
    buy_exchange: buy.exchange,
    sell_exchange: sell.exchange,
    profit_percent: best.profit_percent,
    base_size: format(best.base_size),
  }
}
