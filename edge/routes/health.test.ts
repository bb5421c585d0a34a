import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { EdgeHealth, HEARTBEAT_DEAD_AFTER_MS, type Heartbeat } from '../../shared/health.ts'
import { KEYS, workerKey } from '../../shared/keys.ts'
import { fetchProblem } from '../testing/check.ts'
import { exchangeStatus, heartbeat } from '../testing/opportunities.ts'
import { type Stack, startStack } from '../testing/stack.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack?.stop())
beforeEach(() => stack.redis.flushall())
afterEach(async () => {
  await Promise.allSettled([stack.openUpstash(), stack.openNeon()])
})

async function health() {
  const response = await fetch(`${stack.url}/health`)
  expect(response.headers.get('cache-control')).toBe('no-store')
  return { http: response.status, ...EdgeHealth.parse(await response.json()) }
}

async function ready() {
  const response = await fetch(`${stack.url}/ready`)
  const { ready, reason } = z
    .strictObject({ ready: z.boolean(), reason: z.string().nullable() })
    .parse(await response.json())
  expect(response.status).toBe(ready ? 200 : 503)
  return reason
}

async function beat(changes: Partial<Heartbeat> = {}) {
  const sent = heartbeat(changes)
  await stack.redis.set(workerKey(sent.worker_id), JSON.stringify(sent))
  return sent
}

const ago = (age_ms: number) => new Date(Date.now() - age_ms).toISOString()

