/**
 * Copies the delivery log from Redis into PostgreSQL in batches: messages, and attempts by the id of
 * their log entry, so that an entry that comes twice is one row. Attempts of endpoints that were
 * deleted meanwhile are left out. While PostgreSQL is away the stream keeps what is missing.
 */
import type { Pool } from 'pg'
import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import type { StreamEntry } from '../publish/group.ts'
import { isRowFault } from '../publish/row-fault.ts'
import { LoggedAttempt } from './delivery-log.ts'
import { Message } from './message.ts'

export interface RecordsOptions {
  readonly pool: Pool
  readonly clock: Clock
  readonly log: Log
}

interface AttemptRow extends LoggedAttempt {
  readonly log_id: string
}

/**
 * An attempt whose message another worker is about to store is waited for; it is not waited for long, but
 * longer than it takes until somebody claims what a dead worker had read (alerts.ts).
 */
const MESSAGE_WITHIN_MS = 30_000

/** The rows travel as JSON; sorted, so that two workers cannot deadlock. */
const INSERT_MESSAGES = `
  INSERT INTO webhook_messages (id, type, body, created_at)
  SELECT id, type, body, timestamp
  FROM json_to_recordset($1) AS m(id text, type text, body text, timestamp timestamptz)
  ORDER BY id
  ON CONFLICT (id) DO NOTHING`

const INSERT_ATTEMPTS = `
  INSERT INTO webhook_attempts (endpoint_id, message_id, attempt, log_id, result, response_status,
    response_body, error, duration_ms, attempted_at)
  SELECT a.endpoint_id, a.message_id, a.attempt, a.log_id, a.result, a.response_status,
    a.response_excerpt, a.error, a.duration_ms, a.attempted_at
  FROM json_to_recordset($1) AS a(endpoint_id text, message_id text, attempt int, log_id text,
    result text, response_status int, response_excerpt text, error text, duration_ms int,
    attempted_at timestamptz)
  JOIN webhook_endpoints e ON e.id = a.endpoint_id
  JOIN webhook_messages m ON m.id = a.message_id
  ORDER BY a.attempted_at, a.log_id
  ON CONFLICT (log_id) DO NOTHING`

const KNOWN_MESSAGES = 'SELECT id FROM webhook_messages WHERE id = ANY($1)'

/** Handles batches of the `records` group. @throws while PostgreSQL cannot take them. */
export function createRecords(
  options: RecordsOptions,
): (entries: readonly StreamEntry[]) => Promise<void> {
  const { pool, log } = options
  return async (entries) => {
    const messages = new Map<string, Message>()
    const attempts: AttemptRow[] = []
    for (const { id: log_id, fields } of entries) {
      const message = fields.kind === 'message' ? readAs(Message, fields.data) : null
      const attempt = fields.kind === 'attempt' ? readAs(LoggedAttempt, fields.data) : null
      if (message !== null) messages.set(message.id, message)
      else if (attempt !== null) attempts.push({ ...attempt, log_id })
      else log.error('the delivery log held an entry that is none: skipped', { log_id })
    }
    await insert(pool, INSERT_MESSAGES, [...messages.values()], log)
    await requireMessages(options, attempts)
    await insert(pool, INSERT_ATTEMPTS, attempts, log)
  }
}

function readAs<T>(
  schema: { safeParse(value: unknown): { success: boolean; data?: T } },
  text: string | undefined,
): T | null {
  try {
    return schema.safeParse(JSON.parse(text ?? 'null')).data ?? null
  } catch {
    return null
  }
}

/** A batch with a row that PostgreSQL refuses for its content is stored row by row, without that one. */
async function insert(pool: Pool, sql: string, rows: readonly object[], log: Log): Promise<void> {
  if (rows.length === 0) return
  try {
    await pool.query(sql, [JSON.stringify(rows)])
  } catch (error) {
    if (!isRowFault(error)) throw error
    if (rows.length > 1) {
      for (const row of rows) await insert(pool, sql, [row], log)
    } else {
      const [{ id, log_id }] = rows as [{ id?: string; log_id?: string }]
      log.error('postgres refuses a record of a delivery: skipped', { id, log_id, error })
    }
  }
}

/** @throws Error while a young attempt's message is not there yet: the whole batch comes again */
async function requireMessages(
  { pool, clock }: RecordsOptions,
  attempts: readonly AttemptRow[],
): Promise<void> {
  const oldest_ms = clock.wall_ms() - MESSAGE_WITHIN_MS
  const young = attempts.filter(({ log_id }) => Number(log_id.split('-')[0]) >= oldest_ms)
  const wanted = [...new Set(young.map(({ message_id }) => message_id))]
  if (wanted.length === 0) return
  const { rowCount } = await pool.query(KNOWN_MESSAGES, [wanted])
  if (rowCount !== wanted.length) throw new Error('a message is still on its way')
}
