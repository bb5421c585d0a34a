/**
 * Binance spot's public REST: paths, request weights counted by the minute, and errors with codes.
 * https://developers.binance.com/docs/binance-spot-api-docs/rest-api
 */
import { systemClock } from '../../shared/clock.ts'
import type { Operations } from './operations.ts'
import type { HttpAnswer } from './server.ts'

/** What is asked by REST. */
export interface BinanceReference {
  /** entries of exchangeInfo.symbols */
  readonly symbols: readonly { readonly symbol: string; readonly status?: unknown }[]
  /** body of /api/v3/depth; undefined: there is no such symbol */
  depth(symbol: string, limit: number): string | undefined
  readonly operations: Operations
}

/** Answers every request, at the cost of its weight. */
export function binanceRest(feed: BinanceReference, weight_per_minute: number) {
  const spend = weightBudget(weight_per_minute)
  return (url: URL): HttpAnswer => {
    const { weight, serve } = route(url, feed, weight_per_minute)
    const { used, retry_after_s } = spend(weight)
    const headers = { 'x-mbx-used-weight': String(used), 'x-mbx-used-weight-1m': String(used) }
    if (retry_after_s === undefined) return { headers, ...serve() }
    return {
      ...failure(429, -1003, 'Too much request weight used; please use WebSocket Streams.'),
      headers: { ...headers, 'retry-after': String(retry_after_s) },
    }
  }
}

/** Weight of /api/v3/depth by limit: 1-100 5, 101-500 25, 501-1000 50, 1001-5000 250. */
function depthWeight(limit: number): number {
  return limit <= 100 ? 5 : limit <= 500 ? 25 : limit <= 1_000 ? 50 : 250
}

/** REQUEST_WEIGHT is counted by the clock's minute, as the exchange does. */
function weightBudget(per_minute: number) {
  let minute = 0
  let used = 0
  return (weight: number): { used: number; retry_after_s: number | undefined } => {
    const now_ms = systemClock.wall_ms()
    const current = Math.floor(now_ms / 60_000)
    if (current !== minute) [minute, used] = [current, 0]
    used += weight
    if (used <= per_minute) return { used, retry_after_s: undefined }
    return { used, retry_after_s: Math.ceil(((current + 1) * 60_000 - now_ms) / 1_000) }
  }
}

function route(
  url: URL,
  feed: BinanceReference,
  weight_per_minute: number,
): { weight: number; serve: () => HttpAnswer } {
  switch (url.pathname) {
    case '/api/v3/ping':
      return { weight: 1, serve: () => ok({}) }
    case '/api/v3/time':
      return { weight: 1, serve: () => ok({ serverTime: systemClock.wall_ms() }) }
    // https://developers.binance.com/docs/wallet/others/system-status
    case '/sapi/v1/system/status':
      return { weight: 1, serve: () => ok(systemStatus(feed.operations)) }
    case '/api/v3/exchangeInfo':
      return { weight: 20, serve: () => exchangeInfo(url, feed, weight_per_minute) }
    case '/api/v3/ticker/price': {
      const symbol = url.searchParams.get('symbol')
      return { weight: symbol === null ? 4 : 2, serve: () => prices(url, symbol, feed) }
    }
    case '/api/v3/depth': {
      const limit = Math.min(Number(url.searchParams.get('limit') ?? 100), 5_000)
      return { weight: depthWeight(limit), serve: () => depth(url, limit, feed) }
    }
    default:
      return { weight: 1, serve: () => failure(404, -1000, 'Path not found.') }
  }
}

function systemStatus({ maintenance }: Operations) {
  return maintenance ? { status: 1, msg: 'system_maintenance' } : { status: 0, msg: 'normal' }
}

function depth(url: URL, limit: number, feed: BinanceReference): HttpAnswer {
  const symbol = url.searchParams.get('symbol') ?? ''
  if (symbol === '') {
    return failure(400, -1102, "Mandatory parameter 'symbol' was not sent, was empty/null.")
  }
  if (!Number.isInteger(limit) || limit < 1) {
    return failure(400, -1130, "Data sent for parameter 'limit' is not valid.")
  }
  const body = feed.depth(symbol, limit)
  return body === undefined ? failure(400, -1121, 'Invalid symbol.') : { status: 200, body }
}

/** "symbolStatus: for all symbols, non-matching ones are simply excluded from the response" */
function prices(url: URL, symbol: string | null, feed: BinanceReference): HttpAnswer {
  const status = url.searchParams.get('symbolStatus')
  const listed = feed.symbols.filter((entry) => symbol === null || entry.symbol === symbol)
  if (symbol !== null && listed.length === 0) return failure(400, -1121, 'Invalid symbol.')
  const matching = listed.filter((entry) => status === null || entry.status === status)
  const found = matching.map((entry) => ({ symbol: entry.symbol, price: priceOf(entry, feed) }))
  if (symbol === null) return ok(found)
  const [only] = found
  return only === undefined ? failure(400, -1220, 'SYMBOL_DOES_NOT_MATCH_STATUS') : ok(only)
}

/** The best bid stands for the last trade. */
function priceOf({ symbol }: { readonly symbol: string }, feed: BinanceReference): string {
  return BEST_BID.exec(feed.depth(symbol, 1) ?? '')?.[1] ?? '0.00000000'
}

const BEST_BID = /"bids":\[\["([\d.]+)"/

function exchangeInfo(url: URL, feed: BinanceReference, weight_per_minute: number): HttpAnswer {
  const symbol = url.searchParams.get('symbol')
  const symbols = feed.symbols.filter((entry) => symbol === null || entry.symbol === symbol)
  if (symbol !== null && symbols.length === 0) return failure(400, -1121, 'Invalid symbol.')
  return ok({
    timezone: 'UTC',
    serverTime: systemClock.wall_ms(),
    rateLimits: [
      {
        rateLimitType: 'REQUEST_WEIGHT',
        interval: 'MINUTE',
        intervalNum: 1,
        limit: weight_per_minute,
      },
    ],
    exchangeFilters: [],
    symbols,
  })
}

function ok(body: object): HttpAnswer {
  return { status: 200, body: JSON.stringify(body) }
}

function failure(status: number, code: number, msg: string): HttpAnswer {
  return { status, body: JSON.stringify({ code, msg }) }
}
