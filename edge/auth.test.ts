import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mintKey } from '../shared/api-key.ts'
import { KEYS } from '../shared/keys.ts'
import { eventually, fetchProblem } from './testing/check.ts'
import { insertKey } from './testing/keys.ts'
import { StreamReader } from './testing/reader.ts'
import { type Stack, startStack } from './testing/stack.ts'

const ADMIN_TOKEN = 'the-operators-own-token'

let stack: Stack
beforeAll(async () => {
  stack = await startStack({
    ADMIN_TOKEN,
    PUBLIC_READ: 'false',
    KEY_REQUESTS: '1000',
    ANSWER_CACHE_MS: '15000',
  })
})
afterAll(() => stack?.stop())

const at = (path: string) => `${stack.url}${path}`
const bearer = (token: string, address = '198.51.100.1') => ({
  authorization: `Bearer ${token}`,
  'cf-connecting-ip': address,
})
const list = (headers: Record<string, string>) => fetch(at('/v1/opportunities'), { headers })

const newKey = async (options: Parameters<typeof insertKey>[1] = {}) =>
  (await insertKey(stack.pool, options)).key

/** Counting to the last one must not meet the end of a window, where some are given back. */
async function withinOneWindow(): Promise<void> {
  const left_ms = 60_000 - (Date.now() % 60_000)
  if (left_ms < 5_000) await new Promise((resolve) => setTimeout(resolve, left_ms))
}

describe('without PUBLIC_READ', () => {
  it('asks for a key, and lets nobody in between keep what was read with one', async () => {
    const problem = await fetchProblem(at('/v1/opportunities'))
    expect(problem.status).toBe(401)
    expect(problem.detail).toContain('scope read')
    expect(problem.response.headers.get('www-authenticate')).toBe('Bearer realm="spreadwire"')
    const response = await list(bearer(await newKey()))
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toMatch(/^private, max-age=1/)
    expect((await fetch(at('/health'))).status).not.toBe(401)
    const preflight = await fetch(at('/v1/opportunities'), {
      method: 'OPTIONS',
      headers: {
        origin: 'https://example.com',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization, idempotency-key',
      },
    })
    expect(preflight.status).toBe(204)
    const allowed = preflight.headers.get('access-control-allow-headers')?.toLowerCase()
    expect(allowed).toContain('authorization')
    expect(allowed).toContain('idempotency-key')
    expect(preflight.headers.get('access-control-allow-methods')).toContain('POST')
    const exposed = problem.response.headers.get('access-control-expose-headers')
    expect(exposed).toContain('RateLimit-Policy')
    expect(exposed).toContain('Retry-After')
  })

  it('opens the stream with access_token, which no log and no answer repeats', async () => {
    const key = await newKey()
    const reader = await StreamReader.open(`${at('/v1/stream')}?access_token=${key}`)
    expect(reader.response.status).toBe(200)
    await reader.begun()
    reader.leave()
    const bad = await fetch(`${at('/v1/stream')}?access_token=${key}&limit=1`)
    expect(bad.status).toBe(400)
    expect(await bad.text()).not.toContain(key)
    const elsewhere = await fetch(`${at('/v1/opportunities')}?access_token=${key}`)
    expect(elsewhere.status).toBe(401)
    expect(await elsewhere.text()).not.toContain(key)
    expect(stack.lines.join('\n')).not.toContain(key)
  })

  it('refuses what is no key, naming what was expected and never what was sent', async () => {
    const key = await newKey()
    const mistyped = key.slice(0, -1) + (key.endsWith('0') ? '1' : '0')
    const unknown = (await mintKey()).key
    const sent = [`Bearer ${mistyped}`, `Bearer ${unknown}`, `Basic ${key}`, 'Bearer', 'nonsense-x']
    for (const [i, authorization] of sent.entries()) {
      const headers = { authorization, 'cf-connecting-ip': `198.51.100.${50 + i}` }
      const problem = await fetchProblem(at('/v1/opportunities'), { headers })
      expect(problem.status, authorization).toBe(401)
      expect(problem.detail).toContain('Authorization: Bearer arb_')
      expect(problem.response.headers.get('www-authenticate')).toContain('error="invalid_token"')
      const said = JSON.stringify(problem) + stack.lines.join('\n')
      for (const secret of [key, mistyped, unknown, ADMIN_TOKEN]) expect(said).not.toContain(secret)
    }
  })

  it('tires of an address that keeps failing, but not of a key that is known', async () => {
    const key = await newKey()
    await withinOneWindow()
    const address = '198.51.100.99'
    expect((await list(bearer(key, address))).status).toBe(200)
    const statuses: number[] = []
    for (let i = 0; i < 25; i++) {
      statuses.push((await list(bearer((await mintKey()).key, address))).status)
    }
    expect(statuses.filter((status) => status === 401)).toHaveLength(20)
    expect(statuses.slice(20)).toEqual(Array(5).fill(429))
    const guess = await fetchProblem(at('/v1/exchanges'), {
      headers: bearer(await newKey(), address),
    })
    expect(guess.status).toBe(429)
    expect(guess.response.headers.get('retry-after')).toMatch(/^\d+$/)
    expect((await list(bearer(key, address))).status).toBe(200)
    expect((await list(bearer((await mintKey()).key, '198.51.100.98'))).status).toBe(401)
  })
})

