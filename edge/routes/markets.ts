/** What is watched, and what lies between the exchanges at this moment. */
import { z } from '@hono/zod-openapi'
import { byNet, Spread, spreadOf } from '../../shared/spread.ts'
import type { TopOfBook } from '../../shared/top.ts'
import { WatchedMarket } from '../../shared/watched.ts'
import { CACHE, entityTag } from '../caching.ts'
import { MarketQuery, SpreadQuery } from '../parameters.ts'
import { refuse, unavailable } from '../problems.ts'
import { type App, get, json, problems, unchanged } from '../serve.ts'

const MarketList = z.object({ data: z.array(WatchedMarket.openapi('WatchedMarket')) })
const SpreadList = z.object({ data: z.array(Spread.openapi('Spread')) })

export function markets(app: App): void {
  get(
    app,
    '/v1/markets',
    {
      summary: 'The markets that are watched, with their rules and fees',
      tags: ['markets'],
      middleware: entityTag(),
      request: { query: MarketQuery },
      responses: {
        200: json('by symbol, then exchange', MarketList),
        ...unchanged,
        ...problems('invalid_request', 'unavailable'),
      },
    },
    async (c) => {
      const { symbol, exchange } = c.req.valid('query')
      const watched = await c.var.live.markets()
      if (!watched.ok) return unavailable(c, watched.store, watched.reason)
      const data = watched.value
        .filter((one) => symbol === undefined || one.symbol === symbol)
        .filter((one) => exchange === undefined || one.exchange === exchange)
        .sort((a, b) => order(`${a.symbol} ${a.exchange}`, `${b.symbol} ${b.exchange}`))
      c.header('cache-control', CACHE.summary)
      return c.json({ data }, 200)
    },
  )

  get(
    app,
    '/v1/spreads',
    {
      summary: 'Best bid and ask on every exchange, and the net edge between them',
      description:
        'With `symbol` the whole matrix; without it every symbol that two exchanges quote, each ' +
        'with its best route, best first. Only best levels are compared and no guard is asked: ' +
        'what can be taken is at /v1/opportunities.',
      tags: ['markets'],
      middleware: entityTag(),
      request: { query: SpreadQuery },
      responses: {
        200: json('by net edge, best first', SpreadList),
        ...unchanged,
        ...problems('invalid_request', 'not_found', 'unavailable'),
      },
    },
    async (c) => {
      const { symbol, limit } = c.req.valid('query')
      const [tops, watched] = await Promise.all([c.var.live.tops(), c.var.live.markets()])
      if (!tops.ok) return unavailable(c, tops.store, tops.reason)
      if (!watched.ok) return unavailable(c, watched.store, watched.reason)
      c.header('cache-control', CACHE.brief)
      if (symbol === undefined) return c.json({ data: best(tops.value, watched.value, limit) }, 200)
      const of = tops.value.filter((top) => top.symbol === symbol)
      if (of.length === 0) return refuse(c, 'not_found', `${symbol} is not watched`)
      return c.json({ data: [spreadOf(symbol, of, watched.value)] }, 200)
    },
  )
}

/** Each symbol with its best route and the two quotes that make it. */
function best(tops: readonly TopOfBook[], watched: readonly WatchedMarket[], limit: number) {
  const rules = Map.groupBy(watched, ({ symbol }) => symbol)
  return [...Map.groupBy(tops, ({ symbol }) => symbol)]
    .map(([symbol, all]) => spreadOf(symbol, all, rules.get(symbol) ?? []))
    .flatMap(({ symbol, quotes, routes: [route] }) => {
      if (route === undefined) return []
      const { buy_exchange, sell_exchange } = route
      const two = quotes.filter(({ exchange }) => [buy_exchange, sell_exchange].includes(exchange))
      return [{ symbol, quotes: two, routes: [route], route }]
    })
    .sort((a, b) => byNet(a.route, b.route) || order(a.symbol, b.symbol))
    .slice(0, limit)
    .map(({ route: _, ...spread }) => spread)
}

const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
