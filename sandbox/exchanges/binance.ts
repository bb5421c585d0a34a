/**
 * Binance spot as its clients meet it: raw and combined streams, request frames, server pings, the
 * limits that disconnect, and REST with request weights. Where the streams' content comes from, a
 * model or a recording, is the feed's business.
 * https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams
 */
import { z } from 'zod'
import { systemClock } from '../../shared/clock.ts'
import { type BinanceReference, binanceRest } from './binance-rest.ts'
import { type Limit, quota } from './limit.ts'
import { type Connection, type ExchangeServer, readJson, type Session } from './server.ts'
import type { Topic } from './topic.ts'

export interface BinanceFeed extends BinanceReference {
  /** undefined: there is no such stream */
  topic(stream: string): Topic | undefined
  close(): void
}

export interface BinanceRules {
  readonly ping_every_ms: number
  readonly pong_within_ms: number
  readonly life_ms: number
  readonly messages: Limit
  readonly streams: number
  readonly connects: Limit
  readonly weight_per_minute: number
}

export const BINANCE_RULES: BinanceRules = {
  // "The WebSocket server will send a ping frame every 20 seconds. If it does not receive a pong
  // frame back from the connection within a minute, the connection will be disconnected."
  ping_every_ms: 20_000,
  pong_within_ms: 60_000,
  // "A single connection is only valid for 24 hours"
  life_ms: 24 * 3_600_000,
  // "5 incoming messages per second": PING and PONG frames and JSON
  messages: { count: 5, window_ms: 1_000 },
  streams: 1_024,
  connects: { count: 300, window_ms: 300_000 },
  weight_per_minute: 6_000,
}

const METHODS = [
  'SUBSCRIBE',
  'UNSUBSCRIBE',
  'LIST_SUBSCRIPTIONS',
  'SET_PROPERTY',
  'GET_PROPERTY',
] as const

const Request = z.object({
  method: z.enum(METHODS),
  params: z.array(z.union([z.string(), z.boolean()])).optional(),
  id: z.union([z.int(), z.string().max(36), z.null()]).optional(),
})

/** What an invalid request may still have. */
const WithId = z.object({ id: Request.shape.id })
const WithMethod = z.object({ method: z.string() })

class BinanceSession implements Session {
  private readonly connection: Connection
  private readonly feed: BinanceFeed
  private readonly rules: BinanceRules
  private readonly mayTalk: () => boolean
  private readonly streams = new Map<string, () => void>()
  /** payload of each unanswered ping → when it was sent */
  private readonly pings = new Map<string, number>()
  private readonly timers: NodeJS.Timeout[]
  private combined: boolean

  constructor(connection: Connection, url: URL, feed: BinanceFeed, rules: BinanceRules) {
    this.connection = connection
    this.feed = feed
    this.rules = rules
    this.mayTalk = quota(rules.messages)
    this.combined = url.pathname === '/stream'
    this.timers = [
      setInterval(() => this.ping(), rules.ping_every_ms),
      setTimeout(() => connection.close(1008, '24 hours are over'), rules.life_ms),
    ]
    for (const stream of streamsOf(url)) this.subscribe(stream)
  }

  message(text: string): void {
    if (this.mayTalk()) this.answer(text)
    else this.connection.drop()
  }

  control(kind: 'ping' | 'pong', payload: string): void {
    if (!this.mayTalk()) this.connection.drop()
    // "unsolicited pong frames are allowed but will not prevent disconnection"
    if (kind === 'pong' && this.pings.has(payload)) this.pings.clear()
  }

  announceClose(): void {
    this.deliver('!serverShutdown', `{"e":"serverShutdown","E":${systemClock.wall_ms()}}`)
  }

  closed(): void {
    for (const timer of this.timers) clearTimeout(timer)
    for (const end of this.streams.values()) end()
    this.streams.clear()
  }

