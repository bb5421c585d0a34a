/**
 * Cuts the history: rows older than RETENTION_DAYS go, the oldest first, in batches so small that
 * nobody waits for them. The leading worker does it once an hour. What hangs on a deleted row goes
 * with it (attempts with their message); an endpoint or a key never goes here.
 */
import type { Pool } from 'pg'
import type { Clock } from '../../shared/clock.ts'
import { timestamp } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import { every } from './every.ts'

export interface RetentionOptions {
  readonly pool: Pool
  readonly clock: Clock
  readonly log: Log
  /** 0: nothing is ever deleted */
  readonly days: number
  readonly is_leader: () => boolean
  /** told for each batch */
  readonly onDeleted: (table: string, rows: number) => void
  readonly batch_rows?: number
}

const DAY_MS = 86_400_000
const EVERY_MS = 3_600_000
/** How often a worker looks whether it is its turn: it may begin to lead at any moment. */
const LOOK_EVERY_MS = 60_000
const BATCH_ROWS = 1_000
/** Between two batches, for everybody else. */
const PAUSE_MS = 50

/** The column that says how old a row is; each is the first of an index. */
const AGE = { opportunities: 'detected_at', webhook_messages: 'created_at' } as const

/** The function it returns ends it, after the batch at hand. */
export function startRetention(options: RetentionOptions): () => Promise<void> {
  const { log, days } = options
  if (days === 0) return async () => {}
  const abort = new AbortController()
  const look = createRetentionLook(options, abort.signal)
  const stop = every(LOOK_EVERY_MS, look, (error) => {
    log.warn('old history was not deleted', { error })
  })
  return () => {
    abort.abort()
    return stop()
  }
}

/** Cuts when it is this worker's turn and an hour has passed; a cut that failed is due again. */
export function createRetentionLook(
  options: RetentionOptions,
  signal: AbortSignal,
): () => Promise<void> {
  const { clock, is_leader } = options
  let done_ms = Number.NEGATIVE_INFINITY
  return async () => {
    if (!is_leader() || clock.monotonic_ms() - done_ms < EVERY_MS) return
    await cutHistory(options, signal)
    done_ms = clock.monotonic_ms()
  }
}

/** @throws what Postgres says; what was deleted by then stays deleted */
export async function cutHistory(options: RetentionOptions, signal: AbortSignal): Promise<void> {
  const { pool, clock, log, days, is_leader, onDeleted, batch_rows = BATCH_ROWS } = options
  const before = timestamp(clock.wall_ms() - days * DAY_MS)
  for (const [table, column] of Object.entries(AGE)) {
    const sql = `DELETE FROM ${table} WHERE id IN (
      SELECT id FROM ${table} WHERE ${column} < $1 ORDER BY ${column} LIMIT $2)`
    let total = 0
    for (;;) {
      if (signal.aborted || !is_leader()) return
      const rows = (await pool.query(sql, [before, batch_rows])).rowCount ?? 0
      total += rows
      if (rows > 0) onDeleted(table, rows)
      if (rows < batch_rows) break
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
    if (total > 0) log.info('old history deleted', { table, rows: total, before })
  }
}
