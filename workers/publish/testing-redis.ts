/** For tests: a Redis of a file's own, connected as the worker is, and empty before each test. */
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, vi } from 'vitest'
import { type Redis as RedisServer, startRedis } from '../../sandbox/redis.ts'
import { silentLog } from '../../shared/log.ts'
import { connectRedis } from './redis.ts'

/** To be called before the file's own hooks: they find it connected and empty. */
export function useRedis(
  kind: Parameters<typeof connectRedis>[1],
  take: (redis: Redis, server: RedisServer) => void,
): void {
  let server: RedisServer
  let redis: Redis
  beforeAll(async () => {
    server = await startRedis()
    redis = connectRedis(server.url, kind, 'test', silentLog)
    take(redis, server)
  })
  beforeEach(async () => {
    await vi.waitUntil(() => redis.status === 'ready')
    await redis.flushall()
  })
  afterAll(async () => {
    redis.disconnect()
    await server.stop()
  })
}
