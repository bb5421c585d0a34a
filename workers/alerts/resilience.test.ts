/** Stores that vanish, workers that die and endpoints that never come back: what must survive does. */
import { Queue, Worker } from 'bullmq'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import { KEYS, QUEUE_PREFIX, QUEUES } from '../../shared/keys.ts'
import { silentLog } from '../../shared/log.ts'
import type { Opportunity } from '../../shared/opportunity.ts'
import { EndpointEvent } from '../../shared/webhook.ts'
import { connectRedis } from '../publish/redis.ts'
import { detected, exchangeStatus } from '../publish/testing.ts'
import { createDeliveryLog } from './delivery-log.ts'
import { createQueues, eventJob } from './jobs.ts'
import {
  type Received,
  type Receiver,
  type Room,
  startReceiver,
  startRoom,
  status,
} from './testing.ts'

const SOON = { timeout: 25_000, interval: 25 }

let room: Room
let receiver: Receiver
let count = 0

beforeAll(async () => {
  ;[room, receiver] = await Promise.all([startRoom(), startReceiver()])
})
afterAll(async () => {
  await room.stop()
  await receiver.stop()
})
afterEach(async () => {
  await room.stopWorkers()
  await room.redis.flushall()
  await room.pool.query('TRUNCATE webhook_endpoints, webhook_messages CASCADE')
})

async function newEndpoint(changes: Parameters<Room['endpoint']>[0] = {}) {
  const path = `/${++count}`
  return { ...(await room.endpoint({ url: receiver.url + path, ...changes })), path }
}
const idsAt = (path: string) => receiver.at(path).map(({ headers }) => headers['webhook-id'])
const arrived = (path: string, id: string) => vi.waitUntil(() => idsAt(path).includes(id), SOON)

describe('without PostgreSQL', () => {
  it('what is known stays in use, and what was delivered is on record afterwards, once', async () => {
    const { id, path } = await newEndpoint()
    room.worker()
    await arrived(path, await room.publish(detected('a')))
    await room.postgres.take()
    const ids: string[] = []
    for (let i = 0; i < 5; i++) ids.push(await room.publish(detected('b')))
    for (const one of ids) await arrived(path, one)
    await room.postgres.giveBack()
    const rows = await room.recorded(id, 6)
    expect(
      rows
        .map(({ message_id }) => message_id)
        .slice(1)
        .toSorted(),
    ).toEqual(ids.toSorted())
    // and its changes are heard again
    const later = await newEndpoint()
    await vi.waitUntil(async () => {
      await room.publish(detected('c'))
      return receiver.at(later.path).length > 0
    }, SOON)
  })

  it('from the start, alerts wait until the subscriptions are known', async () => {
    const { path } = await newEndpoint()
    await room.postgres.take()
    room.worker()
    const id = await room.publish(detected('a'))
    await vi.waitUntil(
      async () => (await room.redis.llen(`${QUEUE_PREFIX}:${QUEUES.alerts}:active`)) === 1,
      SOON,
    )
    await room.postgres.giveBack()
    await arrived(path, id)
  })
})

describe('Redis', () => {
  it('that comes back empty is used again at once', async () => {
    const { path } = await newEndpoint()
    room.worker()
    await arrived(path, await room.publish(detected('a')))
    await room.restartRedis(300)
    await arrived(path, await room.publish(detected('b')))
  })

  it('that is a replica for a while takes what waited when it leads again', async () => {
    const { path } = await newEndpoint()
    room.worker()
    await arrived(path, await room.publish(detected('a')))
    await room.redis.call('REPLICAOF', '127.0.0.1', '1')
    await new Promise((resolve) => setTimeout(resolve, 500))
    await room.redis.call('REPLICAOF', 'NO', 'ONE')
    await arrived(path, await room.publish(detected('b')))
  })
})

