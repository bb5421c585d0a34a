/**
 * Kraken's WebSocket v2 as its clients meet it: status first, one ack per symbol, heartbeats when
 * nothing else is said, idle connections closed; and the public REST endpoints, which always
 * answer 200 and put errors in the body. It makes no book content.
 * https://docs.kraken.com/api/docs/websocket-v2/book
 */
import { z } from 'zod'
import { systemClock, timestamp } from '../../shared/clock.ts'
import { microTimestamp } from './books.ts'
import { type Limit, quota } from './limit.ts'
import type { Operations } from './operations.ts'
import {
  type Connection,
  type ExchangeServer,
  type HttpAnswer,
  readJson,
  type Session,
} from './server.ts'
import type { Topic } from './topic.ts'

export interface KrakenFeed {
  /** result of AssetPairs, by Kraken's own pair name */
  readonly pairs: Readonly<Record<string, object>>
  /** `data` of the instrument channel, JSON text */
  readonly instruments: string
  /** the same with this pair alone; undefined: there is no such pair */
  instrument(symbol: string): string | undefined
  /** `depth` is what the ack says: a recording has its own. undefined: no such pair */
  book(symbol: string, depth: number): { readonly depth: number; readonly topic: Topic } | undefined
  readonly operations: Operations
  close(): void
}

export interface KrakenRules {
  readonly heartbeat_every_ms: number
  readonly idle_ms: number
  readonly messages: Limit
  readonly connects: Limit
}

export const KRAKEN_RULES: KrakenRules = {
  // "heartbeats are sent approximately once every second in the absence of any other updates"
  heartbeat_every_ms: 1_000,
  // connections without a subscription and without a ping are closed after about a minute
  idle_ms: 60_000,
  // the exchange's own limit is dynamic and not published
  messages: { count: 50, window_ms: 1_000 },
  connects: { count: 150, window_ms: 600_000 },
}

export const KRAKEN_DEPTHS: readonly number[] = [10, 25, 100, 500, 1_000]
const CHANNELS: readonly string[] = ['book', 'instrument', 'heartbeat']
/** as large as the real ones: beyond 2^53 */
const FIRST_CONNECTION_ID = 6_447_481_662_169_813_000n

const Request = z.object({
  method: z.string(),
  req_id: z.int().optional(),
  params: z
    .object({
      channel: z.string(),
      symbol: z.array(z.string()).optional(),
      depth: z.int().default(10),
      snapshot: z.boolean().default(true),
    })
    .optional(),
})
type Request = z.infer<typeof Request>
type Params = NonNullable<Request['params']>
/** Sends an answer with the request's id and the times of both. */
type Reply = (answer: object) => void

class KrakenSession implements Session {
  private readonly connection: Connection
  private readonly feed: KrakenFeed
  private readonly rules: KrakenRules
  private readonly mayTalk: () => boolean
  private readonly books = new Map<string, { readonly depth: number; readonly end: () => void }>()
  private readonly timer: NodeJS.Timeout
  private readonly id: bigint
  private readonly forget: () => void
  private watches_instruments = false
  private heard_ms = systemClock.monotonic_ms()
  private subscribed = false
  private spoke = false

  constructor(connection: Connection, feed: KrakenFeed, rules: KrakenRules, id: bigint) {
    this.connection = connection
    this.feed = feed
    this.rules = rules
    this.mayTalk = quota(rules.messages)
    this.timer = setInterval(() => this.beat(), rules.heartbeat_every_ms)
    this.id = id
    this.forget = feed.operations.onChange((symbol) => {
      if (symbol === undefined) this.sendStatus()
      else this.sendInstrument(symbol)
    })
    this.sendStatus()
  }

  message(text: string): void {
    this.heard_ms = systemClock.monotonic_ms()
    const time_in = now()
    const read = readJson(text)
    const request = read.ok ? Request.safeParse(read.json).data : undefined
    const reply = (answer: object) => {
      const echo = request?.req_id === undefined ? {} : { req_id: request.req_id }
      this.send(JSON.stringify({ ...answer, ...echo, time_in, time_out: now() }))
    }
    if (request === undefined) {
      reply({ error: 'Malformed request', success: false })
      return
    }
    const error = this.refusal(request)
    if (error === undefined) this.obey(request, reply)
    else reply({ error, method: request.method, success: false })
  }

  control(): void {
    this.heard_ms = systemClock.monotonic_ms()
  }

  closed(): void {
    clearInterval(this.timer)
    this.forget()
    for (const { end } of this.books.values()) end()
    this.books.clear()
  }

  /** What is wrong with the request as a whole. */
  private refusal({ method, params }: Request): string | undefined {
    if (!this.mayTalk()) return 'Exceeded msg rate'
    if (method === 'ping') return undefined
    if (method !== 'subscribe' && method !== 'unsubscribe') return 'Unsupported method'
    if (params === undefined) return 'Missing field params'
    if (!CHANNELS.includes(params.channel)) return 'Subscription channel not supported'
    if (params.channel !== 'book') return undefined
    if (params.symbol === undefined) return 'Missing field symbol'
    return KRAKEN_DEPTHS.includes(params.depth) ? undefined : 'Subscription depth not supported'
  }

