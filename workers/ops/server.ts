/**
 * The operator's HTTP endpoints: /health, /live, /ready, /metrics and, with the operator's token,
 * /books, /books/{exchange}/{market} and /queues. It listens at once, before anything else is up, and
 * answers from what is known already: but for /queues it never waits for a store.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Clock, timestamp } from '../../shared/clock.ts'
import type { Health } from '../../shared/health.ts'
import type { Log } from '../../shared/log.ts'
import { problem } from '../../shared/problem.ts'
import type { BookView } from './books.ts'
import type { Operator } from './operator.ts'
import { QUEUES_PATH, type QueuePage } from './queues.ts'

export interface OpsServerOptions {
  /** 0 takes a free one */
  readonly port: number
  readonly clock: Clock
  readonly log: Log
  readonly health: () => Health
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>
  /** absent: no operator's token is set, and nobody sees what only the operator may */
  readonly restricted?: Restricted | undefined
}

interface Restricted {
  readonly operator: Operator
  readonly books: BookView
  readonly queues: Pick<QueuePage, 'serve'>
}

export interface OpsServer {
  readonly port: number
  /** for what is served beside these endpoints on the same port */
  readonly http: Server
  readonly close: () => Promise<void>
}

/** A loop that takes so long for one turn is stuck. */
const LOOP_STUCK_MS = 5_000

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

/** @throws (rejects) when the port cannot be had. */
export async function startOpsServer(options: OpsServerOptions): Promise<OpsServer> {
  const server = createServer((request, response) => {
    answer(request, response, options)
      .catch((error: unknown) => broken(request, response, error, options.log))
      .then((found) => found !== null && send(request, response, found))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    // No host: both address families, as Railway's network asks for IPv6.
    server.listen(options.port, () => {
      server.off('error', reject)
      resolve()
    })
  })
  // One connection that cannot be taken, for want of descriptors say, must not end the process.
  server.on('error', (error) => options.log.error('a connection could not be taken', { error }))
  return {
    port: (server.address() as AddressInfo).port,
    http: server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Null: it has been answered. */
async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { health, metrics, clock, restricted }: OpsServerOptions,
): Promise<Answer | null> {
  const path = pathOf(request)
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    const refusal = failure(405, 'method_not_allowed', 'Only GET is served here.', path)
    return { ...refusal, headers: { allow: 'GET, HEAD' } }
  }
  switch (path) {
    case '/health':
      return json(200, health())
    case '/live': {
      const turn_ms = Math.round(await turnOfLoop(clock))
      const alive = turn_ms < LOOP_STUCK_MS
      return json(alive ? 200 : 503, { alive, turn_ms, timestamp: timestamp(clock.wall_ms()) })
    }
    case '/ready': {
      const readiness = readinessOf(health())
      return json(readiness.ready ? 200 : 503, readiness)
    }
    case '/metrics': {
      const { type, text } = await metrics()
      return { status: 200, type, body: text }
    }
    default:
      if (isUnder('/books', path) || isUnder(QUEUES_PATH, path)) {
        return restrictedAnswer(path, request, response, restricted)
      }
      return failure(404, 'not_found', 'Here are /health, /live, /ready and /metrics.', path)
  }
}

/** What broke is the operator's to read, and may hold an address: whoever asked hears only that. */
function broken(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  log: Log,
): Answer | null {
  const path = pathOf(request)
  log.error('a request could not be answered', { path, error })
  if (!response.headersSent) return failure(500, 'internal', 'Something broke on our side.', path)
  // half of an answer must not look like a whole one
  response.destroy()
  return null
}

function pathOf({ url }: IncomingMessage): string {
  return (url ?? '/').split('?')[0] ?? '/'
}

/** How long the event loop takes for one whole turn, beginning now. */
async function turnOfLoop(clock: Clock): Promise<number> {
  const started_ms = clock.monotonic_ms()
  await new Promise((resolve) => setImmediate(() => setTimeout(resolve, 0)))
  return clock.monotonic_ms() - started_ms
}

const isUnder = (root: string, path: string) => path === root || path.startsWith(`${root}/`)

async function restrictedAnswer(
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  restricted?: Restricted,
): Promise<Answer | null> {
  if (restricted === undefined) return failure(404, 'not_found', 'ADMIN_TOKEN is not set.', path)
  const is_page = isUnder(QUEUES_PATH, path)
  const refused = restricted.operator.refuses(request)
  if (refused?.kind === 'rate_limited') {
    const refusal = failure(429, 'rate_limited', 'Too many wrong tokens.', path)
    return { ...refusal, headers: { 'retry-after': String(refused.wait_s) } }
  }
  if (refused !== null) {
    const refusal = failure(401, 'unauthorized', "The operator's token is needed.", path)
    // a browser asks for the token by itself only when it is asked for a password
    const challenge = is_page ? 'Basic realm="Spreadwire", charset="UTF-8"' : 'Bearer'
    return { ...refusal, headers: { 'www-authenticate': challenge } }
  }
  if (!is_page) return bookAnswer(path, restricted.books)
  await restricted.queues.serve(request, response)
  return null
}

function bookAnswer(path: string, books: BookView): Answer {
  if (path === '/books') return json(200, books.list())
  const [exchange = '', market = ''] = path.split('/').slice(2).map(decoded)
  const book = books.show(exchange, market)
  if (book !== undefined) return json(200, book)
  return failure(404, 'not_found', `No market ${market} of ${exchange} is watched.`, path)
}

/** Empty when it is not valid percent-encoding. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return ''
  }
}

/** Ready: Redis takes writes and at least one exchange is live. Standbys are ready too. */
function readinessOf(health: Health): { ready: boolean; missing: string[] } {
  const live = Object.values(health.exchanges).some((exchange) => exchange.books_live > 0)
  const missing = [
    ...(health.redis.ok ? [] : ['redis']),
    ...(live ? [] : ['an exchange with a live book']),
  ]
  return { ready: missing.length === 0, missing }
}

function json(status: number, value: unknown): Answer {
  return { status, type: 'application/json', body: JSON.stringify(value) }
}

function failure(
  status: number,
  type: Parameters<typeof problem>[0],
  detail: string,
  path: string,
): Answer {
  const body = JSON.stringify(problem(type, detail, path))
  return { status, type: 'application/problem+json', body }
}

function send(request: IncomingMessage, response: ServerResponse, found: Answer): void {
  response.writeHead(found.status, {
    'content-type': found.type,
    'content-length': Buffer.byteLength(found.body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    ...found.headers,
  })
  response.end(request.method === 'HEAD' ? undefined : found.body)
}