describe('GET /health', () => {
  it('is ok while the worker and both stores are', async () => {
    const sent = await beat()
    await stack.redis.set(KEYS.lease, sent.worker_id)
    const state = await health()
    expect(state).toMatchObject({
      ...{ http: 200, status: 'ok', uptime: 12, memory: { rss: 1 }, simulated: true },
      exchanges: { kraken: { connected: true, books_live: 9, last_message_age_ms: 4 } },
      redis: { ok: true, error: null },
      postgres: { ok: true, error: null },
      worker: { alive: true, worker_id: 'worker-1' },
    })
    expect(state.redis.latency_ms).toBeGreaterThanOrEqual(0)
    expect(state.worker.heartbeat_age_ms).toBeLessThan(HEARTBEAT_DEAD_AFTER_MS)
  })

  it('shows the leader, also when a standby speaks later', async () => {
    await beat({ worker_id: 'leader', sent_at: ago(1_500) })
    await beat({ worker_id: 'standby', leader: false })
    await stack.redis.set(KEYS.lease, 'leader')
    expect((await health()).worker.worker_id).toBe('leader')
  })

  it('finds a worker without a lease among other keys', async () => {
    const others = Array.from({ length: 3_000 }, (_, i) => [`bull:${i}`, ''])
    await stack.redis.mset(others.flat())
    await beat({ worker_id: 'old', sent_at: ago(9_000) })
    await beat({ worker_id: 'new' })
    await stack.redis.set(KEYS.lease, 'gone')
    expect((await health()).worker.worker_id).toBe('new')
  })

  it.each(['degraded', 'down'] as const)('takes over that the worker is %s', async (status) => {
    const well = heartbeat()
    await beat({ health: { ...well.health, status } })
    expect(await health()).toMatchObject({ status, http: status === 'down' ? 503 : 200 })
  })

  it('is degraded, and no more, while one exchange is down', async () => {
    const down = { connected: false, books_live: 0, books_stale: 10, state: 'down' as const }
    const { health: well } = heartbeat()
    const exchanges = {
      binance: exchangeStatus({ id: 'binance' }),
      kraken: exchangeStatus({ ...down, reason: 'connection refused' }),
    }
    await beat({ health: { ...well, status: 'degraded', exchanges } })
    const state = await health()
    expect(state).toMatchObject({
      ...{ http: 200, status: 'degraded', worker: { alive: true }, redis: { ok: true } },
      exchanges: {
        binance: { connected: true, books_live: 9 },
        kraken: { connected: false, books_live: 0, reason: 'connection refused' },
      },
    })
    expect(await ready()).toBeNull()
  })

  it('is down without a heartbeat, and calls no exchange connected', async () => {
    await stack.redis.hset(KEYS.exchanges, 'kraken', JSON.stringify(exchangeStatus()))
    const state = await health()
    expect(state).toMatchObject({ http: 503, status: 'down', redis: { ok: true } })
    expect(state.worker).toEqual({ alive: false, heartbeat_age_ms: null, worker_id: null })
    expect(state.exchanges.kraken).toMatchObject({
      ...{ connected: false, state: 'down', reason: 'no worker is alive' },
      ...{ books_live: 0, books_stale: 10, books_total: 10 },
    })
  })

  it('is down when the heartbeat is too old, and still shows its age', async () => {
    await beat({ sent_at: ago(HEARTBEAT_DEAD_AFTER_MS + 1_000) })
    const state = await health()
    expect(state).toMatchObject({ http: 503, status: 'down', uptime: 12 })
    expect(state.worker).toMatchObject({ alive: false, worker_id: 'worker-1' })
    expect(state.worker.heartbeat_age_ms).toBeGreaterThan(HEARTBEAT_DEAD_AFTER_MS)
    expect(state.exchanges.kraken?.connected).toBe(false)
  })

  it('takes a clock that runs ahead for a fresh heartbeat', async () => {
    await beat({ sent_at: ago(-5_000) })
    expect(await health()).toMatchObject({ http: 200, worker: { heartbeat_age_ms: 0 } })
  })

  it.each(['{', '"x"', '{"worker_id":"worker-1"}', ''])(
    'survives the heartbeat %j',
    async (text) => {
      await stack.redis.set(workerKey('worker-1'), text)
      await stack.redis.set(KEYS.lease, 'worker-1')
      expect(await health()).toMatchObject({ http: 503, status: 'down', worker: { alive: false } })
    },
  )

  it('survives keys of the wrong type', async () => {
    await stack.redis.set(KEYS.exchanges, 'not a hash')
    await stack.redis.hset(KEYS.lease, 'not', 'a string')
    const state = await health()
    expect(state).toMatchObject({ http: 503, status: 'down', postgres: { ok: true } })
  })

  it('is degraded without postgres', async () => {
    await beat()
    await stack.closeNeon()
    expect(await health()).toMatchObject({
      ...{ http: 200, status: 'degraded', redis: { ok: true }, worker: { alive: true } },
      postgres: { ok: false, latency_ms: null, error: 'not reachable' },
    })
  })

  it('is down without redis', async () => {
    await beat()
    await stack.closeUpstash()
    expect(await health()).toMatchObject({
      ...{ http: 503, status: 'down', exchanges: {}, postgres: { ok: true } },
      redis: { ok: false, latency_ms: null, error: 'not reachable' },
      worker: { alive: false, heartbeat_age_ms: null },
    })
  })

  it('answers without either', async () => {
    await Promise.all([stack.closeUpstash(), stack.closeNeon()])
    expect(await health()).toMatchObject({
      ...{ http: 503, status: 'down', redis: { ok: false }, postgres: { ok: false } },
    })
  })

  it('answers in bounded time when the stores hang', async () => {
    await beat()
    await stack.redis.client('PAUSE', 5_000, 'ALL')
    const state = await health()
    expect(state.redis).toMatchObject({
      ok: false,
      error: expect.stringMatching(/no answer within/),
    })
  }, 25_000)
})

describe('GET /ready', () => {
  it('is ready when a worker has a live exchange', async () => {
    await beat()
    expect(await ready()).toBeNull()
  })

  it('says why it is not', async () => {
    expect(await ready()).toBe('no worker is alive')
    const well = heartbeat()
    const exchanges = { kraken: exchangeStatus({ connected: false }) }
    await beat({ health: { ...well.health, exchanges } })
    expect(await ready()).toBe('no exchange is live')
    await stack.closeUpstash()
    expect(await ready()).toBe('redis is not reachable')
  })
})

it('refuses parameters', async () => {
  expect((await fetchProblem(`${stack.url}/health?verbose=1`)).status).toBe(400)
})
