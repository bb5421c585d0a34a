import type { Redis } from 'ioredis'
import { expect, it } from 'vitest'
import type { Redis as RedisServer } from '../../sandbox/redis.ts'
import type { Clock } from '../../shared/clock.ts'
import { GROUPS, KEYS } from '../../shared/keys.ts'
import { silentLog } from '../../shared/log.ts'
import { createQueues } from '../alerts/jobs.ts'
import { createEnqueue } from '../alerts/queue.ts'
import { connectRedis } from '../publish/redis.ts'
import { detected } from '../publish/testing.ts'
import { useRedis } from '../publish/testing-redis.ts'
import { readStoreFigures } from './store-figures.ts'

const NOW_MS = Date.parse('2026-01-02T00:00:00Z')
const clock: Clock = { monotonic_ms: () => 0, wall_ms: () => NOW_MS }

let server: RedisServer
let redis: Redis

useRedis('patient', (connected, started) => {
  redis = connected
  server = started
})

async function add(id: string): Promise<{ id: string; fields: Record<string, string> }> {
  const { type, timestamp, data } = detected(id)
  const fields = { type, timestamp, data: JSON.stringify(data) }
  const entry = await redis.xadd(KEYS.events, '*', ...Object.entries(fields).flat())
  return { id: String(entry), fields }
}

it('has figures before anything was ever written', async () => {
  const figures = await readStoreFigures(redis, clock)
  expect(figures).toMatchObject({ groups: [], memory_limit_bytes: 0, backup_age_ms: null })
  expect(figures.memory_bytes).toBeGreaterThan(100_000)
  expect(figures.queues).toContainEqual({ queue: 'alerts', state: 'wait', jobs: 0 })
})

it('tells how far each group is behind, what waits in the queues and how old the backup is', async () => {
  const first = await add('a')
  await add('b')
  await add('c')
  await redis.xgroup('CREATE', KEYS.events, GROUPS.archive, '0')
  await redis.xgroup('CREATE', KEYS.events, GROUPS.alerts, '$')
  await redis.xreadgroup('GROUP', GROUPS.archive, 'me', 'COUNT', 1, 'STREAMS', KEYS.events, '>')
  const queue_redis = connectRedis(server.url, 'patient', 'queue', silentLog)
  await createEnqueue(createQueues(queue_redis, silentLog), silentLog)([first])
  queue_redis.disconnect()
  await redis.set(KEYS.backup, '2026-01-01T23:00:00.000Z')
  await redis.config('SET', 'maxmemory', '64mb')
  const figures = await readStoreFigures(redis, clock)
  expect(figures.groups).toEqual([
    { group: 'alerts', lag: 0, pending: 0 },
    { group: 'archive', lag: 2, pending: 1 },
  ])
  expect(figures.queues).toContainEqual({ queue: 'alerts', state: 'wait', jobs: 1 })
  expect(figures.queues).toContainEqual({ queue: 'deliveries', state: 'wait', jobs: 0 })
  expect(figures).toMatchObject({ memory_limit_bytes: 64 << 20, backup_age_ms: 3_600_000 })
  await redis.config('SET', 'maxmemory', '0')
})

it('fails while Redis does not answer, so that no old figure stands for the present', async () => {
  const away = connectRedis('redis://127.0.0.1:1', 'command', 'away', silentLog)
  await expect(readStoreFigures(away, clock)).rejects.toThrow()
  away.disconnect()
})
