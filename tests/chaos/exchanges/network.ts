/**
 * The network between the worker and one sandbox exchange, which knows what passes: whole WebSocket
 * frames, pings, handshakes and REST answers. It passes everything on as it is, in order, until it is
 * told to lose, bend, delay, swallow or refuse some of it.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RawData, WebSocket, WebSocketServer } from 'ws'
import type { WireMessage } from '../../../sandbox/exchanges/wire.ts'
import { readFrame } from '../../truth/wire.ts'
import { Passage } from './passage.ts'

/** What becomes of one frame; `book` is what it says of a book. Empty: it is lost. */
export type Bend = (raw: string, book: WireMessage | undefined) => readonly string[]

export interface HttpAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** What becomes of a REST request. Undefined: it is passed on. */
export type RestFault = (path: string) => HttpAnswer | { readonly delay_ms: number } | undefined

/** Something that the worker asked for, and when. */
interface Asked {
  readonly path: string
  /** our monotonic clock, ms */
  readonly at_ms: number
  status: number
}

interface Addresses {
  readonly websocket_url: string
  readonly rest_url: string
}

const HOST = '127.0.0.1'
const MARK = 'x-spreadwire-sandbox'
const PASSED_HEADERS = ['content-type', 'retry-after', MARK]

export class Network {
  readonly exchange: string
  /** every handshake that was begun, in order */
  readonly handshakes: Asked[] = []
  /** every REST request, in order */
  readonly requests: Asked[] = []
  /** what the worker said, in order */
  private readonly said: string[] = []
  private readonly target: Addresses
  private readonly http: Server
  private readonly sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    autoPong: false,
  })
  private readonly passages = new Set<Passage>()
  private readonly bends = new Set<Bend>()
  private readonly asks = new Set<Bend>()
  private refusal: HttpAnswer | null = null
  private rest_fault: RestFault | null = null
  private delay_ms = 0

  constructor(exchange: string, target: Addresses) {
    this.exchange = exchange
    this.target = target
    this.http = createServer((request, response) => void this.answer(request, response))
    this.http.on('upgrade', (request, stream, head) => {
      this.upgrade(request, stream as Socket, head)
    })
    this.sockets.on('headers', (headers) => headers.push(`${MARK}: 1`))
  }

  /** Once: where the worker finds the exchange. */
  async listen(): Promise<Addresses> {
    this.http.listen(0, HOST)
    await once(this.http, 'listening')
    const { port } = this.http.address() as AddressInfo
    const { pathname } = new URL(this.target.websocket_url)
    return {
      websocket_url: `ws://${HOST}:${port}${pathname}`,
      rest_url: `http://${HOST}:${port}`,
    }
  }

  get connections(): number {
    return this.passages.size
  }

  /** From now on every frame of the exchange goes through `bend`. Returns what ends that. */
  bend(bend: Bend): () => void {
    this.bends.add(bend)
    return () => this.bends.delete(bend)
  }

  /** How often the worker asked for that market by name. */
  asked(market: string): number {
    return this.said.filter((raw) => raw.includes(`"${market}"`) && !raw.includes('unsub')).length
  }

  /** The same for what the worker says. */
  bendRequests(bend: Bend): () => void {
    this.asks.add(bend)
    return () => this.asks.delete(bend)
  }

  /**
   * The next change of that market (in the exchange's spelling) that `admits` becomes what `change`
   * makes of it. Resolves with the moment: our wall clock, ms.
   */
  once(
    market: string,
    change: (raw: string) => readonly string[],
    admits: (book: WireMessage) => boolean = () => true,
  ): Promise<number> {
    return new Promise((resolve) => {
      const end = this.bend((raw, book) => {
        if (book === undefined || book.whole || book.symbol !== market || !admits(book))
          return [raw]
        end()
        resolve(Date.now())
        return change(raw)
      })
    })
  }

  /** Says that on every connection, as if the exchange had. */
  say(raw: string): void {
    for (const passage of this.passages) passage.client.send(raw)
  }

  /** Bytes that are no frame, perhaps. */
  write(bytes: Buffer): void {
    for (const { stream } of this.passages) stream.write(bytes)
  }

  reset(): void {
    for (const { stream } of this.passages) stream.resetAndDestroy()
  }

  /** The exchange closes every connection in order. */
  close(code: number): void {
    for (const { client } of this.passages) client.close(code)
  }

  /** On the connections that there are nothing passes any more, and nobody is told. */
  swallow(): void {
    for (const passage of this.passages) passage.swallowed = true
  }

  /** Whatever the exchange says comes so much later. 0: what waits comes now. */
  delay(delay_ms: number): void {
    this.delay_ms = delay_ms
    if (delay_ms === 0) for (const passage of this.passages) passage.flush()
  }

  /** Null: everybody may connect again. */
  refuse(answer: HttpAnswer | null): void {
    this.refusal = answer
  }

  /** Null: REST works again. */
  failRest(fault: RestFault | null): void {
    this.rest_fault = fault
  }

  async stop(): Promise<void> {
    for (const passage of this.passages) passage.end()
    const closed = once(this.http, 'close')
    this.http.close()
    this.http.closeAllConnections()
    await closed
  }

  private upgrade(request: IncomingMessage, stream: Socket, head: Buffer): void {
    const path = request.url ?? '/'
    const asked: Asked = { path, at_ms: performance.now(), status: 0 }
    this.handshakes.push(asked)
    stream.on('error', () => stream.destroy())
    const refuse = (answer: HttpAnswer) => {
      asked.status = answer.status
      stream.end(refusalText(answer))
    }
    if (this.refusal !== null) {
      refuse(this.refusal)
      return
    }
    const url = new URL(path, this.target.websocket_url)
    const options = { perMessageDeflate: false, autoPong: false }
    const upstream = new WebSocket(url, options)
    upstream.on('error', () => stream.destroy())
    upstream.on('unexpected-response', (_request, response) => {
      const retry_after = response.headers['retry-after']
      const headers = retry_after === undefined ? {} : { 'retry-after': retry_after }
      refuse({ status: response.statusCode ?? 502, headers })
    })
    upstream.on('open', () => {
      asked.status = 101
      this.sockets.handleUpgrade(request, stream, head, (client) => {
        this.join(client, upstream, stream)
      })
    })
  }

  private join(client: WebSocket, upstream: WebSocket, stream: Socket): void {
    const passage = new Passage(client, upstream, stream, () => this.passages.delete(passage))
    this.passages.add(passage)
    client.on('message', (data) => {
      this.said.push(data.toString())
      for (const text of bent(this.exchange, this.asks, data))
        passage.ask(() => upstream.send(text))
    })
    upstream.on('message', (data) => {
      for (const text of bent(this.exchange, this.bends, data)) {
        passage.tell(this.delay_ms, () => client.send(text))
      }
    })
    client.on('ping', (payload) => passage.ask(() => upstream.ping(payload)))
    client.on('pong', (payload) => passage.ask(() => upstream.pong(payload)))
    upstream.on('ping', (payload) => passage.tell(this.delay_ms, () => client.ping(payload)))
    upstream.on('pong', (payload) => passage.tell(this.delay_ms, () => client.pong(payload)))
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/'
    const asked: Asked = { path, at_ms: performance.now(), status: 0 }
    this.requests.push(asked)
    const fault = this.rest_fault?.(path)
    if (fault !== undefined && 'delay_ms' in fault) await sleep(fault.delay_ms)
    const answer = fault !== undefined && 'status' in fault ? fault : await this.fetch(path)
    asked.status = answer.status
    if (response.destroyed) return
    response.writeHead(answer.status, answer.headers)
    response.end(answer.body)
  }

  /** The exchange's own answer. */
  async fetch(path: string): Promise<HttpAnswer> {
    try {
      const response = await fetch(this.target.rest_url + path)
      const headers = PASSED_HEADERS.flatMap((name) => {
        const value = response.headers.get(name)
        return value === null ? [] : [[name, value] as const]
      })
      const body = await response.text()
      return { status: response.status, headers: Object.fromEntries(headers), body }
    } catch {
      return { status: 502 }
    }
  }
}

function bent(exchange: string, bends: ReadonlySet<Bend>, data: RawData): string[] {
  let frames = [data.toString()]
  for (const bend of bends) {
    frames = frames.flatMap((raw) => [...bend(raw, readFrame(exchange, raw))])
  }
  return frames
}

function refusalText({ status, headers = {} }: HttpAnswer): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} Refused\r\n${lines.join('')}content-length: 0\r\nconnection: close\r\n\r\n`
}
