/**
 * The API as typed calls. It asks, waits as long as the server wants when that is busy, and gives up
 * with a `Refused` that says what was wrong. It keeps nothing between calls.
 */
import type { Grouping, NearMissQuery as NearMissFilters, Sort } from '../edge/parameters.ts'
import { type Clock, systemClock } from '../shared/clock.ts'
import type { EventType } from '../shared/event.ts'
import type { Filters } from '../shared/filters.ts'
import type { EdgeHealth, ExchangeStatus } from '../shared/health.ts'
import type { NearMiss } from '../shared/near-miss.ts'
import type { Opportunity } from '../shared/opportunity.ts'
import type { Spread } from '../shared/spread.ts'
import type { StatsAnswer } from '../shared/stats.ts'
import type { WatchedMarket } from '../shared/watched.ts'
import { isObject, list } from './answers.ts'
import { events, type Message } from './events.ts'
import { Refused } from './refused.ts'
import { address, orNothing, pages, request } from './request.ts'
import { type Webhooks, webhooks } from './webhooks.ts'

export interface ClientOptions {
  /** where the API is, such as https://api.example.com */
  readonly url: string
  /** arb_…; without it the API is read at the anonymous rate, where that is allowed */
  readonly key?: string
  /** the tests' and proxies' own */
  readonly fetch?: typeof fetch
  readonly clock?: Clock
  /** uniform in [0, 1) */
  readonly random?: () => number
}

/** Parameters as they are named in the API, `undefined` for what is not asked. */
type Asked<T> = { readonly [K in keyof T]?: T[K] | undefined }

export type LiveQuery = Asked<Filters & { sort: Sort; limit: number }>
/** `from` and `to` are RFC 3339 times; `limit` is the size of a page. */
export type HistoryQuery = Asked<Filters & { from: string; to: string; limit: number }>
export type StreamQuery = Asked<Filters & { types: readonly EventType[] }>

/** By default the last day by symbol and pair of exchanges. */
export type StatsQuery = Asked<
  Filters & { from: string; to: string; by: readonly Grouping[]; limit: number }
>
export type NearMissQuery = Asked<NearMissFilters>

export interface StreamChoice {
  /** go on after this event, seen on an earlier stream */
  readonly last_event_id?: string
  readonly signal?: AbortSignal
  /** the link is lost and will be dialled again at `retry_at_ms` (wall time) */
  readonly onLost?: (reason: string, retry_at_ms: number) => void
}

export interface Client {
  /** What can be taken now, best first; what was left, while no worker leads (`health` tells). */
  opportunities(query?: LiveQuery): Promise<Opportunity[]>
  /** One, live or past; null when there is none. */
  opportunity(id: string): Promise<Opportunity | null>
  /** What could be taken, newest first, as many pages as are read. */
  history(query?: HistoryQuery): AsyncGenerator<Opportunity, void>
  /** The same as one CSV file, bytes as they come; it throws where the transfer breaks off. */
  historyCsv(query?: Omit<HistoryQuery, 'limit'>): Promise<ReadableStream<Uint8Array>>
  /** Events as they happen. Reconnects and resumes by itself, without loss or repeat. */
  stream(query?: StreamQuery, choice?: StreamChoice): AsyncGenerator<Message, void>
  /** What past opportunities add up to, and how much was left for whoever came later. */
  stats(query?: StatsQuery): Promise<StatsAnswer>
  /** What almost qualified and which guard refused it, newest first. */
  nearMisses(query?: NearMissQuery): Promise<NearMiss[]>
  /** The markets that are watched, with their rules and fees. */
  markets(query?: Asked<{ symbol: string; exchange: string }>): Promise<WatchedMarket[]>
  /** The whole matrix of a symbol, or without one the best route of each. */
  spreads(query?: Asked<{ symbol: string; limit: number }>): Promise<Spread[]>
  exchanges(): Promise<ExchangeStatus[]>
  /** Needs a key with the scope webhooks. */
  readonly webhooks: Webhooks
  /** Also when the answer is that something is down. */
  health(): Promise<EdgeHealth>
}

export function createClient(options: ClientOptions): Client {
  const { key, clock = systemClock, random = Math.random } = options
  const fetching = options.fetch ?? ((input, init) => fetch(input, init))
  const headers: Record<string, string> =
    key === undefined ? {} : { authorization: `Bearer ${key}` }

  const requester = { url: options.url, headers, fetch: fetching, random }

  /** @throws Refused, or TypeError when the server cannot be reached */
  async function get(path: string, query: object = {}): Promise<unknown> {
    return (await request(requester, path, { query })).json()
  }

  async function getList<T>(path: string, query?: object): Promise<T[]> {
    const found = list<T>(await get(path, query))
    if (found === null) throw new TypeError(`${options.url}${path} did not answer with a list`)
    return found
  }

  return {
    opportunities: (query) => getList('/v1/opportunities', query),
    opportunity: (id) =>
      orNothing(get(`/v1/opportunities/${encodeURIComponent(id)}`) as Promise<Opportunity>),
    history: (query) => pages(requester, '/v1/history', query),
    async historyCsv(query) {
      const asked = { query: { ...query, format: 'csv' } }
      const { body } = await request(requester, '/v1/history', asked)
      if (body === null) throw new TypeError(`${options.url}/v1/history answered without a body`)
      return body
    },
    stream(query = {}, { signal, ...choice } = {}) {
      const url = address(options.url, '/v1/stream', query)
      return events({ ...choice, url, headers, clock, random, fetch: fetching }, signal)
    },
    stats: async (query) => (await get('/v1/stats', query)) as StatsAnswer,
    nearMisses: (query) => getList('/v1/near-misses', query),
    markets: (query) => getList('/v1/markets', query),
    spreads: (query) => getList('/v1/spreads', query),
    exchanges: () => getList('/v1/exchanges'),
    webhooks: webhooks(requester),
    async health() {
      const response = await fetching(address(options.url, '/health', {}), { headers })
      const body: unknown = await response.json().catch(() => null)
      if (!isObject(body) || !isObject(body.worker)) throw new Refused(response)
      return body as unknown as EdgeHealth
    },
  }
}
