/** The delivery log on its way into PostgreSQL: twice is once, and what cannot be is told and skipped. */
import type { Pool } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { borrowDatabase, type Database } from '../../sandbox/testing-shared.ts'
import { systemClock } from '../../shared/clock.ts'
import { silentLog } from '../../shared/log.ts'
import { connectPostgres } from '../ops/postgres.ts'
import type { LoggedAttempt } from './delivery-log.ts'
import { createRecords } from './records.ts'
import { insertEndpoint } from './testing.ts'

let database: Database
let pool: Pool
let endpoint_id: string
const error = vi.fn()

beforeAll(async () => {
  database = await borrowDatabase('migrated')
  pool = connectPostgres(database.url, silentLog)
  ;({ id: endpoint_id } = await insertEndpoint(pool, {}))
})
afterAll(async () => {
  await pool.end()
  await database.drop()
})
beforeEach(async () => {
  error.mockClear()
  await pool.query('TRUNCATE webhook_messages CASCADE')
})

const store = (...entries: { id: string; fields: Record<string, string> }[]) =>
  createRecords({ pool: pool, clock: systemClock, log: { ...silentLog, error } })(entries)

const at = '2026-01-01T00:00:00.000Z'
const now = () => `${Date.now()}-0`
const message = (id: string, body = '{}') => ({
  id: '1-0',
  fields: { kind: 'message', data: JSON.stringify({ id, type: 'x', timestamp: at, body }) },
})
function attempt(log_id: string, message_id: string, changes: Partial<LoggedAttempt> = {}) {
  const data: LoggedAttempt = {
    endpoint_id,
    message_id,
    attempt: 1,
    result: 'success',
    response_status: 200,
    response_excerpt: 'ok',
    error: null,
    duration_ms: 7,
    attempted_at: at,
    ...changes,
  }
  return { id: log_id, fields: { kind: 'attempt', data: JSON.stringify(data) } }
}
async function logged(): Promise<string[]> {
  const { rows } = await pool.query('SELECT log_id FROM webhook_attempts ORDER BY id')
  return rows.map(({ log_id }) => log_id)
}

describe('records', () => {
  it('stores a message and its attempts once, however often they come', async () => {
    const batch = [message('5-0'), attempt('2-0', '5-0'), attempt('3-0', '5-0', { attempt: 2 })]
    await store(...batch)
    await store(...batch, message('5-0', 'another body'))
    expect(await logged()).toEqual(['2-0', '3-0'])
    const { rows } = await pool.query('SELECT id, body, created_at FROM webhook_messages')
    expect(rows).toEqual([{ id: '5-0', body: '{}', created_at: new Date(at) }])
  })

  it('leaves out attempts of endpoints that are gone', async () => {
    await store(
      message('5-0'),
      attempt('2-0', '5-0', { endpoint_id: 'wh_gone' }),
      attempt('3-0', '5-0'),
    )
    expect(await logged()).toEqual(['3-0'])
    expect(error).not.toHaveBeenCalled()
  })

  it('waits for a message that another worker is about to store, but not for ever', async () => {
    const young = attempt(now(), '5-0')
    await expect(store(young)).rejects.toThrow('on its way')
    await store(message('5-0'))
    await store(young)
    await store(attempt('2-0', 'never'))
    expect(await logged()).toEqual([young.id])
  })

  it('skips what PostgreSQL refuses and what is no entry, and stores the others', async () => {
    const broken = { id: '9-0', fields: { kind: 'attempt', data: '{"endpoint_id":7}' } }
    const nonsense = { id: '9-1', fields: { kind: 'message', data: 'no JSON' } }
    await store(
      message('5-0'),
      message('6-0', 'a \0 in it'),
      attempt('2-0', '5-0'),
      attempt('3-0', '5-0', { response_excerpt: 'a \0 in it' }),
      broken,
      nonsense,
    )
    expect(await logged()).toEqual(['2-0'])
    expect(error).toHaveBeenCalledTimes(4)
  })
})
