/**
 * Neon's HTTP SQL API in front of a PostgreSQL on this machine, so that the unmodified
 * `@neondatabase/serverless` works offline: `POST /sql` with one query or a batch, and the WebSocket
 * tunnel `/v2`. User, password and database come with each request and PostgreSQL checks them; host
 * and port in it are ignored. It does not stream results and knows no JWT authentication.
 * Use: `neonConfig.fetchEndpoint = url + '/sql'`; for Pool `neonConfig.wsProxy = host + '/v2'`,
 * `useSecureWebSocket = false`, `pipelineConnect = false`.
 */

import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { reasonOf } from './failure.ts'
import { type Gateway, readBody, sendJson, serve } from './gateway-http.ts'
import { failure, type NeonFailure } from './neon-error.ts'
import { type Output, Pools, type QueryResult, runQuery, runTransaction } from './neon-query.ts'
import { tunnelToPostgres } from './neon-websocket.ts'

/** https://neon.com/docs/serverless/serverless-driver ("maximum request size and response size") */
const MAX_BYTES = 64 * 1024 * 1024

const Query = z.object({
  query: z.string(),
  params: z.array(z.unknown()).optional(),
  arrayMode: z.boolean().optional(),
})
const Payload = z.union([Query, z.object({ queries: z.array(Query) })])
type Payload = z.infer<typeof Payload>

const ISOLATION_LEVELS = new Map([
  ['ReadUncommitted', 'ISOLATION LEVEL READ UNCOMMITTED'],
  ['ReadCommitted', 'ISOLATION LEVEL READ COMMITTED'],
  ['RepeatableRead', 'ISOLATION LEVEL REPEATABLE READ'],
  ['Serializable', 'ISOLATION LEVEL SERIALIZABLE'],
])

/** `url` is the origin: queries go to `${url}/sql`. */
export async function startNeonGateway(options: {
  database_url: string
  port?: number
  host?: string
}): Promise<Gateway> {
  const { database_url, port = 0, host = '127.0.0.1' } = options
  const pools = new Pools(database_url)

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const read = await readBody(request, MAX_BYTES)
    const path = new URL(`http://gateway${request.url}`).pathname
    if (request.method !== 'POST' || path !== '/sql') {
      return sendJson(response, 400, JSON.stringify('query is not supported'))
    }
    const outcome =
      'too_large_bytes' in read
        ? { failure: failure(413, `request is too large (max is ${MAX_BYTES} bytes)`) }
        : await answer(pools, request.headers, read.body)
    if ('failure' in outcome) {
      const { status, body } = outcome.failure
      return sendJson(response, status, JSON.stringify(body))
    }
    const json = JSON.stringify(outcome.value)
    if (Buffer.byteLength(json) <= MAX_BYTES) return sendJson(response, 200, json)
    const { status, body } = failure(507, `response is too large (max is ${MAX_BYTES} bytes)`)
    sendJson(response, status, JSON.stringify(body))
  }

  const { server, url, close } = await serve(handle, { port, host })
  const endTunnels = tunnelToPostgres(server, database_url)
  return {
    url,
    async close() {
      endTunnels()
      await close()
      await pools.close()
    },
  }
}

async function answer(
  pools: Pools,
  headers: IncomingHttpHeaders,
  body: Buffer,
): Promise<{ value: QueryResult | { results: QueryResult[] } } | { failure: NeonFailure }> {
  const connection_url = connectionUrl(headers)
  if ('failure' in connection_url) return connection_url
  const modes = transactionModes(headers)
  if (!modes) return { failure: failure(400, 'invalid isolation level') }
  const payload = parsePayload(body)
  if ('failure' in payload) return payload
  const output: Output = {
    raw_text: headers['neon-raw-text-output'] === 'true',
    array_mode: headers['neon-array-mode'] === 'true',
  }
  return await pools.with(connection_url.value, async (client) => {
    if ('query' in payload.value) return await runQuery(client, payload.value, output)
    return { results: await runTransaction(client, payload.value.queries, modes, output) }
  })
}

function connectionUrl(headers: IncomingHttpHeaders): { value: URL } | { failure: NeonFailure } {
  const header = headers['neon-connection-string']
  if (typeof header !== 'string') {
    return { failure: failure(400, 'invalid header: neon-connection-string') }
  }
  const refuse = (reason: string) => ({
    failure: failure(400, `invalid connection string: ${reason}`),
  })
  const url = URL.parse(header)
  if (!url) return refuse('not a URL')
  if (!/^postgres(ql)?:$/.test(url.protocol)) return refuse('incorrect scheme')
  if (!url.username) return refuse('missing username')
  if (!url.password) return { failure: failure(400, 'required password not specified') }
  if (url.pathname.length < 2) return refuse('missing database name')
  return { value: url }
}

/** What comes after START TRANSACTION, or undefined for an isolation level that does not exist. */
function transactionModes(headers: IncomingHttpHeaders): string[] | undefined {
  const modes: string[] = []
  const level = headers['neon-batch-isolation-level']
  if (level !== undefined) {
    const mode = ISOLATION_LEVELS.get(String(level))
    if (!mode) return undefined
    modes.push(mode)
  }
  if (headers['neon-batch-read-only'] === 'true') modes.push('READ ONLY')
  if (headers['neon-batch-deferrable'] === 'true') modes.push('DEFERRABLE')
  return modes
}

function parsePayload(body: Buffer): { value: Payload } | { failure: NeonFailure } {
  try {
    const parsed = Payload.safeParse(JSON.parse(body.toString()))
    if (parsed.success) return { value: parsed.data }
    return { failure: failure(400, 'could not parse the HTTP request body: no query in it') }
  } catch (error) {
    const reason = reasonOf(error)
    return { failure: failure(400, `could not parse the HTTP request body: ${reason}`) }
  }
}
