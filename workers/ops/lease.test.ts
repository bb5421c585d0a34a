import type { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Redis as RedisServer, startRedis } from '../../sandbox/redis.ts'
import { KEYS } from '../../shared/keys.ts'
import { silentLog } from '../../shared/log.ts'
import { connectRedis } from '../publish/redis.ts'
import { Lease } from './lease.ts'

let server: RedisServer
let redis: Redis

beforeAll(async () => {
  server = await startRedis()
  redis = connectRedis(server.url, 'command', 'test', silentLog)
})
afterAll(async () => {
  redis.disconnect()
  await server.stop()
})
beforeEach(async () => {
  await vi.waitUntil(() => redis.status === 'ready')
  await redis.flushall()
})

const leases: Lease[] = []
afterEach(async () => {
  for (const lease of leases.splice(0)) await lease.release()
})

function contender(worker_id: string, ttl_ms = 60_000) {
  const told: string[] = []
  const lease = new Lease({
    redis,
    worker_id,
    log: silentLog,
    ttl_ms,
    // Turns are asked for by hand where the order matters.
    every_ms: 3_600_000,
    onLead: (token, kind) => told.push(`${kind} ${token}`),
    onLose: () => told.push('lost'),
  })
  leases.push(lease)
  return { lease, told }
}

describe('Lease', () => {
  it('is held by one worker, which keeps its token when it renews', async () => {
    const [a, b] = [contender('a'), contender('b')]
    await a.lease.ask()
    await b.lease.ask()
    await a.lease.ask()
    expect(a.told).toEqual(['new 1'])
    expect(b.told).toEqual([])
    expect([a.lease.token, b.lease.token]).toEqual([1, null])
    expect(await redis.get(KEYS.lease)).toBe('a')
  })

  it('passes on with a greater token when it is released', async () => {
    const [a, b] = [contender('a'), contender('b')]
    await a.lease.ask()
    await a.lease.release()
    await b.lease.ask()
    expect(a.lease.token).toBeNull()
    expect(b.told).toEqual(['new 2'])
  })

  it('runs out when its holder is dead, and the late holder learns it', async () => {
    const [a, b] = [contender('a', 50), contender('b')]
    await a.lease.ask()
    await vi.waitUntil(async () => (await redis.exists(KEYS.lease)) === 0, { timeout: 10_000 })
    await b.lease.ask()
    await a.lease.ask()
    expect(b.told).toEqual(['new 2'])
    expect(a.told).toEqual(['new 1', 'lost'])
  })

  it('goes on with the same token when it ran out and nobody else led', async () => {
    const a = contender('a', 50)
    await a.lease.ask()
    await vi.waitUntil(async () => (await redis.exists(KEYS.lease)) === 0, { timeout: 10_000 })
    await a.lease.ask()
    expect(a.told).toEqual(['new 1'])
    expect(a.lease.token).toBe(1)
  })

  it('begins anew when another worker led and left in between', async () => {
    const [a, b] = [contender('a', 50), contender('b')]
    await a.lease.ask()
    await vi.waitUntil(async () => (await redis.exists(KEYS.lease)) === 0, { timeout: 10_000 })
    await b.lease.ask()
    await b.lease.release()
    await a.lease.ask()
    expect(a.told).toEqual(['new 1', 'new 3'])
  })

  it('tells when redis came back empty, and its token still grows', async () => {
    const a = contender('a')
    await a.lease.ask()
    await redis.flushall()
    await a.lease.ask()
    expect(a.told).toEqual(['new 1', 'restored 2'])
    expect(await redis.get(KEYS.fence)).toBe('2')
  })

  it('does not release a lease that is not its own', async () => {
    const [a, b] = [contender('a'), contender('b')]
    await a.lease.ask()
    await b.lease.release()
    expect(await redis.get(KEYS.lease)).toBe('a')
  })

  it('keeps its term while redis is away', async () => {
    const away = connectRedis(server.url, 'command', 'away', silentLog)
    await vi.waitUntil(() => away.status === 'ready')
    const told: string[] = []
    const lease = new Lease({
      redis: away,
      worker_id: 'a',
      log: silentLog,
      onLead: (token) => told.push(`lead ${token}`),
      onLose: () => told.push('lost'),
    })
    await lease.ask()
    away.disconnect()
    await lease.ask()
    expect(told).toEqual(['lead 1'])
    expect(lease.token).toBe(1)
    await lease.release()
  })

  it('renews by itself and lets a standby in after release', async () => {
    const make = (worker_id: string) =>
      new Lease({
        redis,
        worker_id,
        log: silentLog,
        ttl_ms: 400,
        every_ms: 50,
        onLead: () => {},
        onLose: () => {},
      })
    const [a, b] = [make('a'), make('b')]
    leases.push(a, b)
    a.start()
    await vi.waitUntil(() => a.token !== null)
    b.start()
    const first_ttl_end = Date.now() + 1_000
    await vi.waitUntil(() => Date.now() > first_ttl_end, { timeout: 5_000 })
    expect([a.token, b.token]).toEqual([1, null])
    await a.release()
    await vi.waitUntil(() => b.token === 2, { timeout: 5_000 })
  })
})
