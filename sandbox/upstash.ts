/**
 * Upstash's REST API in front of a Redis on this machine, so that the unmodified `@upstash/redis`
 * works offline: commands in the body or the path, /pipeline, /multi-exec, /subscribe. It refuses
 * what Upstash refuses over REST. It has one token and no read-only one, answers JSON only (and
 * refuses `Upstash-Response-Format: resp2`), and a script that fails keeps the writes it made, as in Redis.
 * https://upstash.com/docs/redis/features/restapi
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Gateway, readBody, sendJson, serve } from './gateway-http.ts'
import { RespClient } from './resp-client.ts'
import { commandFromBody, commandFromPath, commandsFromBody } from './upstash-command.ts'
import {
  type Answer,
  type Database,
  refused,
  runCommand,
  runPipeline,
  runTransaction,
  unavailable,
} from './upstash-execute.ts'
import { Scripts } from './upstash-scripts.ts'
import { streamMessages } from './upstash-subscribe.ts'

/** https://upstash.com/docs/redis/overall/pricing ("Max Request Size") */
const MAX_REQUEST_BYTES = 10 * 1024 * 1024
const METHODS = new Set(['HEAD', 'GET', 'POST', 'PUT'])

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
    const url = new URL(`http://gateway${request.url}`)
    const read = await readBody(request, MAX_REQUEST_BYTES)
    if (tokenOf(request, url) !== token) return send(UNAUTHORIZED)
    if ('too_large_bytes' in read) return send(tooLarge(read.too_large_bytes))
    const format = request.headers['upstash-response-format'] ?? 'json'
    if (format !== 'json') return send(refused(`ERR response format is not served here: ${format}`))
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
  if (segments.length > 0) {
    return await runCommand(database, commandFromPath(segments, body, query), base64)
  }
  const parsed = commandFromBody(body)
  if ('refused' in parsed) return refused(parsed.refused)
  return await runCommand(database, parsed.value, base64)
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

function tooLarge(bytes: number): Answer {
  return refused(
    `ERR max request size exceeded. Limit: ${MAX_REQUEST_BYTES} bytes, Actual: ${bytes} bytes`,
  )
}
