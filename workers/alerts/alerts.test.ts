import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Redis as RedisServer, startRedis } from '../../sandbox/redis.ts'
import { systemClock } from '../../shared/clock.ts'
import type { Draft } from '../../shared/event.ts'
import { GROUPS, KEYS, QUEUE_PREFIX, QUEUES } from '../../shared/keys.ts'
import { silentLog } from '../../shared/log.ts'
import { GroupConsumer } from '../publish/group.ts'
import { connectRedis } from '../publish/redis.ts'
import { detected, exchangeStatus, expired, measured } from '../publish/testing.ts'
import { useRedis } from '../publish/testing-redis.ts'
import { startDispatcher } from './dispatch.ts'
import { createQueues } from './jobs.ts'
import { createEnqueue } from './queue.ts'

let server: RedisServer
let redis: Redis
let queue: Queue
const stops: (() => Promise<unknown>)[] = []

useRedis('patient', (connected, started) => {
  redis = connected
  server = started
})
beforeEach(async () => {
  queue = new Queue(QUEUES.alerts, { connection: redis, prefix: QUEUE_PREFIX })
  stops.push(() => queue.close())
})
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

function add({ type, timestamp, data }: Draft): Promise<string | null> {
  const fields = ['type', type, 'timestamp', timestamp, 'data', JSON.stringify(data)]
  return redis.xadd(KEYS.events, '*', ...fields)
}

type Enqueue = ReturnType<typeof createEnqueue>

function startGroup(enqueue: Enqueue, consumer: string): void {
  const group = new GroupConsumer({
    redis: connectRedis(server.url, 'patient', consumer, silentLog),
    stream: KEYS.events,
    group: GROUPS.alerts,
    consumer,
    clock: systemClock,
    log: silentLog,
    handle: enqueue,
    claim_after_ms: 200,
  })
  group.start()
  stops.push(() => group.stop(5_000))
}

function newQueue(url = server.url): Enqueue {
  const connection = connectRedis(url, 'patient', 'queue', silentLog)
  stops.push(async () => connection.disconnect())
  return createEnqueue(createQueues(connection, silentLog), silentLog)
}

function dispatch(onDispatched: (type: string, latency_ms: number) => void): void {
  const nothing = async () => {}
  const dispatcher = startDispatcher({
    redis: connectRedis(server.url, 'patient', 'dispatch', silentLog),
    clock: systemClock,
    log: silentLog,
    subscriptions: { ready: Promise.resolve() },
    router: { event: nothing, window: nothing },
    disable: nothing,
    onDispatched,
  })
  stops.push(() => dispatcher.close(3_000))
}

describe('the alert queue', () => {
  it('gets exactly one job an event, whoever reads it and however often', async () => {
    const ids = [
      await add(detected('a')),
      await add(expired('a')),
      await add(measured('a')),
      await add(exchangeStatus('kraken', false)),
    ]
    const alerts = newQueue()
    startGroup(alerts, 'one')
    startGroup(newQueue(), 'two')
    await vi.waitUntil(async () => (await queue.count()) === 4, { timeout: 10_000 })
    const raw = await redis.xrange(KEYS.events, '-', '+')
    const entries = raw.map(([id, [, type, , timestamp, , data]]) => {
      return { id, fields: { type: type!, timestamp: timestamp!, data: data! } }
    })
    await alerts(entries)
    const jobs = await queue.getJobs()
    expect(jobs.map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
    expect(jobs.map(({ name }) => name).toSorted()).toEqual([
      'exchange.status',
      'opportunity.detected',
      'opportunity.expired',
      'opportunity.measured',
    ])
  })

  it('knows an event again after its job is done', async () => {
    const seen: string[] = []
    await add(detected('a'))
    dispatch((type) => seen.push(type))
    const alerts = newQueue()
    startGroup(alerts, 'one')
    await vi.waitUntil(() => seen.length === 1, { timeout: 10_000 })
    const [[id, [, type, , timestamp, , data]]] = (await redis.xrange(KEYS.events, '-', '+')) as [
      [string, string[]],
    ]
    await vi.waitUntil(async () => (await queue.getCompletedCount()) === 1)
    await alerts([{ id, fields: { type: type!, timestamp: timestamp!, data: data! } }])
    expect(await queue.count()).toBe(0)
    expect(seen).toEqual(['opportunity.detected'])
  })

  it('adds the job once redis is there, even if it was away from the start', async () => {
    const late = await startRedis()
    const { port, url } = late
    await late.stop()
    const alerts = newQueue(url)
    const { type, timestamp, data } = detected('a')
    const fields = { type, timestamp, data: JSON.stringify(data) }
    const added = alerts([{ id: '1-0', fields }])
    const back = await startRedis({ port })
    await added
    const reader = connectRedis(url, 'patient', 'reader', silentLog)
    expect(await reader.exists(`${QUEUE_PREFIX}:${QUEUES.alerts}:1-0`)).toBe(1)
    reader.disconnect()
    await back.stop()
  })
})

describe('the dispatcher', () => {
  it('tells the type of each event and how long ago it happened', async () => {
    const told: [string, number][] = []
    dispatch((type, latency_ms) => told.push([type, latency_ms]))
    startGroup(newQueue(), 'one')
    const timestamp = new Date(Date.now() - 5_000).toISOString()
    await add({ ...detected('a'), timestamp })
    await vi.waitUntil(() => told.length === 1, { timeout: 10_000 })
    const [type, latency_ms] = told[0]!
    expect(type).toBe('opportunity.detected')
    expect(latency_ms).toBeGreaterThanOrEqual(5_000)
    expect(latency_ms).toBeLessThan(60_000)
  })

  it('fails what is no event for good and goes on', async () => {
    const told: string[] = []
    dispatch((type) => told.push(type))
    await queue.add('nonsense', { hello: 'world' }, { jobId: '1-0', attempts: 5 })
    startGroup(newQueue(), 'one')
    await add(detected('a'))
    await vi.waitUntil(() => told.length === 1, { timeout: 10_000 })
    await vi.waitUntil(async () => (await queue.getFailedCount()) === 1, { timeout: 10_000 })
    expect((await queue.getFailed())[0]?.attemptsMade).toBe(1)
  })
})