describe('a worker that died', () => {
  /** Takes one job of a queue as a worker does, and is never heard of again. */
  async function takeAndDie(queue: string): Promise<void> {
    const connection = connectRedis(room.redis_url, 'patient', 'dying', silentLog)
    const worker = new Worker(queue, null, {
      connection,
      prefix: QUEUE_PREFIX,
      lockDuration: 1_000,
      autorun: false,
    })
    worker.on('error', () => {})
    await vi.waitUntil(async () => (await worker.getNextJob('dead')) !== undefined, SOON)
    connection.disconnect()
  }

  it('with an alert in its hands, or a delivery, is replaced before the alert is too old', async () => {
    const { path, id } = await newEndpoint()
    const connection = connectRedis(room.redis_url, 'patient', 'queue', silentLog)
    const queues = createQueues(connection, silentLog)
    const timestamp = new Date().toISOString()
    const event = { ...detected('a'), timestamp, id: '5-0' }
    await queues.alert([eventJob(event)])
    await takeAndDie(QUEUES.alerts)
    const message = { id: '6-0', type: event.type, timestamp, body: '{}' }
    const delivery = { webhook_id: id, since_ms: Date.now(), message, kind: 'alert' as const }
    // whoever adds a delivery has logged its message
    await createDeliveryLog(connection).message(message)
    await queues.deliver([delivery])
    await takeAndDie(QUEUES.deliveries)
    connection.disconnect()
    room.worker()
    await Promise.all([arrived(path, '5-0'), arrived(path, '6-0')])
    const rows = await room.recorded(id, 1)
    expect(rows.every(({ result }) => result === 'success')).toBe(true)
  })

  it('with entries of the stream in its hands is replaced too', async () => {
    const { path } = await newEndpoint()
    const id = await room.publish(detected('a'))
    await room.redis.xgroup('CREATE', KEYS.events, 'alerts', '0')
    await room.redis.xreadgroup('GROUP', 'alerts', 'dead', 'STREAMS', KEYS.events, '>')
    room.worker()
    await arrived(path, id)
  })
})

describe('two workers', () => {
  it('both send what one of them was too busy to keep, with one id, and both have it on record', async () => {
    const { id, path } = await newEndpoint()
    const answers: (() => void)[] = []
    receiver.behave(path, (response) => answers.push(() => response.end()))
    const patient = { egress: { allow_local: true, timeout_ms: 12_000 } }
    room.worker(patient)
    room.worker(patient)
    const event_id = await room.publish(detected('a'))
    await arrived(path, event_id)
    // as if its loop had been blocked for longer than it may keep a job
    await room.redis.del(`${QUEUE_PREFIX}:${QUEUES.deliveries}:${id}-${event_id}:lock`)
    await vi.waitUntil(() => receiver.at(path).length === 2, SOON)
    expect(idsAt(path)).toEqual([event_id, event_id])
    for (const answer of answers) answer()
    const rows = await room.recorded(id, 2)
    expect(rows.map(({ result }) => result)).toEqual(['success', 'success'])
  })

  it('share the work, and each alert goes out once', async () => {
    const { path } = await newEndpoint()
    room.worker()
    room.worker()
    const ids = await Promise.all(Array.from({ length: 40 }, () => room.publish(detected('a'))))
    for (const id of ids) await arrived(path, id)
    expect(receiver.at(path)).toHaveLength(ids.length)
  })
})

describe('many deliveries that wait', () => {
  it('are begun while the rest still waits: what is taken and not begun would lose its lock', async () => {
    const { path, id } = await newEndpoint()
    const connection = connectRedis(room.redis_url, 'patient', 'queue', silentLog)
    const queues = createQueues(connection, silentLog)
    const timestamp = new Date().toISOString()
    const deliveries = Array.from({ length: 300 }, (_, i) => {
      const message = { id: `7-${i}`, type: 'opportunity.detected', timestamp, body: '{}' }
      return { webhook_id: id, since_ms: Date.now(), message, kind: 'alert' as const }
    })
    await queues.deliver(deliveries)
    const taken: Promise<number>[] = []
    receiver.behave(path, (response) => {
      taken.push(room.redis.llen(`${QUEUE_PREFIX}:${QUEUES.deliveries}:active`))
      response.end()
    })
    room.worker()
    await vi.waitUntil(() => idsAt(path).length === deliveries.length, SOON)
    expect(new Set(idsAt(path)).size).toBe(deliveries.length)
    expect(await taken[0]).toBeLessThan(100)
    connection.disconnect()
  })
})

describe('a job that nobody can read', () => {
  it('is a dead letter, and the only kind of one', async () => {
    const failing = await newEndpoint()
    receiver.behave(failing.path, status(400))
    const connection = connectRedis(room.redis_url, 'patient', 'queue', silentLog)
    const queue = new Queue(QUEUES.deliveries, { connection, prefix: QUEUE_PREFIX })
    await queue.add('nonsense', { hello: 'world' }, { jobId: 'nonsense', attempts: 5 })
    const instant = { pauses_ms: [1], jitter: 0, lifetime_ms: 15_000 }
    room.worker({ schedules: { opportunity: instant, patient: instant } })
    await room.publish(detected('a'))
    await room.recorded(failing.id, 2)
    await vi.waitUntil(async () => (await queue.getFailedCount()) === 1, SOON)
    expect((await queue.getFailed()).map(({ id }) => id)).toEqual(['nonsense'])
    await queue.close()
    connection.disconnect()
  })
})

