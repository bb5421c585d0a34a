import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, fetchProblem } from './testing/check.ts'
import { opportunity } from './testing/opportunities.ts'
import { type Stack, setLive, startStack } from './testing/stack.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack({ ANSWER_CACHE_MS: '15000' })
})
afterAll(() => stack?.stop())

const at = (path: string) => `${stack.url}${path}`

/** Commands that Redis has executed, by name, without those of its own connections. */
async function commands(): Promise<Map<string, number>> {
  const stats = await stack.redis.info('commandstats')
  const found = stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)
  return new Map([...found].map(([, name, calls]) => [String(name), Number(calls)]))
}

describe('health', () => {
  it('looks at the stores about once a second, however many ask', async () => {
    await stack.redis.config('RESETSTAT')
    const until_ms = Date.now() + 1_500
    const statuses = new Set<number>()
    const ask = async () => {
      while (Date.now() < until_ms) statuses.add((await fetch(at('/health'))).status)
    }
    await Promise.all(Array.from({ length: 20 }, ask))
    const elapsed_s = (Date.now() - until_ms) / 1_000 + 1.5
    expect([...statuses]).toEqual([503])
    expect((await commands()).get('hgetall')).toBeLessThanOrEqual(Math.ceil(elapsed_s) + 1)
    // refused as before: what is kept is the state and not whatever is answered
    expect((await fetchProblem(at('/health?verbose=1'))).status).toBe(400)
  })
})

describe('a hot list', () => {
  it('costs Redis about one read a second, however many read it', async () => {
    await setLive(stack.redis, [opportunity()])
    await stack.redis.config('RESETSTAT')
    const until_ms = Date.now() + 3_000
    let answers = 0
    const read = async (path: string) => {
      while (Date.now() < until_ms) {
        const response = await fetch(at(path))
        expect(response.status).toBe(200)
        expect(await response.json()).toMatchObject({ data: [{ symbol: 'BTC/USDT' }] })
        answers++
      }
    }
    await Promise.all(Array.from({ length: 50 }, () => read('/v1/opportunities?limit=10')))
    const counted = await commands()
    const elapsed_s = (Date.now() - until_ms) / 1_000 + 3
    expect(answers).toBeGreaterThan(100)
    expect(counted.get('hgetall')).toBeLessThanOrEqual(Math.ceil(elapsed_s) + 1)
    // the requests are counted by script, reported at most once a second
    expect(counted.get('evalsha')).toBeLessThanOrEqual(Math.ceil(elapsed_s) + 2)
  })

  it('is read once for readers with different filters', async () => {
    await setLive(stack.redis, [opportunity()])
    await new Promise((resolve) => setTimeout(resolve, 600))
    await stack.redis.config('RESETSTAT')
    const paths = Array.from({ length: 40 }, (_, i) => `/v1/opportunities?limit=${i + 20}`)
    const responses = await Promise.all(paths.map((path) => fetch(at(path))))
    expect(responses.every(({ status }) => status === 200)).toBe(true)
    expect((await commands()).get('hgetall')).toBeLessThanOrEqual(5)
  })

  it('shows what is new within seconds, with a new tag, and 304 until then', async () => {
    const path = '/v1/opportunities?limit=7'
    await setLive(stack.redis, [opportunity({ profit_percent: '0.6' })])
    const tag = await eventually(async () => {
      const response = await fetch(at(path))
      expect(await response.text()).toContain('"profit_percent":"0.6"')
      return response.headers.get('etag') ?? ''
    })
    for (const condition of [tag, tag.replace('W/', ''), `"x", ${tag}`, '*']) {
      const same = await fetch(at(path), { headers: { 'if-none-match': condition } })
      expect(same.status, condition).toBe(304)
      expect(await same.text()).toBe('')
      expect(same.headers.get('etag')).toBe(tag)
      expect(same.headers.get('cache-control')).toBe('public, max-age=1, stale-while-revalidate=5')
      expect(same.headers.get('access-control-allow-origin')).toBe('*')
      expect(same.headers.get('ratelimit')).toMatch(/^"requests";r=\d+;t=\d+$/)
    }
    expect((await fetch(at(path), { headers: { 'if-none-match': 'W/"x"' } })).status).toBe(200)
    await setLive(stack.redis, [opportunity({ profit_percent: '0.9' })])
    await eventually(async () => {
      const changed = await fetch(at(path), { headers: { 'if-none-match': tag } })
      expect(changed.status).toBe(200)
      expect(changed.headers.get('etag')).not.toBe(tag)
    })
  })

  it('reaches those who wait for an answer whose first reader has left', async () => {
    await setLive(stack.redis, [opportunity()])
    for (let round = 0; round < 10; round++) {
      const path = at(`/v1/opportunities?limit=${100 + round}`)
      const leaving = new AbortController()
      const first = fetch(path, { signal: leaving.signal }).catch(() => null)
      const others = Array.from({ length: 5 }, () => fetch(path))
      setTimeout(() => leaving.abort(), round)
      const statuses = (await Promise.all(others)).map(({ status }) => status)
      expect(statuses).toEqual([200, 200, 200, 200, 200])
      await first
    }
  })

  it('keeps no refusal and no failure', async () => {
    const path = '/v1/opportunities?limit=9'
    expect((await fetchProblem(at('/v1/opportunities?limit=x'))).status).toBe(400)
    await stack.closeUpstash()
    const failed = await eventually(async () => {
      const problem = await fetchProblem(at(path))
      expect(problem.status).toBe(503)
      return problem
    })
    expect(failed.response.headers.get('cache-control')).toBe('no-store')
    await stack.openUpstash()
    expect((await fetch(at(path))).status).toBe(200)
  })
})
