import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { Health, type StoreHealth } from '../../shared/health.ts'
import { silentLog } from '../../shared/log.ts'
import { ManualClock, TestBooks } from '../detection/testing.ts'
import { exchangeStatus } from '../publish/testing.ts'
import { createBookView } from './books.ts'
import { createHealth } from './health.ts'
import { Operator } from './operator.ts'
import { type OpsServer, startOpsServer } from './server.ts'

let server: OpsServer | undefined
afterEach(() => server?.close())

const well: StoreHealth = { ok: true, latency_ms: 0.4, error: null }
const away: StoreHealth = { ok: false, latency_ms: null, error: 'connect ECONNREFUSED' }

function statusOf(id: string, connected: boolean, books_live: number) {
  const { data } = exchangeStatus(id, connected)
  if (!('books_live' in data)) throw new Error('not a status')
  return { ...data, books_live, books_total: 2 }
}

/** A clock on which every look takes `step_ms`. */
class SlowClock extends ManualClock {
  step_ms = 0

  override monotonic_ms(): number {
    this.now_ms += this.step_ms
    return this.now_ms
  }
}

async function serve(options: {
  redis?: StoreHealth
  postgres?: StoreHealth
  exchanges?: ReturnType<typeof statusOf>[]
}) {
  const clock = new SlowClock()
  const health = createHealth({
    thresholds: { min_profit_percent: '0.5', min_volume_usd: '1000' },
    clock,
    exchanges: () => options.exchanges ?? [statusOf('kraken', true, 2)],
    redis: () => options.redis ?? well,
    postgres: () => options.postgres ?? well,
  })
  const metrics = async () => ({ type: 'text/plain; version=0.0.4', text: 'arb_leader 1\n' })
  server = await startOpsServer({ port: 0, clock, log: silentLog, health, metrics })
  const base = `http://localhost:${server.port}`
  return { clock, get: (path: string, init?: RequestInit) => fetch(base + path, init) }
}

describe('/health', () => {
  it('shows every exchange and store in the shape that the edge reads', async () => {
    const { get } = await serve({})
    const response = await get('/health')
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const health = Health.strict().parse(await response.json())
    expect(health).toMatchObject({ status: 'ok', simulated: true, redis: well, postgres: well })
    expect(health.exchanges.kraken).toMatchObject({
      connected: true,
      books_live: 2,
      books_total: 2,
    })
    expect(health.uptime).toBeGreaterThanOrEqual(0)
    expect(health.memory.rss).toBeGreaterThan(0)
  })

  const states: [string, string, Parameters<typeof serve>[0]][] = [
    ['degraded', 'postgres is away', { postgres: away }],
    ['degraded', 'a book is missing', { exchanges: [statusOf('kraken', true, 1)] }],
    [
      'degraded',
      'one exchange is away',
      { exchanges: [statusOf('kraken', true, 2), statusOf('bybit', false, 0)] },
    ],
    ['down', 'redis is away', { redis: away }],
    ['down', 'no exchange is live', { exchanges: [statusOf('kraken', true, 0)] }],
    ['down', 'nothing has started', { exchanges: [] }],
  ]
  it.each(states)('is %s when %s', async (status, _why, options) => {
    const { get } = await serve(options)
    expect(await (await get('/health')).json()).toMatchObject({ status })
  })
})

describe('/ready', () => {
  it.each([
    [200, {}],
    [200, { postgres: away }],
    [200, { exchanges: [statusOf('kraken', true, 2), statusOf('bybit', false, 0)] }],
    [503, { redis: away }],
    [503, { exchanges: [statusOf('kraken', true, 0)] }],
  ])('answers %i for %o', async (status, options) => {
    const { get } = await serve(options)
    const response = await get('/ready')
    expect(response.status).toBe(status)
    const { ready, missing } = (await response.json()) as { ready: boolean; missing: string[] }
    expect(ready).toBe(status === 200)
    expect(missing.length === 0).toBe(ready)
  })
})

