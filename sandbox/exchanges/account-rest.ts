/**
 * REST about wallets and accounts, which each exchange answers in its own shapes: what is public where
 * it is public, and what needs a signature only for those who sign rightly. Here is what they share;
 * everything else is left to the exchange's server.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { MarketSource } from '../market/source.ts'
import type { ExchangeServer, HttpAnswer } from './server.ts'

export type Route = (url: URL, headers: IncomingHttpHeaders) => HttpAnswer
/** by path */
export type Routes = Readonly<Record<string, Route>>

/** The same server, which answers these paths, too. */
export function withRoutes(server: ExchangeServer, routes: Routes): ExchangeServer {
  return {
    ...server,
    request: (url, headers) => {
      const route = Object.hasOwn(routes, url.pathname) ? routes[url.pathname] : undefined
      return route === undefined ? server.request(url, headers) : route(url, headers)
    },
  }
}

export const ok = (body: unknown): HttpAnswer => ({ status: 200, body: JSON.stringify(body) })

/** symbol → taker share */
export function shares(exchange: string, source: MarketSource): [string, string][] {
  return source.markets
    .filter((market) => market.exchange === exchange)
    .map(({ base, quote, taker_fee_percent }) => [
      base + quote,
      String(Number((Number(taker_fee_percent) / 100).toFixed(8))),
    ])
}

export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}
