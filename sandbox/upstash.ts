/**
 * Upstash's REST API in front of a Redis on this machine, so that the unmodified `@upstash/redis`
 * works offline: commands in the body or the path, /pipeline, /multi-exec, /subscribe. It refuses
 * what Upstash refuses over REST. It has one token and no read-only one, answers JSON only (no
 * `Upstash-Response-Format: resp2`), and a script that fails keeps the writes it made, as in Redis.
 * https://upstash.com/docs/redis/features/restapi
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Gateway, readBody, sendJson, serve } from './gateway-http.ts'
import { type Command, isError, type Reply } from './resp.ts'
import { type Outcome, RespClient } from './resp-client.ts'
import {
  commandFromBody,
  commandFromPath,
  commandsFromBody,
  type Parsed,
  refusal,
} from './upstash-command.ts'
import { answer } from './upstash-reply.ts'
import { Scripts } from './upstash-scripts.ts'
import { streamMessages } from './upstash-subscribe.ts'

/** https://upstash.com/docs/redis/overall/pricing ("Max Request Size") */
const MAX_REQUEST_BYTES = 10 * 1024 * 1024
const METHODS = new Set(['HEAD', 'GET', 'POST', 'PUT'])

interface Answer {
  readonly status: number
  readonly body: unknown
}

interface Database {
  readonly client: RespClient
  readonly scripts: Scripts
}

/** `url` and `token` are what `UPSTASH_REDIS_REST_URL` and `UPSTASH_REDIS_REST_TOKEN` hold. */
export async function startUpstashGateway(options: {
  redis_url: string
  token: string
  port?: number
  host?: string
}): Promise<Gateway> {
  const { redis_url, token, port = 0, host = '127.0.0.1' } = options
  const database: Database = { client: new RespClient(redis_url), scripts: new Scripts() }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const send = ({ status, body }: Answer) => sendJson(response, status, JSON.stringify(body))
    if (!METHODS.has(request.method ?? '')) return void response.writeHead(405).end()
    const url = new URL(request.url ?? '/', 'http://gateway')
    const read = await readBody(request, MAX_REQUEST_BYTES)
    if (tokenOf(request, url) !== token) return send(UNAUTHORIZED)
    if ('too_large_bytes' in read) return send(tooLarge(read.too_large_bytes))
    const segments = pathSegments(url)
    if (!segments) return send(refused('ERR invalid path'))
    const [endpoint, ...rest] = segments
    const subscribe = subscribeCommand(endpoint)
    if (!subscribe) {
      const base64 = request.headers['upstash-encoding'] === 'base64'
      return send(await execute(database, segments, read.body, url.searchParams, base64))
    }
    if (rest.length === 0) {
      return send(refused(`ERR wrong number of arguments for '${endpoint}' command`))
    }
    const failure = await streamMessages(redis_url, subscribe, rest, response)
    if (failure) send(unavailable(failure.unreachable))
  }

  const { url, close } = await serve(handle, { port, host })
  return {
    url,
    async close() {
      await close()
      await database.client.close()
    },
  }
}

async function execute(
  database: Database,
  segments: readonly string[],
  body: Buffer,
  query: URLSearchParams,
  base64: boolean,
): Promise<Answer> {
  const endpoint = segments.length === 1 ? segments[0]?.toLowerCase() : undefined
  if (endpoint === 'pipeline' || endpoint === 'multi-exec') {
    const parsed = commandsFromBody(body)
    if ('refused' in parsed) return refused(parsed.refused)
    const run = endpoint === 'pipeline' ? runPipeline : runTransaction
    return await run(database, parsed.value, base64)
  }
  const parsed: Parsed<Command> =
    segments.length === 0
      ? commandFromBody(body)
      : { value: commandFromPath(segments, body, query) }
  if ('refused' in parsed) return refused(parsed.refused)
  const reason = refusal(parsed.value)
  if (reason) return refused(reason)
  const outcome = await sendTranslated(database, [parsed.value])
  if ('unreachable' in outcome) return unavailable(outcome.unreachable)
  const [reply = null] = outcome.replies
  return { status: isError(reply) ? 400 : 200, body: answer(reply, base64) }
}