describe('/live', () => {
  it('measures a turn of the event loop and fails when it takes too long', async () => {
    const { clock, get } = await serve({})
    expect((await get('/live')).status).toBe(200)
    clock.step_ms = 5_000
    const response = await get('/live')
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ alive: false, turn_ms: 5_000 })
  })
})

describe('the server', () => {
  it('serves the metrics as they are', async () => {
    const { get } = await serve({})
    const response = await get('/metrics')
    expect(response.headers.get('content-type')).toContain('version=0.0.4')
    expect(await response.text()).toBe('arb_leader 1\n')
  })

  it('answers other paths and methods with problems', async () => {
    const { get } = await serve({})
    const lost = await get('/nothing?x=1')
    expect(lost.status).toBe(404)
    expect(lost.headers.get('content-type')).toBe('application/problem+json')
    expect(await lost.json()).toMatchObject({ type: '/problems/not_found', instance: '/nothing' })
    const post = await get('/health', { method: 'POST' })
    expect(post.status).toBe(405)
    expect(post.headers.get('allow')).toBe('GET, HEAD')
  })

  it('answers HEAD without a body', async () => {
    const { get } = await serve({})
    const response = await get('/health', { method: 'HEAD' })
    expect(response.status).toBe(200)
    expect(await response.text()).toBe('')
  })

  it('tells the operator what broke, and whoever asked nothing of it', async () => {
    const told: unknown[] = []
    server = await startOpsServer({
      port: 0,
      clock: new ManualClock(),
      log: { ...silentLog, error: (...line) => told.push(line) },
      health: () => ({}) as Health,
      metrics: () => Promise.reject(new Error('no answer from redis.internal:6379')),
    })
    const answer = await fetch(`http://localhost:${server.port}/metrics?a=b`)
    expect(answer.status).toBe(500)
    const text = await answer.text()
    expect(JSON.parse(text)).toMatchObject({ type: '/problems/internal', instance: '/metrics' })
    expect(text).not.toContain('redis.internal')
    const error = expect.objectContaining({ message: 'no answer from redis.internal:6379' })
    expect(told).toEqual([['a request could not be answered', { path: '/metrics', error }]])
  })

  it('cuts an answer that broke in its middle, and serves the next', async () => {
    const { books, clock } = new TestBooks()
    const serve = async (_: unknown, response: ServerResponse) => {
      response.writeHead(200).write('half')
      throw new Error('the rest is missing')
    }
    server = await startOpsServer({
      port: 0,
      clock,
      log: silentLog,
      health: () => ({}) as Health,
      metrics: async () => ({ type: 'text/plain', text: 'well' }),
      restricted: {
        operator: new Operator('a-token', clock),
        books: createBookView(books, clock),
        queues: { serve },
      },
    })
    const base = `http://localhost:${server.port}`
    const headers = { authorization: 'Bearer a-token' }
    const half = fetch(`${base}/queues`, { headers }).then((answer) => answer.text())
    await expect(half).rejects.toThrow()
    expect(await (await fetch(`${base}/metrics`)).text()).toBe('well')
  })

  it('goes on when connections cannot be taken, and tells each', async () => {
    const told: string[] = []
    server = await startOpsServer({
      port: 0,
      clock: new ManualClock(),
      log: { ...silentLog, error: (message) => told.push(message) },
      health: () => ({}) as Health,
      metrics: async () => ({ type: 'text/plain', text: 'well' }),
    })
    // as Node does when accept() fails
    for (let i = 0; i < 2; i++) server.http.emit('error', new Error('accept EMFILE'))
    expect(told).toEqual(['a connection could not be taken', 'a connection could not be taken'])
  })

  it('rejects when its port is taken', async () => {
    await serve({})
    const clock = new ManualClock()
    const port = server!.port
    const metrics = async () => ({ type: '', text: '' })
    await expect(
      startOpsServer({ port, clock, log: silentLog, health: () => ({}) as Health, metrics }),
    ).rejects.toThrow('EADDRINUSE')
  })
})
