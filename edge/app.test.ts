import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fetchProblem } from './testing/check.ts'
import { opportunity } from './testing/opportunities.ts'
import { INDEX_HTML, setLive, startStackWithFiles } from './testing/stack.ts'

let stack: Awaited<ReturnType<typeof startStackWithFiles>>
beforeAll(async () => {
  stack = await startStackWithFiles()
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
    for (const path of ['/', '/some/page', '/health', '/v1/opportunities', '/v1/nope']) {
      const { headers } = await fetch(at(path))
      const is_page = !/^\/(v1|health)/.test(path)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('strict-transport-security')).toMatch(/^max-age=\d{8}/)
      const referrers = is_page ? 'strict-origin-when-cross-origin' : null
      expect(headers.get('referrer-policy')).toBe(referrers)
      const policy = headers.get('content-security-policy') ?? ''
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("frame-ancestors 'none'")
      // a page runs its own script, an answer runs nothing
      expect(policy.includes("script-src 'self'")).toBe(is_page)
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

  it('leads whoever follows the type of a problem to its description', async () => {
    const { type } = await fetchProblem(at('/v1/nope'))
    const response = await fetch(at(type), { redirect: 'manual' })
    expect(response.status).toBe(302)
    expect(response.headers.get('location')).toBe('/docs#schema-Problem')
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
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