describe('the rate of a key', () => {
  it('is its own, told in every answer, and refused with the time to wait', async () => {
    await withinOneWindow()
    const key = await newKey({ requests_per_minute: 10 })
    const first = await list(bearer(key))
    expect(first.headers.get('ratelimit-policy')).toBe('"requests";q=10;w=60')
    expect(first.headers.get('ratelimit')).toMatch(/^"requests";r=9;t=\d+$/)
    for (let i = 8; i >= 0; i--) {
      const response = await list(bearer(key))
      expect(response.status).toBe(200)
      expect(response.headers.get('ratelimit')).toContain(`r=${i};`)
    }
    const problem = await fetchProblem(at('/v1/opportunities'), { headers: bearer(key) })
    expect(problem.status).toBe(429)
    expect(problem.detail).toContain('at most 10 in 60 s')
    const wait_s = Number(problem.response.headers.get('retry-after'))
    expect(wait_s).toBeGreaterThan(0)
    expect(wait_s).toBeLessThanOrEqual(60)
    expect(problem.response.headers.get('ratelimit')).toBe(`"requests";r=0;t=${wait_s}`)
    expect((await list(bearer(await newKey()))).status).toBe(200)
  })

  it('is counted in Redis across isolates, and a refused caller costs Redis nothing', async () => {
    const key = await newKey({ requests_per_minute: 50 })
    expect((await list(bearer(key))).status).toBe(200)
    const counters = await stack.redis.keys(`${KEYS.rate}:*key_*`)
    expect(counters).not.toEqual([])
    for (const name of counters) {
      await stack.redis.incrby(name, 1_000) // what other isolates have reported
    }
    await eventually(async () => expect((await list(bearer(key))).status).toBe(429))
    const scripts = async () => {
      const stats = await stack.redis.info('commandstats')
      return Number(/^cmdstat_evalsha:calls=(\d+)/m.exec(stats)?.[1] ?? 0)
    }
    const before = await scripts()
    for (let i = 0; i < 20; i++) expect((await list(bearer(key))).status).toBe(429)
    expect(await scripts()).toBe(before)
  })

  it('refuses nobody because Redis is away, and says so in the log', async () => {
    const key = await newKey()
    expect((await list(bearer(key))).status).toBe(200)
    await stack.closeUpstash()
    try {
      const paths = ['/v1/history', '/v1/history?limit=2']
      for (let i = 0; i < 6; i++) {
        const response = await fetch(at(paths[i % 2] ?? ''), { headers: bearer(key) })
        expect(response.status).toBe(200)
        await new Promise((resolve) => setTimeout(resolve, 250))
      }
      await eventually(() => {
        expect(stack.lines.join('\n')).toContain('counted by each isolate alone')
      })
    } finally {
      await stack.openUpstash()
    }
  })
})
