import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { KEYS, workerKey } from '../shared/keys.ts'
import { fetchProblem } from './testing/check.ts'
import { exchangeStatus, expired, heartbeat, opportunity } from './testing/opportunities.ts'
import { INDEX_HTML, insertHistory, type Stack, setLive, startStack } from './testing/stack.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack?.stop())

const at = (path: string) => `${stack.url}${path}`

describe('headers', () => {
  it('lets every origin read the API, also a 304 and a problem', async () => {
    await setLive(stack.redis, [opportunity()])
    for (const path of ['/v1/opportunities', '/v1/opportunities?limit=x', '/health', '/v1/nope']) {
      const response = await fetch(at(path), { headers: { origin: 'https://example.com' } })
      expect(response.headers.get('access-control-allow-origin')).toBe('*')
    }
    const first = await fetch(at('/v1/opportunities'))
    const etag = first.headers.get('etag') ?? ''
    expect(etag).toMatch(/^W\/"/)
    const again = await fetch(at('/v1/opportunities'), { headers: { 'if-none-match': etag } })
    expect(again.status).toBe(304)
    expect(again.headers.get('access-control-allow-origin')).toBe('*')
    expect(again.headers.get('cache-control')).toBe('public, max-age=1, stale-while-revalidate=5')
    await setLive(stack.redis, [opportunity({ profit_percent: '0.7' })])
    const changed = await fetch(at('/v1/opportunities'), { headers: { 'if-none-match': etag } })
    expect(changed.status).toBe(200)
  })

  it('answers a preflight', async () => {
    const response = await fetch(at('/v1/stream'), {
      method: 'OPTIONS',
      headers: {
        origin: 'https://example.com',
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'last-event-id',
      },
    })
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-headers')).toMatch(/last-event-id/i)
  })

  it('protects pages and the API alike', async () => {
    for (const path of ['/', '/some/page', '/health', '/v1/opportunities']) {
      const { headers } = await fetch(at(path))
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('referrer-policy')).toBe('strict-origin-when-cross-origin')
      const policy = headers.get('content-security-policy') ?? ''
      expect(policy).toContain("script-src 'self'")
      expect(policy).not.toContain('unsafe')
    }
  })

  it('answers HEAD with the headers of GET and no body', async () => {
    for (const path of [
      '/v1/opportunities',
      '/v1/history',
      '/v1/exchanges',
      '/openapi.json',
      '/',
    ]) {
      const [get, head] = await Promise.all([fetch(at(path)), fetch(at(path), { method: 'HEAD' })])
      expect(head.status).toBe(get.status)
      expect(head.headers.get('content-type')).toBe(get.headers.get('content-type'))
      expect(head.headers.get('etag')).toBe(get.headers.get('etag'))
      expect(await head.text()).toBe('')
    }
    const stream = await fetch(at('/v1/stream'), { method: 'HEAD' })
    expect(stream.headers.get('content-type')).toBe('text/event-stream')
    expect(await stream.text()).toBe('')
  })
})

describe('paths', () => {
  it('gives the dashboard everything that is not the API', async () => {
    for (const path of ['/', '/opportunities/opp_1', '/index']) {
      const response = await fetch(at(path))
      expect(response.status).toBe(200)
      expect(await response.text()).toBe(INDEX_HTML)
    }
  })

  it('says that an unknown path of the API does not exist', async () => {
    for (const path of ['/v1', '/v1/', '/v1/nope', '/v1/opportunities/a/b', '/v1/%00']) {
      expect((await fetchProblem(at(path))).status).toBe(404)
    }
  })

  it('refuses other methods by name', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const problem = await fetchProblem(at('/v1/opportunities'), { method })
      expect(problem.status).toBe(405)
      expect(problem.response.headers.get('allow')).toBe('GET, HEAD, OPTIONS')
    }
    expect((await fetchProblem(at('/health'), { method: 'POST' })).status).toBe(405)
  })
})

describe('openapi.json', () => {
  const Operation = z.object({
    parameters: z.array(z.object({ name: z.string(), in: z.string() })).optional(),
    responses: z.record(
      z.string(),
      z.object({ content: z.record(z.string(), z.object({ schema: z.looseObject({}) })) }),
    ),
  })
  const Document = z.object({
    openapi: z.literal('3.1.0'),
    paths: z.record(z.string(), z.object({ get: Operation })),
    components: z.object({ schemas: z.record(z.string(), z.looseObject({})) }),
  })
  const document = async () => Document.parse(await (await fetch(at('/openapi.json'))).json())

  it('describes every endpoint with its parameters', async () => {
    const { paths } = await document()
    expect(Object.keys(paths).sort()).toEqual([
      '/health',
      '/ready',
      '/v1/exchanges',
      '/v1/exchanges/{id}',
      '/v1/history',
      '/v1/keys',
      '/v1/keys/{id}',
      '/v1/markets',
      '/v1/near-misses',
      '/v1/opportunities',
      '/v1/opportunities/{id}',
      '/v1/spreads',
      '/v1/stats',
      '/v1/stream',
    ])
    const names = (path: string) => paths[path]?.get.parameters?.map(({ name }) => name).sort()
    const filters = [
      ...['buy_exchange', 'exchange', 'min_profit_percent', 'min_volume_usd', 'sell_exchange'],
      ...['symbol', 'transfer', 'type'],
    ]
    expect(names('/v1/opportunities')).toEqual([...filters, 'limit', 'sort'].sort())
    expect(names('/v1/history')).toEqual(
      [...filters, 'cursor', 'format', 'from', 'limit', 'to'].sort(),
    )
    expect(names('/v1/stream')).toEqual(
      [...filters, 'last-event-id', 'last_event_id', 'types'].sort(),
    )
  })

  it('describes what is really answered', async () => {
    await setLive(stack.redis, [opportunity()])
    const past = expired({ id: 'opp_described' })
    await insertHistory(stack.pool, [past])
    await stack.redis.hset(KEYS.exchanges, 'kraken', JSON.stringify(exchangeStatus()))
    await stack.redis.set(workerKey('worker-1'), JSON.stringify(heartbeat()))
    const described = await document()
    const schemas = JSON.stringify(described.components).replaceAll(
      '#/components/schemas/',
      '#/$defs/',
    )
    const requests = [
      ['/v1/opportunities', '/v1/opportunities'],
      ['/v1/opportunities/{id}', `/v1/opportunities/${past.id}`],
      ['/v1/opportunities/{id}', '/v1/opportunities/opp_nope'],
      ['/v1/history', '/v1/history'],
      ['/v1/history', '/v1/history?limit=0'],
      ['/v1/exchanges', '/v1/exchanges'],
      ['/v1/exchanges/{id}', '/v1/exchanges/kraken'],
      ['/health', '/health'],
      ['/ready', '/ready'],
    ] as const
    for (const [path, request] of requests) {
      const response = await fetch(at(request))
      const type = (response.headers.get('content-type') ?? '').split(';')[0] ?? ''
      const schema = described.paths[path]?.get.responses[response.status]?.content[type]?.schema
      expect(schema, `${request} ${response.status} ${type}`).toBeDefined()
      const text = JSON.stringify(schema).replaceAll('#/components/schemas/', '#/$defs/')
      const json_schema = { ...JSON.parse(text), $defs: JSON.parse(schemas).schemas }
      const result = z.fromJSONSchema(json_schema).safeParse(await response.json())
      expect(result.error, request).toBeUndefined()
    }
  })
})
