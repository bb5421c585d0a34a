import type { Redis } from 'ioredis'
import { Pool } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Redis as RedisServer, startRedis } from '../../sandbox/redis.ts'
import { borrowDatabase, type Database } from '../../sandbox/testing-shared.ts'
import { systemClock } from '../../shared/clock.ts'
import type { Draft } from '../../shared/event.ts'
import { GROUPS, KEYS } from '../../shared/keys.ts'
import { type Log, silentLog } from '../../shared/log.ts'
import { connectPostgres } from '../ops/postgres.ts'
import { createArchive } from './archive.ts'
import { GroupConsumer, type StreamEntry } from './group.ts'
import { connectRedis } from './redis.ts'
import { detected, exchangeStatus, expired, measured, opportunity, updated } from './testing.ts'

let redis_server: RedisServer
let database: Database
let redis: Redis
let pool: Pool
const stops: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  redis_server = await startRedis()
  database = await borrowDatabase('migrated')
  redis = connectRedis(redis_server.url, 'patient', 'test', silentLog)
  pool = connectPostgres(database.url, silentLog)
})
afterAll(async () => {
  redis.disconnect()
  await pool.end()
  await redis_server.stop()
  await database.drop()
})
beforeEach(async () => {
  await redis.flushall()
  await pool.query('TRUNCATE opportunities')
})
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

function entry(id: string, draft: Draft): StreamEntry {
  const { type, timestamp, data } = draft
  return { id, fields: { type, timestamp, data: JSON.stringify(data) } }
}

function add(draft: Draft): Promise<string | null> {
  const { fields } = entry('', draft)
  return redis.xadd(KEYS.events, '*', ...Object.entries(fields).flat())
}

interface StoredRow {
  id: string
  status: string
  profit_percent: string
  sell_price: string
  last_event_id: string
  legs: unknown
  markouts: unknown
  detected_at: Date
}

async function rows(): Promise<StoredRow[]> {
  return (await pool.query<StoredRow>('SELECT * FROM opportunities ORDER BY id')).rows
}

function startArchive(handle: GroupConsumer['options']['handle'], consumer: string) {
  const group = new GroupConsumer({
    redis: connectRedis(redis_server.url, 'patient', consumer, silentLog),
    stream: KEYS.events,
    group: GROUPS.archive,
    consumer,
    clock: systemClock,
    log: silentLog,
    handle,
    claim_after_ms: 200,
  })
  group.start()
  stops.push(() => group.stop(5_000))
  return group
}

async function pending(): Promise<number> {
  const [count] = (await redis.xpending(KEYS.events, GROUPS.archive)) as [number]
  return count
}

