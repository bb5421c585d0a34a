/** Both roads, in one isolate and one moment: whatever the short one answers, the long one answers. */
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { eventually } from './testing/check.ts'
import { beat, fill } from './testing/filled.ts'
import { insertKey } from './testing/keys.ts'
import { sample } from './testing/opportunities.ts'
import { type Stack, setLive, startStack } from './testing/stack.ts'

const QUOTA = 40
const Said = z.object({
  status: z.int(),
  headers: z.array(z.tuple([z.string(), z.string()])),
  has_body: z.boolean(),
  body: z.string(),
})
const Both = z.object({ short: Said.nullable(), long: Said })
type Said = z.infer<typeof Said>

interface Asked {
  readonly path: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
}

let stack: Stack
let key = ''
beforeAll(async () => {
  stack = await startStack(
    { ANSWER_CACHE_MS: '15000', ANONYMOUS_REQUESTS: String(QUOTA) },
    join(import.meta.dirname, 'testing-both-roads.ts'),
  )
  await fill(stack)
  key = (await insertKey(stack.pool)).key
})
afterAll(() => stack?.stop())

async function ask({ path, method, headers }: Asked) {
  const response = await fetch(stack.url, {
    method: 'POST',
    body: JSON.stringify({ path, method, headers }),
  })
  return Both.parse(await response.json())
}

/** What the short road answers, once it knows the answer. */
function onShortRoad(asked: Asked, status: number): Promise<Said> {
  return eventually(async () => {
    const { short } = await ask(asked)
    if (short?.status !== status) throw new Error(`${asked.path}: ${short?.status}`)
    return short
  })
}

const get = (path: string, headers: Record<string, string> = {}): Asked => ({
  path,
  method: 'GET',
  headers: { 'cf-connecting-ip': '198.51.100.1', ...headers },
})
const headerOf = ({ headers }: Said, wanted: string) =>
  headers.find(([name]) => name === wanted)?.[1]
const left = (said: Said) => Number(/r=(\d+)/.exec(headerOf(said, 'ratelimit') ?? '')?.[1])

/** All but what must differ: each road counts, and health says when it looked. */
function comparable({ headers, body, ...rest }: Said, { path }: Asked) {
  return {
    ...rest,
    headers: headers.filter(([name]) => name !== 'ratelimit'),
    body: /^\/(health|ready)/.test(path) ? body.replace(/\d+/g, '0') : body,
  }
}

const DAY = 'from=2026-10-01T00:00:00Z&to=2026-10-02T00:00:00Z'
const paths = fc.constantFrom(
  ...['/v1/opportunities', '/v1/opportunities?limit=2', '/v1/opportunities?limit=2&sort=nonsense'],
  ...['/v1/opportunities?limit=%32', '/v1/opportunities?', '/v1/opportunities/', '/v1/nope'],
  ...['/v1/history?limit=3', `/v1/history?limit=3&format=csv`, `/v1/stats?${DAY}`],
  ...['/v1/exchanges', '/v1/exchanges/kraken', '/v1/exchanges/nope', '/v1/markets'],
  ...['/v1/opportunities/opp_00000000000000000000000001', '/v1/keys', '/openapi.json'],
  ...['/health', '/health?verbose=1', '/ready', '/', '/V1/opportunities'],
)
const conditions = fc.constantFrom('*', 'W/"x"', '"x", "y"', '', 'nonsense', 'held', 'held, weakly')
const requests: fc.Arbitrary<Asked & { readonly condition: string | undefined }> = fc.record({
  path: paths,
  method: fc.oneof(
    { weight: 8, arbitrary: fc.constant('GET') },
    { weight: 1, arbitrary: fc.constantFrom('HEAD', 'OPTIONS', 'POST', 'DELETE') },
  ),
  condition: fc.option(conditions, { nil: undefined }),
  headers: fc.oneof(
    { weight: 8, arbitrary: fc.constant({}) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        { origin: 'https://example.com' },
        { authorization: 'the key' },
        { authorization: 'Bearer nonsense' },
        { 'accept-encoding': 'gzip', range: 'bytes=0-1' },
      ),
    },
  ),
})

