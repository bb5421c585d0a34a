/** For tests: a front door that misbehaves as exchanges do, and a feed that meets it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { systemClock } from '../../shared/clock.ts'
import { silentLog } from '../../shared/log.ts'
import { Books, type MarketBook } from '../book/books.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import { exchanges } from '../exchanges/index.ts'
import { type Change, dialects, type TrueBook, testMarket } from '../exchanges/testing.ts'
import { Feed, type FeedOptions } from './feed.ts'

export const START: Change[] = [
  ['bid', '99.90', '1.0000'],
  ['ask', '100.10', '1.5000'],
]
/** generous: the machine may be busy */
export const WAIT = { timeout: 10_000, interval: 10 }

export interface Behaviour {
  readonly upgradeStatus?: number | undefined
  readonly upgradeHeaders?: string
  readonly sandbox?: boolean
  readonly autoPong?: boolean
  /** somebody wants to connect, whatever becomes of it */
  asked?(): void
  connected?(socket: WebSocket, index: number): void
  /** one client frame, parsed */
  said?(socket: WebSocket, frame: Record<string, unknown>, index: number): void
  rest?(request: IncomingMessage, response: ServerResponse): void
  /** the exchange's clock, which is asked by itself */
  time?(response: ServerResponse): void
  /** who trades, likewise */
  status?(path: string, response: ServerResponse): void
}

/** Questions that a feed asks by itself: Bybit's list of markets is one of them. */
const STATUS_PATHS = new Set(
  exchanges.flatMap(({ trading_status = [] }) => trading_status.map(({ path }) => path)),
)

/** One exchange's front door: REST and WebSocket on one port. */
export async function exchangeServer(behaviour: Behaviour) {
  const sockets: WebSocket[] = []
  const frames: Record<string, unknown>[] = []
  let attempts = 0
  const http: Server = createServer((request, response) => {
    const { url = '' } = request
    const unknown = () => void response.writeHead(404).end()
    if (exchanges.some(({ time }) => time.path === url)) (behaviour.time ?? unknown)(response)
    else if (STATUS_PATHS.has(url)) (behaviour.status ?? unknown)(url, response)
    else behaviour.rest?.(request, response)
  })
  const server = new WebSocketServer({ noServer: true, autoPong: behaviour.autoPong ?? true })
  if (behaviour.sandbox) server.on('headers', (headers) => headers.push('x-spreadwire-sandbox: 1'))
  http.on('upgrade', (request, socket, head) => {
    attempts++
    const { upgradeStatus, upgradeHeaders = '' } = behaviour
    behaviour.asked?.()
    if (upgradeStatus !== undefined) {
      socket.end(`HTTP/1.1 ${upgradeStatus} Refused\r\n${upgradeHeaders}Content-Length: 0\r\n\r\n`)
      return
    }
    server.handleUpgrade(request, socket, head, (client) => {
      const index = sockets.push(client) - 1
      behaviour.connected?.(client, index)
      client.on('message', (data) => {
        const text = String(data)
        // some exchanges are pinged in plain words
        if (!text.startsWith('{')) return
        const frame = JSON.parse(text) as Record<string, unknown>
        frames.push(frame)
        behaviour.said?.(client, frame, index)
      })
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const { port } = http.address() as AddressInfo
  onTestFinished(() => {
    for (const socket of sockets) socket.terminate()
    http.closeAllConnections()
    http.close()
  })
  return {
    websocket_url: `ws://127.0.0.1:${port}`,
    rest_url: `http://127.0.0.1:${port}`,
    sockets,
    frames,
    attempts: () => attempts,
  }
}

/** Books that write down every state that a market went through. */
class WatchedBooks extends Books {
  readonly history: string[] = []

  override move(...[entry, state, reason, now_ms]: Parameters<Books['move']>): void {
    const step = `${entry.market.market} ${state}${reason === null ? '' : ` ${reason}`}`
    if (entry.state !== state || entry.reason !== reason) this.history.push(step)
    super.move(entry, state, reason, now_ms)
  }
}

export function startFeed(
  server: { websocket_url: string; rest_url: string },
  exchange: Exchange,
  markets: readonly string[],
  more: Partial<FeedOptions> = {},
) {
  const books = new WatchedBooks()
  const feed = new Feed({
    exchange,
    websocket_url: server.websocket_url,
    rest_url: server.rest_url,
    markets: markets.map((market) => testMarket(exchange.id, market)),
    books,
    clock: systemClock,
    log: silentLog,
    random: () => 0,
    ...more,
  })
  onTestFinished(() => feed.stop())
  feed.start()
  const entry = (market: string) => books.get(exchange.id, market) as MarketBook
  const state = (market: string) => entry(market).state
  return { feed, books, entry, state }
}

export const withIdle = (exchange: Exchange, idle_ms: number): Exchange => ({
  ...exchange,
  keepalive: { ...exchange.keepalive, idle_ms },
})

export const argsOf = (frame: Record<string, unknown>) =>
  ((frame.args as string[] | undefined) ?? []).map((topic) => topic.replace('orderbook.50.', ''))

/** A frame by which Kraken's clients subscribe books, and not what else they may subscribe. */
export const asksBooks = ({ method, params }: Record<string, unknown>): boolean =>
  method === 'subscribe' && (params as { channel?: string }).channel === 'book'

/** Bybit as documented: an answer to the frame, then a snapshot for each topic. */
export function bybitServes(truth: TrueBook): NonNullable<Behaviour['said']> {
  return (socket, frame) => {
    if (frame.op === 'ping') socket.send('{"success":true,"ret_msg":"pong","op":"ping"}')
    if (frame.op !== 'subscribe') return
    socket.send('{"success":true,"ret_msg":"subscribe","op":"subscribe"}')
    for (const market of argsOf(frame)) socket.send(snapshotOf('bybit', truth, market))
  }
}

function snapshotOf(exchange: string, truth: TrueBook, market: string): string {
  const dialect = dialects[exchange]
  if (dialect === undefined) throw new Error(`no dialect for ${exchange}`)
  return dialect.snapshot(truth, market)
}

/** Every market of `feed` is live. */
export const allLive = (feed: Feed, count: number) =>
  expect.poll(() => feed.status().books_live, WAIT).toBe(count)
