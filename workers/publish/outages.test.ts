/** The way into Redis over a network that fails and over a failover: nothing lost, nothing twice, in order. */
import type { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Fault, type FaultProxy, startFaultProxy } from '../../sandbox/faults.ts'
import { type Redis as RedisServer, startRedis } from '../../sandbox/redis.ts'
import { systemClock } from '../../shared/clock.ts'
import { eventFromStream } from '../../shared/event.ts'
import { KEYS } from '../../shared/keys.ts'
import { silentLog } from '../../shared/log.ts'
import { connectRedis } from './redis.ts'
import { Publisher } from './stream.ts'
import { detected, expired, updated } from './testing.ts'

let servers: RedisServer[]
/** past the network, one for each server */
let observers: Redis[]
let proxy: FaultProxy
let redis: Redis
let publisher: Publisher
let made: string[]

beforeAll(async () => {
  servers = [await startRedis(), await startRedis()]
  observers = servers.map(({ url }) => connectRedis(url, 'patient', 'observer', silentLog))
})
afterAll(async () => {
  for (const observer of observers) observer.disconnect()
  for (const server of servers) await server.stop()
})
beforeEach(async () => {
  const [main] = servers
  proxy = await startFaultProxy(main!.url)
  await observers[0]!.flushall()
  await observers[0]!.set(KEYS.fence, 1)
  redis = connectRedis(proxy.url, 'command', 'test', silentLog)
  made = []
  publisher = new Publisher({
    redis,
    shard: 0,
    clock: systemClock,
    log: silentLog,
    relieve: async () => 0,
    onFenced: () => {},
    onPublished: () => {},
  })
  publisher.lead(1, false)
  await publish(50)
  expect(await publisher.flush(10_000)).toBe(true)
})
afterEach(async () => {
  publisher.resign()
  redis.disconnect()
  await proxy.close()
})

/** Lives that begin and end over a while, as a market makes them. */
async function publish(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const id = `x${made.length}`
    publisher.publish([detected(id), updated(id, '1'), expired(id)])
    made.push(`detected opp_${id}`, `expired opp_${id}`)
    if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

async function arrived(observer = observers[0]!): Promise<string[]> {
  const entries = await observer.xrange(KEYS.events, '-', '+')
  return entries
    .map(([id, [, type, , timestamp, , data]]) =>
      eventFromStream(id, { type: type!, timestamp: timestamp!, data: data! }),
    )
    .map(({ type, data }) => `${type.split('.')[1]} ${data.id}`)
    .filter((line) => !line.startsWith('updated'))
}

describe('the way into redis', () => {
  it.each<[string, Fault]>([
    ['is refused', { kind: 'down' }],
    ['swallows everything', { kind: 'timeout' }],
    ['is reset', { kind: 'reset_peer' }],
    ['is slow', { kind: 'latency', latency_ms: 100 }],
    ['carries a few bytes at a time', { kind: 'slicer', bytes: 1_000, delay_ms: 1 }],
  ])('loses and repeats nothing when the network %s', async (_what, fault) => {
    await proxy.set(fault)
    await publish(100)
    await publisher.flush(500)
    await proxy.set(null)
    await publish(20)
    expect(await publisher.flush(20_000)).toBe(true)
    expect(await arrived()).toEqual(made)
  })

  it('repeats nothing when only the answers are lost', async () => {
    for (let round = 0; round < 3; round++) {
      const publishing = publish(100)
      await new Promise((resolve) => setTimeout(resolve, 15))
      await proxy.set({ kind: 'reset_peer' })
      await proxy.set(null)
      await publishing
    }
    expect(await publisher.flush(20_000)).toBe(true)
    expect(await arrived()).toEqual(made)
  })

  it('finds the new master after a failover, and goes on where the old one was', async () => {
    const [old_master, new_master] = servers as [RedisServer, RedisServer]
    const [former, replica] = observers as [Redis, Redis]
    await former.config('SET', 'repl-diskless-sync-delay', 0)
    // neither leaves a dump behind
    for (const one of observers) await one.config('SET', 'repl-diskless-load', 'swapdb')
    await replica.replicaof('127.0.0.1', old_master.port)
    const isReplicated = async () => (await arrived(replica)).length === made.length
    await vi.waitUntil(() => isReplicated().catch(() => false), { timeout: 20_000, interval: 50 })
    // the old one turns into a replica first, as a failover does: it answers READONLY
    await replica.replicaof('NO', 'ONE')
    await former.replicaof('127.0.0.1', new_master.port)
    await publish(50)
    expect(await publisher.flush(300)).toBe(false)
    proxy.retarget(new_master.port)
    expect(await publisher.flush(20_000)).toBe(true)
    expect(await arrived(replica)).toEqual(made)
    await former.replicaof('NO', 'ONE')
  })
})
