import type { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { type Redis as RedisServer, startRedis } from '../../sandbox/redis.ts'
import { GROUPS, KEYS } from '../../shared/keys.ts'
import { silentLog } from '../../shared/log.ts'
import { connectRedis } from './redis.ts'
import { createTrim } from './trim.ts'

let server: RedisServer
let redis: Redis

beforeAll(async () => {
  server = await startRedis()
  redis = connectRedis(server.url, 'command', 'test', silentLog)
  await vi.waitUntil(() => redis.status === 'ready')
  // exact: a node of the stream is cut whole or not at all
  await redis.config('SET', 'stream-node-max-entries', 1)
})
afterAll(async () => {
  redis.disconnect()
  await server.stop()
})
beforeEach(async () => {
  await redis.flushall()
  for (let i = 1; i <= 100; i++) await redis.xadd(KEYS.events, `${i}-0`, 'n', i)
})

const oldest = async () => (await redis.xrange(KEYS.events, '-', '+', 'COUNT', 1))[0]?.[0]

/** A group that has read so many entries and finished some of them. */
async function group(name: string, read: number, unfinished: readonly number[] = []) {
  await redis.xgroup('CREATE', KEYS.events, name, '0')
  if (read === 0) return
  await redis.xreadgroup('GROUP', name, 'one', 'COUNT', read, 'STREAMS', KEYS.events, '>')
  const ids = Array.from({ length: read }, (_, i) => i + 1)
  const done = ids.filter((id) => !unfinished.includes(id)).map((id) => `${id}-0`)
  await redis.xack(KEYS.events, name, ...done)
}

it('keeps the newest entries', async () => {
  const { trim } = createTrim(redis, 30)
  expect(await trim()).toBe(70)
  expect(await oldest()).toBe('71-0')
  expect(await trim()).toBe(0)
})

it('keeps what a group has not read, or has in its hands', async () => {
  const { trim } = createTrim(redis, 30)
  await group(GROUPS.alerts, 100)
  await group(GROUPS.archive, 40)
  await trim()
  expect(await oldest()).toBe('40-0')
  await redis.xgroup('DESTROY', KEYS.events, GROUPS.archive)
  await redis.xgroup('CREATE', KEYS.events, GROUPS.archive, '0')
  await redis.xreadgroup('GROUP', GROUPS.archive, 'a', 'STREAMS', KEYS.events, '>')
  await redis.xack(KEYS.events, GROUPS.archive, '40-0', '41-0', '43-0')
  await trim()
  expect(await oldest()).toBe('42-0')
})

it('is not held up by a group that nobody knows', async () => {
  await group('experiment', 0)
  expect(await createTrim(redis, 30).trim()).toBe(70)
})

it('halves the stream when redis is full, but not what is unfinished', async () => {
  const { relieve } = createTrim(redis, 1_000)
  await group(GROUPS.archive, 80, [61])
  expect(await relieve()).toBe(50)
  expect(await relieve()).toBe(10)
  expect(await relieve()).toBe(0)
  expect(await oldest()).toBe('61-0')
})

it('has nothing to do without a stream', async () => {
  await redis.flushall()
  const { trim, relieve } = createTrim(redis, 30)
  expect([await trim(), await relieve()]).toEqual([0, 0])
})
