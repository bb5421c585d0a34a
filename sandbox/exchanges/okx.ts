/**
 * OKX v5 as its clients meet it: one answer for each argument of a request, raw text pings, silent
 * connections that break, requests that are counted, and public REST. It makes no book content.
 * https://www.okx.com/docs-v5/en/#overview-websocket
 */
import { z } from 'zod'
import { systemClock } from '../../shared/clock.ts'
import { type Limit, quota } from './limit.ts'
import { OkxStatus } from './okx-status.ts'
import type { Operations } from './operations.ts'
import {
  type Connection,
  type ExchangeServer,
  type HttpAnswer,
  readJson,
  type Session,
} from './server.ts'
import type { Topic } from './topic.ts'

export interface OkxFeed {
  /** entries of /api/v5/public/instruments */
  readonly instruments: readonly { readonly instId: string }[]
  /** undefined: there is no such channel or instrument */
  topic(channel: string, instId: string): Topic | undefined
  /** entry of /api/v5/market/books, JSON text; undefined: there is no such instrument */
  orderbook(instId: string, size: number): string | undefined
  readonly operations: Operations
  close(): void
}

export interface OkxRules {
  /** subscribe, unsubscribe and login requests of a connection */
  readonly requests: Limit
  /** nothing was sent for so long and no ping came: the connection breaks */
  readonly idle_ms: number
  readonly connects: Limit
  /** REST by path, per address */
  readonly rest: Readonly<Record<string, Limit>>
}

const TIME = '/api/v5/public/time'
const INSTRUMENTS = '/api/v5/public/instruments'
const BOOKS = '/api/v5/market/books'
const STATUS = '/api/v5/system/status'
const CURRENCIES = '/api/v5/asset/currencies'

/** "64 KB a request" is what any sandbox exchange takes from a client (server.ts). */
export const OKX_RULES: OkxRules = {
  // "480 times per hour" and connection
  requests: { count: 480, window_ms: 3_600_000 },
  // "if there is no data pushed for 30 seconds the connection breaks"
  idle_ms: 30_000,
  // "3 requests per second, based on IP"
  connects: { count: 3, window_ms: 1_000 },
  rest: {
    [TIME]: { count: 10, window_ms: 2_000 },
    [INSTRUMENTS]: { count: 20, window_ms: 2_000 },
    [BOOKS]: { count: 40, window_ms: 2_000 },
    [STATUS]: { count: 1, window_ms: 5_000 },
  },
}

const Arg = z.looseObject({ channel: z.string(), instId: z.string().optional() })
const Request = z.object({
  op: z.enum(['subscribe', 'unsubscribe']),
  args: z.array(Arg).min(1),
  id: z.string().optional(),
})
type Arg = z.infer<typeof Arg>
type Request = z.infer<typeof Request>
type FindTopic = (arg: Arg) => Topic | undefined

class OkxSession implements Session {
  private readonly connection: Connection
  private readonly topic: FindTopic
  private readonly connId: string
  private readonly mayAsk: () => boolean
  private readonly topics = new Map<string, () => void>()
  private readonly idle: NodeJS.Timeout

  constructor(connection: Connection, topic: FindTopic, rules: OkxRules, connId: string) {
    this.connection = connection
    this.topic = topic
    this.connId = connId
    this.mayAsk = quota(rules.requests)
    this.idle = setTimeout(() => connection.drop(), rules.idle_ms)
  }

  message(text: string): void {
    if (text === 'ping') {
      this.push('pong')
      return
    }
    const read = readJson(text)
    // text that is no request at all is not worth an answer
    if (!read.ok) return
    const { data } = Request.safeParse(read.json)
    if (data === undefined) this.fail('60012', `Illegal request: ${text}`)
    else if (this.mayAsk()) for (const arg of data.args) this.obey(data, arg)
    else this.connection.drop()
  }

  control(): void {
    this.idle.refresh()
  }

  /** "about 60 seconds before" in the wild; a sandbox that ends does not wait. */
  announceClose(): void {
    const msg = 'The connection will soon be closed for a service upgrade. Please reconnect.'
    this.say({ event: 'notice', code: '64008', msg, connId: this.connId })
  }

  closed(): void {
    clearTimeout(this.idle)
    for (const end of this.topics.values()) end()
    this.topics.clear()
  }

