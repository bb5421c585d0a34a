/**
 * A small HTTP server that serves the built page under the edge's security policy, and says what a
 * test scripts: real JSON answers and real event-stream frames, which it can also cut off.
 */
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import type { Event } from '../../../shared/event.ts'
import type { EdgeHealth, ExchangeStatus } from '../../../shared/health.ts'
import type { NearMiss } from '../../../shared/near-miss.ts'
import type { Opportunity } from '../../../shared/opportunity.ts'
import type { Spread } from '../../../shared/spread.ts'
import type { StatsAnswer } from '../../../shared/stats.ts'
import { health, stats } from './examples.ts'
import { ScriptedWebhooks } from './scripted-webhooks.ts'

/** As strict as the edge, and stricter: nothing at all from anywhere else. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'"

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

type Sent = { type: Event['type']; data: Opportunity | ExchangeStatus }

export class ScriptedEdge {
  opportunities: Opportunity[] = []
  exchanges: ExchangeStatus[] = []
  health: EdgeHealth = health()
  spreads: Spread[] = []
  near_misses: NearMiss[] = []
  past: Opportunity[] = []
  stats: StatsAnswer = stats([])
  readonly webhooks = new ScriptedWebhooks()
  /** path and query of every request for data, in order */
  readonly asked: string[] = []
  /** answered to a new reader of the stream instead of a stream */
  stream_status = 200
  /** `Retry-After` of a refused reader; null: not said */
  retry_after_seconds: number | null = null
  /** answered to whoever asks for a list */
  list_status = 200
  /** `Last-Event-ID` of every reader that came, in order */
  readonly resumed_from: (string | undefined)[] = []
  private readonly files: string
  private readonly server: Server
  private readonly readers = new Set<ServerResponse>()
  private readonly log: { id: string; frame: string }[] = []

  constructor(files: string) {
    this.files = files
    this.server = createServer((request, response) => void this.answer(request, response))
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.cut()
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }

  /** Sends an event to every reader and keeps it for those that resume. */
  send(event: Sent): void {
    const id = `1700000000000-${this.log.length + 1}`
    const body = { id, timestamp: new Date().toISOString(), ...event }
    const frame = `id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify(body)}\n\n`
    this.log.push({ id, frame })
    this.sendRaw(frame)
  }

  /** Sends text to every reader, and to nobody that resumes. */
  sendRaw(text: string): void {
    for (const reader of this.readers) reader.write(text)
  }

  reset(opportunities: Opportunity[]): void {
    this.sendRaw(`event: reset\ndata: ${JSON.stringify({ data: opportunities })}\n\n`)
  }

  /** Drops every reader without a farewell. */
  cut(): void {
    for (const reader of this.readers) reader.destroy()
    this.readers.clear()
  }

  /** Resolves when what was sent is out of this process. */
  async flushed(): Promise<void> {
    await Promise.all(
      [...this.readers].map((reader) => new Promise((resolve) => reader.write(':\n', resolve))),
    )
  }

  readersNow(): number {
    return this.readers.size
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://edge')
    if (pathname.startsWith('/v1/')) this.asked.push(request.url ?? '')
    if (pathname.startsWith('/v1/webhooks')) return this.webhooks.answer(request, response)
    if (pathname === '/v1/stream') return this.stream(request, response)
    // as many as are asked for, or a hundred, as the edge lists them
    const limit = Number(searchParams.get('limit') ?? 100)
    if (pathname === '/v1/opportunities') {
      return this.list(response, this.opportunities.slice(0, limit))
    }
    if (pathname === '/v1/exchanges') return this.list(response, this.exchanges)
    if (pathname === '/v1/near-misses') return this.list(response, this.near_misses)
    if (pathname === '/v1/spreads') return this.spread(response, searchParams.get('symbol'))
    if (pathname === '/v1/stats') return this.say(response, this.stats)
    if (pathname === '/v1/history') return this.history(response, searchParams)
    if (pathname.startsWith('/v1/opportunities/')) return this.one(response, pathname)
    if (pathname === '/health') {
      const body = { ...this.health, timestamp: new Date().toISOString() }
      return json(response, body.worker.alive ? 200 : 503, body)
    }
    // Like the assets of the edge: what is no file is the page, which finds its own way.
    const path = normalize(extname(pathname) === '' ? '/index.html' : pathname)
    const file = await readFile(join(this.files, path)).catch(() => null)
    if (file === null) return json(response, 404, { title: 'There is nothing here' })
    response.writeHead(200, {
      'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
      'content-security-policy': POLICY,
      'x-content-type-options': 'nosniff',
    })
    response.end(file)
  }

  private list(response: ServerResponse, data: unknown[]): void {
    this.say(response, { data })
  }

  private say(response: ServerResponse, body: unknown): void {
    json(response, this.list_status, this.list_status === 200 ? body : { title: 'Broken' })
  }

  private spread(response: ServerResponse, symbol: string | null): void {
    const found = this.spreads.filter((one) => symbol === null || one.symbol === symbol)
    const is_missing = symbol !== null && found.length === 0
    if (is_missing) json(response, 404, { title: 'Nothing', detail: 'it is not watched' })
    else this.list(response, found)
  }

  private one(response: ServerResponse, pathname: string): void {
    const id = pathname.slice('/v1/opportunities/'.length)
    const found = [...this.opportunities, ...this.past].find((one) => one.id === id)
    if (found === undefined) json(response, 404, { title: 'Nothing', detail: 'no such' })
    else json(response, 200, found)
  }

  /** Pages of the length that is asked for; the cursor is where the next one begins. */
  private history(response: ServerResponse, query: URLSearchParams): void {
    const from = Number(query.get('cursor') ?? 0)
    const to = from + Number(query.get('limit') ?? 100)
    const next_cursor = to < this.past.length ? String(to) : null
    this.say(response, { data: this.past.slice(from, to), next_cursor })
  }

  private stream(request: IncomingMessage, response: ServerResponse): void {
    if (this.stream_status !== 200) {
      const { retry_after_seconds } = this
      if (retry_after_seconds !== null) response.setHeader('retry-after', retry_after_seconds)
      json(response, this.stream_status, { title: 'Broken' })
      return
    }
    const after = request.headers['last-event-id'] as string | undefined
    this.resumed_from.push(after)
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    // The position comes without data, as from the real edge. A test has no time to wait for 3 s.
    const last = this.log.at(-1)?.id ?? '1700000000000-0'
    response.write(`retry: 200\nid: ${after ?? last}\n\n`)
    const seen = this.log.findIndex(({ id }) => id === after)
    if (after !== undefined) for (const { frame } of this.log.slice(seen + 1)) response.write(frame)
    this.readers.add(response)
    response.on('close', () => this.readers.delete(response))
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}
