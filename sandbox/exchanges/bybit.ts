/**
 * Bybit v5 spot as its clients meet it: requests that are accepted or refused whole, JSON pings,
 * connections cut when idle, and public REST. It makes no book content.
 * https://bybit-exchange.github.io/docs/v5/ws/connect
 */
import { z } from 'zod'
import { systemClock } from '../../shared/clock.ts'
import { SYSTEM_STATUS, SystemStatus } from './bybit-status.ts'
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

export interface BybitFeed {
  /** entries of instruments-info's result.list */
  readonly instruments: readonly { readonly symbol: string }[]
  /** undefined: there is no such topic */
  topic(name: string): Topic | undefined
  /** `result` of /v5/market/orderbook, JSON text; undefined: there is no such symbol */
  orderbook(symbol: string, limit: number): string | undefined
  readonly operations: Operations
  close(): void
}

export interface BybitRules {
  readonly args_per_request: number
  /** characters of all args of a connection */
  readonly args_characters: number
  readonly idle_ms: number
  readonly connects: Limit
  readonly requests: Limit
}

export const BYBIT_RULES: BybitRules = {
  // "Spot can input up to 10 args for each subscription request sent to one connection"
  args_per_request: 10,
  // "args limits: 21,000 characters" per connection
  args_characters: 21_000,
  // "the connection is cut when there is neither a ping nor data for 10 minutes"
  idle_ms: 600_000,
  connects: { count: 500, window_ms: 300_000 },
  requests: { count: 600, window_ms: 5_000 },
}

const Request = z.object({
  op: z.string(),
  args: z.array(z.string()).optional(),
  req_id: z.string().optional(),
})

type Request = z.infer<typeof Request>
/** undefined: there is no such topic on this connection */
type FindTopic = (name: string) => Topic | undefined

class BybitSession implements Session {
  private readonly connection: Connection
  private readonly topic: FindTopic
  private readonly rules: BybitRules
  private readonly conn_id: string
  private readonly topics = new Map<string, () => void>()
  private idle: NodeJS.Timeout

  constructor(connection: Connection, topic: FindTopic, rules: BybitRules, conn_id: string) {
    this.connection = connection
    this.topic = topic
    this.rules = rules
    this.conn_id = conn_id
    this.idle = setTimeout(() => connection.drop(), rules.idle_ms)
  }

  message(text: string): void {
    this.idle.refresh()
    const read = readJson(text)
    const request = read.ok ? Request.safeParse(read.json).data : undefined
    if (request === undefined) this.invalid('', null)
    else if (request.op === 'ping') this.reply(request, true, 'pong')
    else if (request.op === 'subscribe') this.subscribe(request)
    else if (request.op === 'unsubscribe') this.unsubscribe(request)
    else this.invalid(request.op, request.args ?? null)
  }

  control(): void {
    this.idle.refresh()
  }

  closed(): void {
    clearTimeout(this.idle)
    for (const end of this.topics.values()) end()
    this.topics.clear()
  }

  /** The answer comes first, then the snapshots. */
  private subscribe(request: Request): void {
    const { args = [] } = request
    const refusal = this.refusal(args)
    if (refusal !== undefined) {
      this.reply(request, false, refusal)
      return
    }
    this.reply(request, true, 'subscribe')
    for (const name of args) {
      const end = this.topic(name)?.subscribe((frame) => {
        this.idle.refresh()
        this.connection.send(frame)
      })
      if (end !== undefined) this.topics.set(name, end)
    }
  }

  /** One bad topic refuses the whole request. */
  private refusal(args: readonly string[]): string | undefined {
    if (args.length > this.rules.args_per_request) {
      return `args size >${this.rules.args_per_request}`
    }
    const characters = [...this.topics.keys(), ...args].reduce((sum, name) => sum + name.length, 0)
    if (characters > this.rules.args_characters) return 'args length limit exceeded'
    const unknown = args.find((name) => this.topic(name) === undefined)
    if (unknown !== undefined) return `Invalid topic: ${unknown}`
    const repeated = args.find((name, at) => this.topics.has(name) || args.indexOf(name) !== at)
    return repeated === undefined ? undefined : `error:already subscribed,topic:${repeated}`
  }

