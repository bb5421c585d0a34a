import type { Pool } from 'pg'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { borrowDatabase, type Database } from '../../sandbox/testing-shared.ts'
import type { Clock } from '../../shared/clock.ts'
import { silentLog } from '../../shared/log.ts'
import { createArchive } from '../publish/archive.ts'
import { expired, opportunity } from '../publish/testing.ts'
import { connectPostgres } from './postgres.ts'
import {
  createRetentionLook,
  cutHistory,
  type RetentionOptions,
  startRetention,
} from './retention.ts'

const NOW_MS = Date.parse('2026-06-01T00:00:00Z')
const clock: Clock = { monotonic_ms: () => 0, wall_ms: () => NOW_MS }
const daysAgo = (days: number) => new Date(NOW_MS - days * 86_400_000).toISOString()

let database: Database
let pool: Pool

beforeAll(async () => {
  database = await borrowDatabase('migrated')
  pool = connectPostgres(database.url, silentLog)
})
afterAll(async () => {
  await pool.end()
  await database.drop()
})

beforeEach(async () => {
  await pool.query('TRUNCATE opportunities, webhook_messages, webhook_endpoints CASCADE')
  const ages = [0, 1, 89, 89.99, 90.01, 91, 92, 200, 400]
  const entries = ages.map((age, index) => {
    const { type, timestamp } = expired('x')
    const data = JSON.stringify(opportunity(`${age}`, { detected_at: daysAgo(age) }))
    return { id: `${index + 1}-0`, fields: { type, timestamp, data } }
  })
  await createArchive(pool, silentLog)(entries)
  await pool.query(
    `INSERT INTO webhook_endpoints (id, url, event_types, filters, secret, created_at)
     VALUES ('ep_1', 'https://x.example/', '[]', '{}', 'whsec_x', $1)`,
    [daysAgo(1_000)],
  )
  for (const age of [1, 100]) {
    await pool.query(
      "INSERT INTO webhook_messages (id, type, body, created_at) VALUES ($1, 't', '{}', $2)",
      [`${age}`, daysAgo(age)],
    )
    await pool.query(
      `INSERT INTO webhook_attempts (endpoint_id, message_id, attempt, log_id, result)
       VALUES ('ep_1', $1, 1, $2, 'success')`,
      [`${age}`, `log ${age}`],
    )
  }
})

function options(changes: Partial<RetentionOptions> = {}) {
  const deleted: [string, number][] = []
  const onDeleted = (table: string, rows: number) => deleted.push([table, rows])
  const base = { pool, clock, log: silentLog, days: 90, is_leader: () => true, onDeleted }
  return { deleted, wish: { ...base, ...changes } }
}

const left = async () =>
  (await pool.query('SELECT id FROM opportunities ORDER BY detected_at DESC')).rows.map(({ id }) =>
    id.replace('opp_', ''),
  )
const count = async (table: string) =>
  Number((await pool.query(`SELECT count(*) FROM ${table}`)).rows[0].count)
const never = new AbortController().signal

it('deletes what is older, in batches, and nothing that is not', async () => {
  const { deleted, wish } = options({ batch_rows: 2 })
  await cutHistory(wish, never)
  expect(await left()).toEqual(['0', '1', '89', '89.99'])
  expect(deleted).toEqual([
    ['opportunities', 2],
    ['opportunities', 2],
    ['opportunities', 1],
    ['webhook_messages', 1],
  ])
  expect(await count('webhook_messages')).toBe(1)
  expect(await count('webhook_attempts')).toBe(1)
  expect(await count('webhook_endpoints')).toBe(1)
})

it('goes on with the oldest, so that a break leaves no holes', async () => {
  let turns = 0
  const { wish } = options({ batch_rows: 2, is_leader: () => turns++ < 1 })
  await cutHistory(wish, never)
  expect(await left()).toEqual(['0', '1', '89', '89.99', '90.01', '91', '92'])
})

it('is done by the leader alone, once an hour, and again soon when it failed', async () => {
  let now_ms = 0
  let leads = false
  const { deleted, wish } = options({
    clock: { ...clock, monotonic_ms: () => now_ms },
    is_leader: () => leads,
  })
  const asked = vi.spyOn(pool, 'query')
  const look = createRetentionLook(wish, never)
  const minute = () => {
    now_ms += 60_000
    return look()
  }
  await minute()
  expect(asked).not.toHaveBeenCalled()
  leads = true
  asked.mockRejectedValueOnce(new Error('the database is away') as never)
  await expect(minute()).rejects.toThrow('away')
  await minute()
  expect(deleted).toEqual([
    ['opportunities', 5],
    ['webhook_messages', 1],
  ])
  for (let i = 0; i < 59; i++) await minute()
  expect(asked).toHaveBeenCalledTimes(3)
  await minute()
  expect(asked).toHaveBeenCalledTimes(5)
  asked.mockRestore()
})

it('deletes nothing when everything is to be kept', async () => {
  const { deleted, wish } = options({ days: 0 })
  const stop = startRetention(wish)
  await stop()
  expect(deleted).toEqual([])
  expect(await left()).toHaveLength(9)
})

it('finds what is old by an index', async () => {
  for (const [table, column] of [
    ['opportunities', 'detected_at'],
    ['webhook_messages', 'created_at'],
  ]) {
    const client = await pool.connect()
    await client.query('SET enable_seqscan = off; SET enable_sort = off')
    const { rows } = await client.query(
      `EXPLAIN SELECT id FROM ${table} WHERE ${column} < now() ORDER BY ${column} LIMIT 1000`,
    )
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    client.release(true)
    expect(plan).toMatch(/Index (Only )?Scan Backward using/)
  }
})