  private obey({ method, params }: Request, reply: Reply): void {
    if (method === 'ping' || params === undefined) reply({ method: 'pong' })
    else if (params.channel === 'book') {
      for (const symbol of params.symbol ?? []) {
        if (method === 'subscribe') this.subscribe(symbol, params, reply)
        else this.unsubscribe(symbol, reply)
      }
    } else {
      reply({ method, result: { channel: params.channel }, success: true })
      if (params.channel === 'instrument') this.watchInstruments(method === 'subscribe')
    }
  }

  /** One ack per symbol, then its snapshot. */
  private subscribe(symbol: string, { depth: wanted, snapshot }: Params, reply: Reply): void {
    const method = 'subscribe'
    const book = this.feed.book(symbol, wanted)
    if (book === undefined) {
      reply({ error: `Currency pair not supported ${symbol}`, method, success: false, symbol })
      return
    }
    if (this.books.has(symbol)) {
      reply({ error: 'Already subscribed', method, success: false, symbol })
      return
    }
    const { depth, topic } = book
    reply({ method, result: { channel: 'book', depth, snapshot, symbol }, success: true })
    this.subscribed = true
    let muted = !snapshot
    const end = topic.subscribe((frame) => muted || this.send(frame))
    muted = false
    this.books.set(symbol, { depth, end })
  }

  private unsubscribe(symbol: string, reply: Reply): void {
    const method = 'unsubscribe'
    const book = this.books.get(symbol)
    if (book === undefined) {
      reply({ error: 'Subscription not found', method, success: false, symbol })
      return
    }
    book.end()
    this.books.delete(symbol)
    reply({ method, result: { channel: 'book', depth: book.depth, symbol }, success: true })
  }

  /** once on connection, then on every change of the trading engine */
  private sendStatus(): void {
    this.send(
      '{"channel":"status","type":"update","data":[{"version":"2.0.10",' +
        `"system":"${systemOf(this.feed)}","api_version":"v2","connection_id":${this.id}}]}`,
    )
  }

  private watchInstruments(watches: boolean): void {
    this.watches_instruments = watches
    if (!watches) return
    this.send(`{"channel":"instrument","type":"snapshot","data":${this.feed.instruments}}`)
  }

  private sendInstrument(symbol: string): void {
    const data = this.feed.instrument(symbol)
    if (!this.watches_instruments || data === undefined) return
    this.send(`{"channel":"instrument","type":"update","data":${data}}`)
  }

  private beat(): void {
    if (this.books.size === 0) {
      const idle_ms = systemClock.monotonic_ms() - this.heard_ms
      if (idle_ms >= this.rules.idle_ms) this.connection.close(1000, 'idle')
    }
    if (this.subscribed && !this.spoke) this.send('{"channel":"heartbeat"}')
    this.spoke = false
  }

  private send(frame: string): void {
    this.spoke = true
    this.connection.send(frame)
  }
}

export function krakenServer(feed: KrakenFeed, rules: KrakenRules = KRAKEN_RULES): ExchangeServer {
  let connections = 0n
  return {
    id: 'kraken',
    websocket_path: '/v2',
    production: {
      websocket_origin: 'wss://ws.kraken.com',
      rest_origin: 'https://api.kraken.com',
    },
    operations: feed.operations,
    connects: rules.connects,
    accepts: ({ pathname }) => pathname === '/v2',
    connect: (connection) =>
      new KrakenSession(connection, feed, rules, FIRST_CONNECTION_ID + connections++),
    request: (url) => route(url, feed),
    close: () => feed.close(),
  }
}

function route(url: URL, feed: KrakenFeed): HttpAnswer {
  const now_ms = systemClock.wall_ms()
  switch (url.pathname) {
    case '/0/public/Time': {
      const unixtime = Math.floor(now_ms / 1_000)
      return result({ unixtime, rfc1123: new Date(unixtime * 1_000).toUTCString() })
    }
    case '/0/public/SystemStatus':
      return result({ status: systemOf(feed), timestamp: timestamp(now_ms) })
    case '/0/public/AssetPairs':
      return assetPairs(url.searchParams.get('pair'), feed)
    default:
      return failure('EGeneral:Unknown method')
  }
}

function systemOf({ operations }: KrakenFeed): 'online' | 'maintenance' {
  return operations.maintenance ? 'maintenance' : 'online'
}

function assetPairs(pair: string | null, feed: KrakenFeed): HttpAnswer {
  if (pair === null) return result(feed.pairs)
  const names = pair.split(',')
  const found = Object.entries(feed.pairs).filter(([name]) => names.includes(name))
  if (found.length < names.length) return failure('EQuery:Unknown asset pair')
  return result(Object.fromEntries(found))
}

function result(value: object): HttpAnswer {
  return { status: 200, body: JSON.stringify({ error: [], result: value }) }
}

function failure(error: string): HttpAnswer {
  return { status: 200, body: JSON.stringify({ error: [error] }) }
}

function now(): string {
  return microTimestamp(systemClock.wall_ms())
}
