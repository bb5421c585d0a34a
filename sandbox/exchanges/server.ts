/**
 * The contract that one sandbox exchange implements, and the plumbing that all share: a port that
 * speaks HTTP and WebSocket, marks every answer as simulated, and cuts clients off as exchanges do.
 * It knows no protocol and no price.
 */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { FrameWriter } from './frame-writer.ts'
import { type Limit, quota } from './limit.ts'
import type { Operations } from './operations.ts'

export interface HttpAnswer {
  readonly status: number
  /** JSON text */
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

/** What a session may do to its client. Everything is a no-op once the connection is gone. */
export interface Connection {
  send(frame: string): void
  ping(payload: string): void
  /** closing handshake */
  close(code: number, reason: string): void
  /** cuts the TCP connection, as exchanges do with clients that break their rules */
  drop(): void
}

/** One client's side of the protocol. Any text may arrive: nothing that it says may throw. */
export interface Session {
  message(text: string): void
  /** a WebSocket ping or pong frame of the client */
  control(kind: 'ping' | 'pong', payload: string): void
  /** the exchange is about to go away: say so, where the protocol has words for it */
  announceClose?(): void
  /** the connection is gone: stop every timer and subscription */
  closed(): void
}

export interface ExchangeServer {
  readonly id: string
  /** where books are subscribed */
  readonly websocket_path: string
  /** the real exchange's addresses, which recordings carry */
  readonly production: { readonly websocket_origin: string; readonly rest_origin: string }
  readonly operations: Operations
  /** connection attempts per address */
  readonly connects: Limit
  accepts(url: URL): boolean
  connect(connection: Connection, url: URL): Session
  request(url: URL, headers: IncomingHttpHeaders): HttpAnswer
  close(): void
  /** another address of the same exchange with a protocol of its own */
  readonly alternative?: ExchangeServer
}

/** Sees every text frame and every REST answer. `connection` numbers the sockets from 1. */
export type Observer = (seen: {
  readonly url: string
  readonly dir: 'open' | 'out' | 'in' | 'http'
  readonly raw: string
  readonly connection?: number
}) => void

export interface Listening {
  readonly websocket_url: string
  readonly rest_url: string
  close(): Promise<void>
}

export interface ListenOptions {
  readonly observe?: Observer
  /** bytes that may wait for a client before it is cut off */
  readonly slow_client_bytes?: number
}

/** A client's text as JSON, or why it is none. */
export function readJson(
  text: string,
): { readonly ok: true; readonly json: unknown } | { readonly ok: false; readonly reason: string } {
  try {
    return { ok: true, json: JSON.parse(text) }
  } catch (error) {
    return { ok: false, reason: (error as Error).message }
  }
}

const HOST = '127.0.0.1'
const MARK = 'x-spreadwire-sandbox'
const SLOW_CLIENT_BYTES = 16 << 20
const LARGEST_CLIENT_FRAME_BYTES = 64 << 10

/** Listens on a free port. */
export async function listen(
  server: ExchangeServer,
  { observe = () => {}, slow_client_bytes = SLOW_CLIENT_BYTES }: ListenOptions = {},
): Promise<Listening> {
  const http = createServer((request, response) => answer(server, request, response, observe))
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: LARGEST_CLIENT_FRAME_BYTES,
  })
  sockets.on('headers', (headers) => headers.push(`${MARK}: 1`))
  const mayConnect = quota(server.connects)
  const sessions = new Set<Session>()
  let connections = 0
  http.on('upgrade', (request, stream, head) => {
    const url = requestUrl(request)
    if (url === null || !server.accepts(url)) return refuse(stream, '404 Not Found')
    if (!mayConnect()) return refuse(stream, '429 Too Many Requests')
    if (server.operations.refusing) return refuse(stream, '503 Service Unavailable')
    sockets.handleUpgrade(request, stream, head, (socket) => {
      const connection = ++connections
      const production_url = server.production.websocket_origin + url.pathname + url.search
      const see = (dir: 'open' | 'out' | 'in', raw: string) =>
        observe({ url: production_url, dir, raw, connection })
      const session = attach(server, socket, stream, url, see, slow_client_bytes)
      sessions.add(session)
      socket.on('close', () => {
        sessions.delete(session)
        session.closed()
      })
    })
  })
  server.operations.onChange(() => {
    if (server.operations.refusing) for (const socket of sockets.clients) socket.terminate()
  })
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject)
    http.listen(0, HOST, resolve)
  })
  const address = `${HOST}:${(http.address() as AddressInfo).port}`
  return {
    websocket_url: `ws://${address}${server.websocket_path}`,
    rest_url: `http://${address}`,
    close: async () => {
      for (const session of sessions) session.announceClose?.()
      // last words are written at the end of this turn
      await new Promise((resolve) => setImmediate(resolve))
      server.close()
      for (const socket of sockets.clients) socket.terminate()
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}

function attach(
  server: ExchangeServer,
  socket: WebSocket,
  stream: Duplex,
  url: URL,
  see: (dir: 'open' | 'out' | 'in', raw: string) => void,
  slow_client_bytes: number,
): Session {
  const writer = new FrameWriter(stream)
  const open = () => socket.readyState === socket.OPEN
  see('open', '')
  const session = server.connect(
    {
      send: (frame) => {
        if (!open()) return
        const waiting_bytes = socket.bufferedAmount + writer.waiting_bytes
        if (waiting_bytes > slow_client_bytes) return socket.terminate()
        see('in', frame)
        writer.text(frame)
      },
      ping: (payload) => open() && socket.ping(payload),
      close: (code, reason) => {
        writer.flush()
        socket.close(code, reason)
      },
      drop: () => socket.terminate(),
    },
    url,
  )
  socket.on('message', (data) => {
    const text = data.toString()
    see('out', text)
    session.message(text)
  })
  socket.on('ping', (payload) => session.control('ping', payload.toString()))
  socket.on('pong', (payload) => session.control('pong', payload.toString()))
  // an invalid frame: ws closes the connection with the right code, there is nothing left to do
  socket.on('error', () => {})
  return session
}

function answer(
  server: ExchangeServer,
  request: IncomingMessage,
  response: ServerResponse,
  observe: Observer,
): void {
  const url = requestUrl(request)
  const { status, body, headers } =
    url === null
      ? { status: 400, body: '{}', headers: {} }
      : request.method === 'GET'
        ? server.request(url, request.headers)
        : { status: 405, body: '{}', headers: { allow: 'GET' } }
  if (url !== null && status === 200) {
    const production_url = server.production.rest_origin + url.pathname + url.search
    observe({ url: production_url, dir: 'http', raw: body })
  }
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    [MARK]: '1',
    ...headers,
  })
  response.end(body)
}

function requestUrl(request: IncomingMessage): URL | null {
  return URL.parse(`http://${HOST}${request.url ?? '/'}`)
}

function refuse(stream: Duplex, status: string): void {
  stream.on('error', () => stream.destroy())
  stream.end(`HTTP/1.1 ${status}\r\n${MARK}: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`)
}