describe('an answer of the short road', () => {
  it('is that of the long road, header by header and byte by byte', async () => {
    let address = 0
    let compared = 0
    let held = 0
    const tags = new Map<string, string>()
    await fc.assert(
      fc.asyncProperty(fc.array(requests, { minLength: 30, maxLength: 30 }), async (sequence) => {
        await beat(stack.redis)
        // a quota of its own, which ends before the sequence does
        const own = { 'cf-connecting-ip': `198.51.100.${100 + (address++ % 100)}` }
        for (const { condition, ...request } of sequence) {
          const tag = tags.get(request.path) ?? '"none"'
          const headers: Record<string, string> = { ...own, ...request.headers }
          if (headers.authorization === 'the key') headers.authorization = `Bearer ${key}`
          if (condition === 'held') headers['if-none-match'] = tag
          else if (condition === 'held, weakly')
            headers['if-none-match'] = `"x", ${tag.replace('W/', '')}`
          else if (condition !== undefined) headers['if-none-match'] = condition
          const asked = { ...request, headers }
          const { short, long } = await ask(asked)
          tags.set(request.path, headerOf(long, 'etag') ?? tag)
          if (short === null) continue
          expect(asked.method).toBe('GET')
          expect(headers).not.toHaveProperty('authorization')
          compared++
          if (short.status === 304) held++
          if (left(short) === 0) {
            expect(long.status).toBe(429)
            continue
          }
          expect(comparable(short, asked)).toEqual(comparable(long, asked))
          if (headerOf(long, 'ratelimit') === undefined) continue
          expect(left(long)).toBe(left(short) - 1)
        }
      }),
      { numRuns: 12 },
    )
    expect(compared).toBeGreaterThan(60)
    expect(held).toBeGreaterThan(5)
  })

  it('is given where nothing is to be asked, for a list, a page, a document and health', async () => {
    await beat(stack.redis)
    for (const path of [
      ...['/v1/opportunities?limit=9', '/v1/history?limit=9', `/v1/stats?${DAY}`, '/v1/exchanges'],
      ...['/openapi.json', '/health', '/ready'],
    ]) {
      const tag = headerOf(await onShortRoad(get(path), 200), 'etag')
      expect(tag === undefined, path).toBe(path === '/health' || path === '/ready')
      if (tag !== undefined) await onShortRoad(get(path, { 'if-none-match': tag }), 304)
    }
  })

  it('is never given to whoever is refused, and counts each one', async () => {
    const asked = get('/v1/opportunities?limit=8', { 'cf-connecting-ip': '203.0.113.9' })
    let allowed = 0
    for (let i = 0; i < QUOTA; i++) {
      const { short, long } = await ask(asked)
      allowed += [short, long].filter((said) => said?.status === 200).length
      if (long.status === 429 && short === null) break
    }
    // what is left of a window slides: some of the quota may be given back meanwhile
    expect(allowed).toBeGreaterThanOrEqual(QUOTA)
    expect(allowed).toBeLessThan(QUOTA + 5)
    expect(await ask(asked)).toMatchObject({ short: null, long: { status: 429 } })
  })

  it('is never given to HEAD, to a key, or twice as old as it may be', async () => {
    const path = '/v1/opportunities?limit=7'
    await onShortRoad(get(path), 200)
    expect((await ask({ ...get(path), method: 'HEAD' })).short).toBeNull()
    expect((await ask(get(path, { authorization: `Bearer ${key}` }))).short).toBeNull()
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    expect((await ask(get(path))).short).toBeNull()
  })

  it('is given a little late while the next one is being made, and no later', async () => {
    const path = '/v1/opportunities?limit=6'
    const tag = headerOf(await onShortRoad(get(path), 200), 'etag')
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    await setLive(stack.redis, sample(5, 7))
    await stack.redis.client('PAUSE', 1_500, 'ALL')
    const first = ask(get(path)) // finds it too old, and waits for Redis
    const late = await onShortRoad(get(path), 200)
    expect(headerOf(late, 'etag')).toBe(tag)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect((await ask(get(path))).short).toBeNull()
    expect((await first).long.status).toBe(200)
    expect(headerOf((await first).long, 'etag')).not.toBe(tag)
  })
})
