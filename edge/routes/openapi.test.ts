/**
 * Holds openapi.json to the app: every response that it describes is provoked in a real workerd, and
 * is what it says. A new response that nobody provokes here fails.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashKey } from '../../shared/api-key.ts'
import { KEYS, workerKey } from '../../shared/keys.ts'
import { beat, fill } from '../testing/filled.ts'
import { insertKey } from '../testing/keys.ts'
import { OpenApi, type Operation } from '../testing/openapi.ts'
import { type Stack, startStack } from '../testing/stack.ts'

const ADMIN_TOKEN = 'the-operators-own-token'
const DAY = 'from=2026-10-01T00:00:00Z&to=2026-10-02T00:00:00Z'

let stack: Stack
let openapi: OpenApi
let opportunity_id = ''
beforeAll(async () => {
  stack = await startStack({ ADMIN_TOKEN })
  const { live } = await fill(stack)
  opportunity_id = live[0]?.id ?? ''
  openapi = await OpenApi.of(stack.url)
})
afterAll(() => stack?.stop())

/** Described, and not provoked here, with the reason. */
const UNPROVOKED: Readonly<Record<string, string>> = {
  'PATCH /v1/webhooks/{id} 409':
    'two changes at the same moment, which webhooks.test.ts makes meet',
}

type Provoke = () => Promise<Response>
type Provoked = Readonly<Record<number, Provoke>>