describe('an endpoint that has failed for five days', () => {
  const DAY_MS = 86_400_000

  async function failedBefore(endpoint_id: string, ages_ms: readonly number[]) {
    await room.pool.query(`INSERT INTO webhook_messages (id, type, body) VALUES ('1-0', 'x', '')`)
    for (const [i, age_ms] of ages_ms.entries()) {
      await room.pool.query(
        `INSERT INTO webhook_attempts (endpoint_id, message_id, attempt, log_id, result, attempted_at)
         VALUES ($1, '1-0', 1, $2, 'failure', $3)`,
        [endpoint_id, `1-${i}`, new Date(Date.now() - age_ms)],
      )
    }
  }
  const isEnabled = async (id: string) => {
    const sql = 'SELECT enabled, disabled_reason FROM webhook_endpoints WHERE id = $1'
    return (await room.pool.query(sql, [id])).rows[0]
  }

  it('is switched off when it fails once more, and its owner hears of it', async () => {
    const failing_since = new Date(Date.now() - 5.5 * DAY_MS)
    const failing = await newEndpoint({ failing_since })
    const sibling = await newEndpoint({ event_types: [] })
    receiver.behave(failing.path, status(500))
    await failedBefore(
      failing.id,
      [5.5, 4, 3, 2, 1].map((days) => days * DAY_MS),
    )
    room.worker()
    await room.publish(detected('a'))
    await vi.waitUntil(() => receiver.at(sibling.path).length === 1, SOON)
    const [{ body }] = receiver.at(sibling.path) as [Received]
    expect(EndpointEvent.parse(JSON.parse(body)).data).toEqual({
      webhook_id: failing.id,
      url_host: new URL(receiver.url).host,
      reason: 'failing',
      failing_since: failing_since.toISOString(),
    })
    const off = { enabled: false, disabled_reason: 'failing' }
    expect(await isEnabled(failing.id)).toEqual(off)
  })

  it('stays on when there was next to nothing to fail at', async () => {
    const failing = await newEndpoint({ failing_since: new Date(Date.now() - 6 * DAY_MS) })
    receiver.behave(failing.path, status(500))
    await failedBefore(
      failing.id,
      [6, 5, 4].map((days) => days * DAY_MS),
    )
    room.worker()
    await room.publish(detected('a'))
    await room.recorded(failing.id, 4)
    const done = async () => {
      const key = `${QUEUE_PREFIX}:${QUEUES.alerts}:completed`
      const jobs = await room.redis.zrange(key, '0', '-1')
      return jobs.some((id) => id.startsWith('disable-'))
    }
    await vi.waitUntil(done, SOON)
    expect(await isEnabled(failing.id)).toEqual({ enabled: true, disabled_reason: null })
  })

  it('counts by the clock that it is given', async () => {
    const failing = await newEndpoint({ event_types: ['exchange.status'] })
    receiver.behave(failing.path, status(500))
    let ahead_ms = 0
    const clock = { ...systemClock, wall_ms: () => Date.now() + ahead_ms }
    const instant = { pauses_ms: [1, 1, 1, 1, 1], jitter: 0, lifetime_ms: null }
    room.worker({ clock, schedules: { opportunity: instant, patient: instant } })
    await room.publish(exchangeStatus('kraken', true))
    await room.recorded(failing.id, 6)
    await vi.waitUntil(async () => {
      const sql = 'SELECT failing_since FROM webhook_endpoints WHERE id = $1'
      return (await room.pool.query(sql, [failing.id])).rows[0].failing_since !== null
    }, SOON)
    ahead_ms = 5 * DAY_MS + 60_000
    await room.publish(exchangeStatus('kraken', false))
    await vi.waitUntil(async () => !(await isEnabled(failing.id)).enabled, SOON)
  })
})

describe('min_interval_ms', () => {
  it('survives the death of a worker between the window and its end', async () => {
    const { path } = await newEndpoint({ min_interval_ms: 1_500 })
    const state = (profit_percent: string) =>
      ({
        ...detected('a'),
        data: { ...(detected('a').data as Opportunity), profit_percent },
      }) as const
    room.worker()
    await arrived(path, await room.publish(state('1') as ReturnType<typeof detected>))
    const waiting = await room.publish(state('2') as ReturnType<typeof detected>)
    const isPlanned = async () =>
      (await room.redis.zcard(`${QUEUE_PREFIX}:${QUEUES.alerts}:delayed`)) === 1
    await vi.waitUntil(isPlanned, SOON)
    await room.stopWorkers()
    expect(idsAt(path)).not.toContain(waiting)
    room.worker()
    await arrived(path, waiting)
  })
})