  private unsubscribe(request: Request): void {
    for (const name of request.args ?? []) {
      this.topics.get(name)?.()
      this.topics.delete(name)
    }
    this.reply(request, true, '')
  }

  private reply({ op, req_id }: Request, success: boolean, ret_msg: string): void {
    const { conn_id } = this
    this.send({ success, ret_msg, conn_id, ...(req_id === undefined ? {} : { req_id }), op })
  }

  private invalid(op: string, args: readonly string[] | null): void {
    const { conn_id } = this
    this.send({ success: false, ret_msg: 'error:invalid op', conn_id, request: { op, args } })
  }

  private send(answer: object): void {
    this.connection.send(JSON.stringify(answer))
  }
}

export function bybitServer(feed: BybitFeed, rules: BybitRules = BYBIT_RULES): ExchangeServer {
  let connections = 0
  const mayAsk = quota(rules.requests)
  const status = new SystemStatus(feed.operations)
  const topics: ReadonlyMap<string, FindTopic> = new Map<string, FindTopic>([
    ['/v5/public/spot', (name) => feed.topic(name)],
    ['/v5/public/misc/status', (name) => (name === SYSTEM_STATUS ? status.publication : undefined)],
  ])
  return {
    id: 'bybit',
    websocket_path: '/v5/public/spot',
    production: {
      websocket_origin: 'wss://stream.bybit.com',
      rest_origin: 'https://api.bybit.com',
    },
    operations: feed.operations,
    connects: rules.connects,
    accepts: ({ pathname }) => topics.has(pathname),
    connect: (connection, { pathname }) => {
      const topic = topics.get(pathname) ?? (() => undefined)
      return new BybitSession(connection, topic, rules, connId(++connections))
    },
    request: (url) =>
      mayAsk()
        ? route(url, feed, status)
        : { status: 403, body: '{"message":"access too frequent"}' },
    close: () => feed.close(),
  }
}

function connId(connection: number): string {
  return `0970e817-426e-429a-a679-${connection.toString(16).padStart(12, '0')}`
}

function route(url: URL, feed: BybitFeed, status: SystemStatus): HttpAnswer {
  switch (url.pathname) {
    case '/v5/market/time': {
      const now_ms = systemClock.wall_ms()
      const timeSecond = String(Math.floor(now_ms / 1_000))
      const timeNano = `${Math.floor(now_ms)}000000`
      return result(JSON.stringify({ timeSecond, timeNano }))
    }
    case '/v5/system/status':
      return result(JSON.stringify({ list: status.list }))
    case '/v5/market/instruments-info':
      return instruments(url, feed)
    case '/v5/market/orderbook':
      return orderbook(url, feed)
    default:
      return { status: 404, body: '{"message":"404 Not Found"}' }
  }
}

function instruments(url: URL, feed: BybitFeed): HttpAnswer {
  if (url.searchParams.get('category') !== 'spot') return failure('params error: category invalid')
  const symbol = url.searchParams.get('symbol')
  const list = feed.instruments.filter((entry) => symbol === null || entry.symbol === symbol)
  return result(JSON.stringify({ category: 'spot', list }))
}

function orderbook(url: URL, feed: BybitFeed): HttpAnswer {
  if (url.searchParams.get('category') !== 'spot') return failure('params error: category invalid')
  const limit = Number(url.searchParams.get('limit') ?? 1)
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) return failure('params error: limit')
  const body = feed.orderbook(url.searchParams.get('symbol') ?? '', limit)
  return body === undefined ? failure('Not supported symbols') : result(body)
}

/** `json` is the text of `result`. */
function result(json: string): HttpAnswer {
  const time = Math.floor(systemClock.wall_ms())
  const body = `{"retCode":0,"retMsg":"OK","result":${json},"retExtInfo":{},"time":${time}}`
  return { status: 200, body }
}

function failure(retMsg: string): HttpAnswer {
  const time = Math.floor(systemClock.wall_ms())
  const body = { retCode: 10001, retMsg, result: {}, retExtInfo: {}, time }
  return { status: 200, body: JSON.stringify(body) }
}