/** Each command has its own answer; a refused one does not keep the others from running. */
async function runPipeline(
  database: Database,
  commands: readonly Command[],
  base64: boolean,
): Promise<Answer> {
  const outcome = await sendTranslated(
    database,
    commands.filter((command) => !refusal(command)),
  )
  if ('unreachable' in outcome) return unavailable(outcome.unreachable)
  const replies = outcome.replies.values()
  const body = commands.map((command) => {
    const reason = refusal(command)
    return reason ? { error: reason } : answer(replies.next().value ?? null, base64)
  })
  return { status: 200, body }
}

/** All commands run with nothing between them, or, when one cannot be queued, none of them. */
async function runTransaction(
  database: Database,
  commands: readonly Command[],
  base64: boolean,
): Promise<Answer> {
  const reason = commands.map(refusal).find((text) => text !== undefined)
  if (reason) return refused(reason)
  const outcome = await sendTranslated(database, commands, { atomic: true })
  if ('unreachable' in outcome) return unavailable(outcome.unreachable)
  const queueing_error = outcome.replies.find(isError)
  if (queueing_error && outcome.discarded) return refused(queueing_error.message)
  return { status: 200, body: outcome.replies.map((reply) => answer(reply, base64)) }
}

/** Scripts are translated on the way in, and the SHA1s they show on the way out. */
async function sendTranslated(
  { client, scripts }: Database,
  commands: readonly Command[],
  { atomic = false } = {},
): Promise<Outcome & { discarded?: boolean }> {
  const translated = commands.map((command) => scripts.translate(command))
  const plain = translated.map(({ command }) => command)
  const outcome = await client.send(atomic ? [['MULTI'], ...plain, ['EXEC']] : plain)
  if ('unreachable' in outcome) return outcome
  const executed = outcome.replies.at(-1)
  if (atomic && !Array.isArray(executed)) return { replies: outcome.replies, discarded: true }
  const replies = atomic && Array.isArray(executed) ? executed : outcome.replies
  return {
    replies: replies.map((reply: Reply, index) => translated[index]?.reply?.(reply) ?? reply),
  }
}

/** `?_token=` goes before the header, which may carry the token with or without "Bearer". */
function tokenOf(request: IncomingMessage, url: URL): string | undefined {
  const header = request.headers.authorization?.replace(/^bearer\s+/i, '')
  return url.searchParams.get('_token') ?? header
}

function pathSegments(url: URL): string[] | undefined {
  const path = url.pathname.replace(/^\/|\/$/g, '')
  try {
    return path === '' ? [] : path.split('/').map(decodeURIComponent)
  } catch {
    return undefined
  }
}

function subscribeCommand(endpoint: string | undefined): 'SUBSCRIBE' | 'PSUBSCRIBE' | undefined {
  const name = endpoint?.toUpperCase()
  return name === 'SUBSCRIBE' || name === 'PSUBSCRIBE' ? name : undefined
}

/** https://upstash.com/docs/redis/troubleshooting/http_unauthorized */
const UNAUTHORIZED: Answer = {
  status: 401,
  body: {
    error:
      'WRONGPASS invalid or missing auth token. See https://docs.upstash.com/redis/troubleshooting/http_unauthorized for details.',
  },
}

function refused(error: string): Answer {
  return { status: 400, body: { error } }
}

function tooLarge(bytes: number): Answer {
  return refused(
    `ERR max request size exceeded. Limit: ${MAX_REQUEST_BYTES} bytes, Actual: ${bytes} bytes`,
  )
}

function unavailable(reason: string): Answer {
  return { status: 503, body: { error: `ERR Redis is not reachable: ${reason}` } }
}