let addresses = 0
/** Each with an address of its own, so that no failure counts against another. */
function send(address: string, init: RequestInit = {}): Promise<Response> {
  const own = { 'cf-connecting-ip': `198.51.100.${addresses++ % 250}` }
  return fetch(`${stack.url}${address}`, { ...init, headers: { ...own, ...init.headers } })
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const json = { 'content-type': 'application/json' }

const scopeOf = ({ security }: Operation) => security?.flatMap(Object.values).flat()[0] ?? 'read'
const isPublic = ({ path }: Operation) => !path.startsWith('/v1/')

/** An address that finds something, where the path alone does not. */
const ADDRESSES: Readonly<Record<string, () => Promise<string>>> = {
  '/v1/opportunities': async () => '/v1/opportunities?limit=1000',
  '/v1/opportunities/{id}': async () => `/v1/opportunities/${opportunity_id}`,
  '/v1/exchanges/{id}': async () => '/v1/exchanges/kraken',
  '/v1/stats': async () => `/v1/stats?${DAY}&by=symbol,exchanges,type,hour`,
  '/v1/spreads': async () => '/v1/spreads?symbol=BTC/USDT',
  '/v1/keys/{id}': () => made('/v1/keys'),
}
async function addressOf({ path }: Operation): Promise<string> {
  const address = await ADDRESSES[path]?.()
  if (address !== undefined || !path.startsWith('/v1/webhooks/{id}')) return address ?? path
  return path.replace('/v1/webhooks/{id}', await made('/v1/webhooks'))
}

/** A body that is accepted, for whatever takes one. */
const BODIES: Readonly<Record<string, object>> = {
  'POST /v1/keys': { name: 'ours', scopes: ['read'], streams: 3 },
  'POST /v1/webhooks': { url: 'https://example.com/hook', filters: { symbol: 'BTC/USDT' } },
  'PATCH /v1/webhooks/{id}': { min_interval_ms: 1_000 },
  'POST /v1/webhooks/{id}/replay': { missed: true },
}
const bodyOf = ({ id }: Operation) => (id in BODIES ? JSON.stringify(BODIES[id]) : '')

/** The path of a new one. */
async function made(path: '/v1/keys' | '/v1/webhooks'): Promise<string> {
  const body = JSON.stringify(BODIES[`POST ${path}`])
  const init = { method: 'POST', headers: { ...json, ...bearer(ADMIN_TOKEN) }, body }
  return (await send(path, init)).headers.get('location') ?? ''
}

/** As somebody who may. */
async function allowed(operation: Operation, init: RequestInit = {}, address?: string) {
  const { method, requestBody } = operation
  const body = requestBody === undefined ? {} : { body: bodyOf(operation) }
  const type = requestBody === undefined ? {} : json
  const token = scopeOf(operation) === 'read' ? {} : bearer(ADMIN_TOKEN)
  const headers = { ...type, ...token, ...init.headers }
  return send(address ?? (await addressOf(operation)), { method, ...body, ...init, headers })
}

/** How any operation is answered so. */
function general(operation: Operation): Provoked {
  const { method } = operation
  const as = async (token: string) =>
    send(await addressOf(operation), { method, headers: bearer(token) })
  const key = async (scopes: string[], limits: { requests_per_minute?: number } = {}) =>
    (await insertKey(stack.pool, { scopes, ...limits })).key
  return {
    200: () => allowed(operation),
    201: () => allowed(operation),
    202: () => allowed(operation),
    204: () => allowed(operation),
    304: async () => {
      const first = await allowed(operation)
      await first.arrayBuffer()
      return allowed(operation, { headers: { 'if-none-match': first.headers.get('etag') ?? '' } })
    },
    400: async () => allowed(operation, {}, `${(await addressOf(operation)).split('?')[0]}?no=1`),
    401: () => as('nonsense'),
    403: async () => as(await key([scopeOf(operation) === 'read' ? 'webhooks' : 'read'])),
    404: () => allowed(operation, {}, operation.path.replace('{id}', 'of_nobody')),
    409: async () => {
      const name = crypto.randomUUID()
      const address = await addressOf(operation)
      const asked = `${method} ${stack.url}${address}\n${bodyOf(operation)}`
      const lock = JSON.stringify({ request: await hashKey(asked), sealed: null })
      await stack.redis.set(`${KEYS.idempotency}operator:${await hashKey(name)}`, lock)
      return allowed(operation, { headers: { 'idempotency-key': name } }, address)
    },
    413: () => allowed(operation, { body: JSON.stringify({ name: 'x'.repeat(100_000) }) }),
    422: async () => {
      const headers = { 'idempotency-key': crypto.randomUUID() }
      const address = await addressOf(operation)
      await allowed(operation, { headers }, address)
      return allowed(operation, { headers, body: '{"another":"body"}' }, address)
    },
    429: async () => {
      const token = await key([scopeOf(operation)], { requests_per_minute: 1 })
      await (await as(token)).body?.cancel()
      return as(token)
    },
  }
}

const noWorker: Provoke = () => stack.redis.del(workerKey('worker-1')).then(() => send('/health'))
const SPECIAL: Readonly<Record<string, Provoked>> = {
  'GET /v1/spreads': { 404: () => send('/v1/spreads?symbol=NOT/THERE') },
  'GET /health': { 503: noWorker },
  'GET /ready': { 503: () => noWorker().then(() => send('/ready')) },
}

/** Which store an operation cannot do without. */
const IN_POSTGRES = /^\/v1\/(history|stats|keys|webhooks)/

describe('openapi.json', () => {
  // first: a hub of the stream that runs already serves without Redis for a while
  it('describes what is answered while a store is away', async () => {
    for (const store of ['redis', 'postgres']) {
      const needing = openapi.operations.filter(
        (one) => !isPublic(one) && IN_POSTGRES.test(one.path) === (store === 'postgres'),
      )
      expect(needing.length).toBeGreaterThan(4)
      const addresses = await Promise.all(
        needing.map((one) => (one.path === '/v1/opportunities/{id}' ? undefined : addressOf(one))),
      )
      await (store === 'redis' ? stack.closeUpstash() : stack.closeNeon())
      try {
        for (const [i, operation] of needing.entries()) {
          const response = await allowed(operation, {}, addresses[i] ?? '/v1/opportunities/opp_x')
          expect(response.status, operation.id).toBe(503)
          await openapi.check(operation, response, operation.id)
        }
      } finally {
        await (store === 'redis' ? stack.openUpstash() : stack.openNeon())
      }
    }
  })

  it('describes every other answer that can be provoked, and no other', async () => {
    const unprovoked: string[] = []
    for (const operation of openapi.operations) {
      const provoked = { ...general(operation), ...SPECIAL[operation.id] }
      for (const status of Object.keys(operation.responses).map(Number)) {
        const name = `${operation.id} ${status}`
        if (status === 503 && !isPublic(operation)) continue // above
        if (name in UNPROVOKED) continue
        const provoke = provoked[status]
        if (provoke === undefined) {
          unprovoked.push(name)
          continue
        }
        if (isPublic(operation)) await beat(stack.redis)
        const response = await provoke()
        expect(response.status, name).toBe(status)
        await openapi.check(operation, response, name)
      }
    }
    expect(unprovoked).toEqual([])
  })

  it('says of each answer how long it may be kept, and of what is private not at all', async () => {
    const brief = 'public, max-age=1, stale-while-revalidate=5'
    const summary = 'public, max-age=15, stale-while-revalidate=60'
    const kept: Readonly<Record<string, string>> = {
      ...{ '/v1/opportunities': brief, '/v1/opportunities/{id}': brief, '/v1/history': brief },
      ...{ '/v1/exchanges': brief, '/v1/exchanges/{id}': brief, '/v1/spreads': brief },
      ...{ '/v1/near-misses': brief, '/v1/markets': summary, '/v1/stats': summary },
      ...{ '/openapi.json': summary, '/asyncapi.json': summary },
      '/v1/stream': 'no-cache, no-transform',
    }
    for (const operation of openapi.operations) {
      if (isPublic(operation)) await beat(stack.redis)
      const response = await allowed(operation)
      await response.body?.cancel()
      expect(response.ok, operation.id).toBe(true)
      // without a body there is nothing to keep, and no cache keeps it by itself
      const control = response.headers.get('cache-control') ?? 'no-store'
      expect(control, operation.id).toBe(kept[operation.path] ?? 'no-store')
      expect(response.headers.has('etag'), operation.id).toBe(control.startsWith('public'))
    }
  })

  it('has a schema for each answer that says no to another body', () => {
    for (const { method, path, responses, id } of openapi.operations) {
      for (const [status, { content = {} }] of Object.entries(responses)) {
        for (const type of Object.keys(content).filter((one) => one.endsWith('json'))) {
          const where = ['paths', path, method.toLowerCase(), 'responses', status]
          const validate = openapi.validator([...where, 'content', type, 'schema'])
          expect(validate({ another: 'body' }), `${id} ${status}`).toBe(false)
        }
      }
    }
  })

  it('leaves no method of a path to chance: what it does not name is refused by name', async () => {
    const methods = Map.groupBy(openapi.operations, ({ path }) => path)
    const problem = openapi.validator(['components', 'schemas', 'Problem'])
    for (const [path, operations] of methods) {
      const served = operations.map(({ method }) => method)
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
        if (served.includes(method)) continue
        const headers = bearer(ADMIN_TOKEN)
        const response = await send(path.replace('{id}', 'x'), { method, headers })
        expect(response.status, `${method} ${path}`).toBe(405)
        const allow = served.flatMap((one) => (one === 'GET' ? ['GET', 'HEAD'] : [one]))
        const said = response.headers.get('allow')?.split(', ').sort()
        expect(said).toEqual([...allow, 'OPTIONS'].sort())
        const body: unknown = await response.json()
        expect(problem(body), JSON.stringify(problem.errors)).toBe(true)
      }
      const options = await send(path.replace('{id}', 'x'), { method: 'OPTIONS' })
      expect(options.status, path).toBe(204)
    }
    const unknown = await send('/v1/nope')
    expect(unknown.status).toBe(404)
    expect(problem(await unknown.json())).toBe(true)
  })

  it('has every route of the app, and no other', async () => {
    const described = [...new Set(openapi.operations.map(({ path }) => path))]
    const files = (await readdir(import.meta.dirname)).filter((name) => !name.includes('.test.'))
    const sources = await Promise.all(
      files.map((name) => readFile(join(import.meta.dirname, name), 'utf8')),
    )
    // whatever is put into the app, is put there with its description
    for (const source of sources)
      expect(source).not.toMatch(/app\.(get|post|put|patch|delete|on)\(/)
    const PATH = /'(\/(?:v1\/|health|ready|openapi|asyncapi)[^']*)'/g
    const routes = sources.flatMap((source) => [...source.matchAll(PATH)].map(([, path]) => path))
    expect(described.sort()).toEqual([...new Set(routes)].sort())
    expect(described.length).toBeGreaterThan(12)
  })

  it('names every filter of the lists', () => {
    const filters = [
      ...['buy_exchange', 'exchange', 'min_profit_percent', 'min_volume_usd', 'sell_exchange'],
      ...['symbol', 'transfer', 'type'],
    ]
    const expected = {
      'GET /v1/opportunities': ['limit', 'sort'],
      'GET /v1/history': ['cursor', 'format', 'from', 'limit', 'to'],
      'GET /v1/stats': ['by', 'from', 'limit', 'to'],
      'GET /v1/stream': ['last-event-id', 'last_event_id', 'types'],
    }
    for (const [id, more] of Object.entries(expected)) {
      const operation = openapi.operations.find((one) => one.id === id)
      const names = operation?.parameters?.map(({ name }) => name)
      expect(names).toEqual(expect.arrayContaining([...filters, ...more]))
    }
  })

  it('says how a key is sent, which scope is needed and how one is refused', async () => {
    const document = await (await fetch(`${stack.url}/openapi.json`)).json()
    expect(document).toMatchObject({
      components: {
        securitySchemes: {
          key: { type: 'http', scheme: 'bearer' },
          access_token: { type: 'apiKey', in: 'query', name: 'access_token' },
        },
      },
      security: [{}, { key: ['read'] }],
    })
    for (const operation of openapi.operations.filter((one) => !isPublic(one))) {
      const { id, path, responses, security } = operation
      const statuses = ['400', '401', '403', '429', '503']
      expect(Object.keys(responses), id).toEqual(expect.arrayContaining(statuses))
      if (path.startsWith('/v1/keys')) expect(security, id).toEqual([{ key: ['admin'] }])
      if (operation.requestBody !== undefined) expect(responses, id).toHaveProperty('413')
    }
  })
})