  /** Each argument has its answer, and then its data. */
  private obey(request: Request, arg: Arg): void {
    const name = describe(arg)
    const topic = this.topic(arg)
    if (topic === undefined) this.fail('60018', `${name} doesn't exist`, request.id)
    else {
      this.acknowledge(request, arg)
      if (request.op === 'unsubscribe') this.leave(name)
      else if (!this.topics.has(name)) this.join(name, topic)
    }
  }

  private join(name: string, topic: Topic): void {
    const end = topic.subscribe((frame) => this.push(frame))
    this.topics.set(name, end)
  }

  private leave(name: string): void {
    this.topics.get(name)?.()
    this.topics.delete(name)
  }

  private acknowledge({ op, id }: Request, arg: Arg): void {
    this.say({ ...(id === undefined ? {} : { id }), event: op, arg, connId: this.connId })
  }

  private fail(code: string, msg: string, id?: string): void {
    const echo = id === undefined ? {} : { id }
    this.say({ ...echo, event: 'error', msg, code, connId: this.connId })
  }

  private say(answer: object): void {
    this.push(JSON.stringify(answer))
  }

  private push(frame: string): void {
    this.idle.refresh()
    this.connection.send(frame)
  }
}

/** "channel:books,instId:BTC-USDT" */
function describe({ channel, instId }: Arg): string {
  return instId === undefined ? `channel:${channel}` : `channel:${channel},instId:${instId}`
}

export function okxServer(feed: OkxFeed, rules: OkxRules = OKX_RULES): ExchangeServer {
  let connections = 0
  const limits = new Map(Object.entries(rules.rest).map(([path, limit]) => [path, quota(limit)]))
  const status = new OkxStatus(feed.operations)
  const topic: FindTopic = ({ channel, instId = '' }) =>
    channel === 'status' ? status.publication : feed.topic(channel, instId)
  return {
    id: 'okx',
    websocket_path: '/ws/v5/public',
    production: {
      websocket_origin: 'wss://ws.okx.com:8443',
      rest_origin: 'https://www.okx.com',
    },
    operations: feed.operations,
    connects: rules.connects,
    accepts: ({ pathname }) => pathname === '/ws/v5/public',
    connect: (connection) => {
      const connId = (++connections).toString(16).padStart(8, '0')
      return new OkxSession(connection, topic, rules, connId)
    },
    request: (url) =>
      limits.get(url.pathname)?.() === false
        ? failure('50011', 'Too Many Requests', 429)
        : route(url, feed, status),
    close: () => feed.close(),
  }
}

function route(url: URL, feed: OkxFeed, status: OkxStatus): HttpAnswer {
  switch (url.pathname) {
    case TIME:
      return answer(JSON.stringify([{ ts: String(Math.floor(systemClock.wall_ms())) }]))
    case INSTRUMENTS:
      return instruments(url, feed)
    case BOOKS:
      return orderbook(url, feed)
    case STATUS:
      return answer(JSON.stringify(status.entries))
    case CURRENCIES:
      return failure('50103', 'Request header OK-ACCESS-KEY can not be empty.', 401)
    default:
      return { status: 404, body: '{"msg":"Not Found","code":"404","data":[]}' }
  }
}

function instruments(url: URL, feed: OkxFeed): HttpAnswer {
  const type = url.searchParams.get('instType')
  if (type === null) return failure('50014', 'Parameter instType can not be empty.', 400)
  const instId = url.searchParams.get('instId')
  const wanted = feed.instruments.filter((entry) => instId === null || entry.instId === instId)
  return answer(JSON.stringify(type === 'SPOT' ? wanted : []))
}

/** "sz: order book depth per side, maximum 400, default 1" */
function orderbook(url: URL, feed: OkxFeed): HttpAnswer {
  const size = Number(url.searchParams.get('sz') ?? 1)
  if (!Number.isInteger(size) || size < 1 || size > 400) {
    return failure('51000', 'Parameter sz error')
  }
  const body = feed.orderbook(url.searchParams.get('instId') ?? '', size)
  if (body === undefined) return failure('51001', "Instrument ID doesn't exist.")
  return answer(`[${body}]`)
}

/** `json` is the text of `data`. */
function answer(json: string): HttpAnswer {
  return { status: 200, body: `{"code":"0","msg":"","data":${json}}` }
}

function failure(code: string, msg: string, status = 200): HttpAnswer {
  return { status, body: JSON.stringify({ code, msg, data: [] }) }
}