describe('the archive', () => {
  it('keeps every digit and one row an opportunity, in its newest state', async () => {
    const archive = createArchive(pool, silentLog)
    await archive([
      entry('1-0', detected('a')),
      entry('1-1', exchangeStatus('kraken', true)),
      entry('1-2', updated('a', '1.2500')),
      entry('1-3', detected('b')),
    ])
    expect(await rows()).toMatchObject([
      {
        id: 'opp_a',
        status: 'detected',
        profit_percent: '1.2500',
        sell_price: '101.123456789012345',
        last_event_id: '1-2',
        legs: opportunity('a').legs,
        detected_at: new Date('2026-01-01T00:00:00.000Z'),
      },
      { id: 'opp_b', last_event_id: '1-3' },
    ])
  })

  it('is not changed by events that come again', async () => {
    const archive = createArchive(pool, silentLog)
    const entries = [entry('1-0', detected('a')), entry('2-0', expired('a'))]
    await archive(entries)
    const before = await rows()
    await archive(entries)
    await archive(entries.slice(0, 1))
    expect(await rows()).toEqual(before)
  })

  it('never lets an older event overwrite a newer one, by number and not by text', async () => {
    const archive = createArchive(pool, silentLog)
    await archive([entry('10-0', expired('a'))])
    await archive([entry('9-5', updated('a', '9'))])
    expect(await rows()).toMatchObject([{ status: 'expired', last_event_id: '10-0' }])
    await archive([entry('20-10', updated('b', '2')), entry('20-9', updated('b', '1'))])
    expect((await rows())[1]).toMatchObject({ profit_percent: '2', last_event_id: '20-10' })
    await archive([entry('20-9', updated('b', '1'))])
    expect((await rows())[1]).toMatchObject({ profit_percent: '2', last_event_id: '20-10' })
  })

  it('skips what is no event and what postgres refuses, tells it, and stores the rest', async () => {
    const error = vi.fn<Log['error']>()
    const archive = createArchive(pool, { ...silentLog, error })
    const refused = detected('c')
    Object.assign(refused.data, { symbol: `${'A'.repeat(100)}/USDT` })
    await archive([
      entry('1-0', detected('a')),
      { id: '1-1', fields: { type: 'opportunity.detected', timestamp: 'x', data: '{' } },
      entry('1-2', refused),
      entry('1-3', detected('d')),
    ])
    expect((await rows()).map(({ id }) => id)).toEqual(['opp_a', 'opp_d'])
    expect(error.mock.calls.map(([, fields]) => fields?.id)).toEqual(['1-1', 'opp_c'])
  })

  it('adds the markouts that come after the end, and keeps those known when they never come', async () => {
    const archive = createArchive(pool, silentLog)
    const known = [{ after_ms: 50, profit_percent: '0.4000' }]
    const ended: Draft = {
      type: 'opportunity.expired',
      timestamp: opportunity('b').detected_at,
      data: opportunity('b', { status: 'expired', expiry_reason: 'closed', markouts: known }),
    }
    await archive([entry('1-0', detected('a')), entry('1-1', expired('a')), entry('1-2', ended)])
    await archive([entry('1-3', measured('a'))])
    await archive([entry('1-1', expired('a'))])
    const stored = await rows()
    expect(stored.map(({ status }) => status)).toEqual(['expired', 'expired'])
    expect(stored[0]!.markouts).toEqual((measured('a').data as { markouts: unknown }).markouts)
    expect(stored[1]!.markouts).toEqual(known)
  })

  it('fails while postgres is away, so that the events are tried again', async () => {
    const nowhere = new Pool({ connectionString: 'postgres://127.0.0.1:1/x' })
    await expect(createArchive(nowhere, silentLog)([entry('1-0', detected('a'))])).rejects.toThrow()
    await nowhere.end()
  })
})

describe('the archive group', () => {
  it('stores what was in the stream before it came, and acknowledges after the commit', async () => {
    await add(detected('a'))
    startArchive(createArchive(pool, silentLog), 'one')
    await add(expired('a'))
    await vi.waitUntil(async () => (await rows())[0]?.status === 'expired', { timeout: 10_000 })
    await vi.waitUntil(async () => (await pending()) === 0, { timeout: 10_000 })
  })

  it('loses no row over an outage of postgres', async () => {
    const real = createArchive(pool, silentLog)
    let outage = true
    let attempts = 0
    startArchive(async (entries) => {
      attempts++
      if (outage) throw new Error('connect ECONNREFUSED')
      await real(entries)
    }, 'one')
    for (let i = 0; i < 300; i++) await add(detected(`x${i}`))
    await vi.waitUntil(() => attempts >= 3, { timeout: 10_000 })
    expect(await rows()).toEqual([])
    outage = false
    await vi.waitUntil(async () => (await rows()).length === 300, { timeout: 20_000 })
    await vi.waitUntil(async () => (await pending()) === 0, { timeout: 10_000 })
  })

  it('takes over what a dead consumer had begun', async () => {
    await redis.xgroup('CREATE', KEYS.events, GROUPS.archive, '0', 'MKSTREAM')
    await add(detected('a'))
    await redis.xreadgroup('GROUP', GROUPS.archive, 'dead', 'STREAMS', KEYS.events, '>')
    expect(await pending()).toBe(1)
    startArchive(createArchive(pool, silentLog), 'alive')
    await vi.waitUntil(async () => (await rows()).length === 1, { timeout: 10_000 })
    await vi.waitUntil(async () => (await pending()) === 0, { timeout: 10_000 })
  })

  it('goes on when redis lost the group', async () => {
    startArchive(createArchive(pool, silentLog), 'one')
    await add(detected('a'))
    await vi.waitUntil(async () => (await rows()).length === 1, { timeout: 10_000 })
    await redis.flushall()
    await add(detected('b'))
    await vi.waitUntil(async () => (await rows()).length === 2, { timeout: 10_000 })
  })

  it('stops within its deadline while its handler is stuck, and leaves the entries pending', async () => {
    const stuck = startArchive(() => Promise.reject(new Error('postgres is away')), 'stuck')
    await add(detected('a'))
    await vi.waitUntil(async () => (await pending().catch(() => 0)) === 1, { timeout: 10_000 })
    await stuck.stop(2_000)
    expect(await pending()).toBe(1)
  })
})