  private answer(text: string): void {
    const read = readJson(text)
    if (!read.ok) {
      this.send({ code: 3, msg: `Invalid JSON: ${read.reason}` })
      return
    }
    const request = Request.safeParse(read.json)
    if (request.success) {
      this.send({ ...this.obey(request.data), id: request.data.id ?? null })
    } else {
      const id = WithId.safeParse(read.json).data?.id
      this.send({ code: 2, msg: invalidRequest(read.json), ...(id === undefined ? {} : { id }) })
    }
  }

  private obey({ method, params = [] }: z.infer<typeof Request>): object {
    const streams = params.filter((param) => typeof param === 'string')
    switch (method) {
      case 'LIST_SUBSCRIPTIONS':
        return { result: [...this.streams.keys()] }
      case 'GET_PROPERTY':
        return { result: this.combined }
      case 'SET_PROPERTY':
        if (params[0] !== 'combined' || typeof params[1] !== 'boolean') {
          return { code: 0, msg: 'Unknown property' }
        }
        this.combined = params[1]
        return { result: null }
      case 'UNSUBSCRIBE':
        for (const stream of streams) this.unsubscribe(stream)
        return { result: null }
      case 'SUBSCRIBE':
        if (new Set([...this.streams.keys(), ...streams]).size > this.rules.streams) {
          return { code: 2, msg: 'Invalid request: too many streams' }
        }
        for (const stream of streams) this.subscribe(stream)
        return { result: null }
    }
  }

  /** A stream that does not exist is acknowledged like any other and stays silent. */
  private subscribe(stream: string): void {
    if (this.streams.has(stream)) return
    const end = this.feed.topic(stream)?.subscribe((data) => this.deliver(stream, data))
    this.streams.set(stream, end ?? (() => {}))
  }

  private unsubscribe(stream: string): void {
    this.streams.get(stream)?.()
    this.streams.delete(stream)
  }

  private deliver(stream: string, data: string): void {
    this.connection.send(this.combined ? `{"stream":"${stream}","data":${data}}` : data)
  }

  private send(answer: object): void {
    this.connection.send(JSON.stringify(answer))
  }

  private ping(): void {
    const now_ms = systemClock.monotonic_ms()
    const [oldest_ms = now_ms] = this.pings.values()
    if (now_ms - oldest_ms >= this.rules.pong_within_ms) this.connection.drop()
    const payload = String(systemClock.wall_ms())
    this.pings.set(payload, now_ms)
    this.connection.ping(payload)
  }
}

/** /ws/<stream>/<stream> and /stream?streams=<stream>/<stream> */
function streamsOf(url: URL): string[] {
  const list =
    url.pathname === '/stream'
      ? (url.searchParams.get('streams') ?? '')
      : decodeURIComponent(url.pathname.slice('/ws/'.length))
  return list.split('/').filter((stream) => stream !== '')
}

function invalidRequest(json: unknown): string {
  const { data } = WithMethod.safeParse(json)
  if (data === undefined) return 'Invalid request: missing field `method`'
  if ((METHODS as readonly string[]).includes(data.method)) {
    return 'Invalid request: request parameters have a wrong type'
  }
  const expected = METHODS.map((method) => `\`${method}\``).join(', ')
  return `Invalid request: unknown variant \`${data.method}\`, expected one of ${expected}`
}

export function binanceServer(
  feed: BinanceFeed,
  rules: BinanceRules = BINANCE_RULES,
): ExchangeServer {
  return {
    id: 'binance',
    websocket_path: '/stream',
    production: {
      websocket_origin: 'wss://stream.binance.com:9443',
      rest_origin: 'https://api.binance.com',
    },
    operations: feed.operations,
    connects: rules.connects,
    accepts: ({ pathname }) =>
      pathname === '/stream' || pathname === '/ws' || /^\/ws\/[^%]*$/.test(pathname),
    connect: (connection, url) => new BinanceSession(connection, url, feed, rules),
    request: binanceRest(feed, rules.weight_per_minute),
    close: () => feed.close(),
  }
}
