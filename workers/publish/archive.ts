/**
 * Copies the event stream into Postgres: one row an opportunity, holding its newest state. Events
 * may come twice or out of order; an older one never overwrites a newer one. While Postgres is away
 * the stream keeps what is missing. A row that Postgres refuses for its content is told and skipped.
 */
import { getTableColumns, type SQL, sql } from 'drizzle-orm'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { Pool } from 'pg'
import { opportunities } from '../../shared/database/schema.ts'
import { compareEventIds, type Event } from '../../shared/event.ts'
import type { Log } from '../../shared/log.ts'
import type { Opportunity } from '../../shared/opportunity.ts'
import { eventsOf } from './entries.ts'
import type { StreamEntry } from './group.ts'

type Row = typeof opportunities.$inferInsert

/** Handles batches of the `archive` group. @throws while Postgres cannot take them. */
export function createArchive(
  pool: Pool,
  log: Log,
): (entries: readonly StreamEntry[]) => Promise<void> {
  const database = drizzle(pool)
  return async (entries) => {
    const rows = newestRows(eventsOf(entries, log))
    if (rows.length === 0) return
    try {
      await upsert(database, rows)
    } catch (error) {
      if (!isRowFault(error)) throw error
      await upsertEach(database, rows, log)
    }
  }
}

/** Finds the row that spoiled its batch, and stores the others. */
async function upsertEach(database: NodePgDatabase, rows: Row[], log: Log): Promise<void> {
  for (const row of rows) {
    try {
      await upsert(database, [row])
    } catch (error) {
      if (!isRowFault(error)) throw error
      log.error('postgres refuses an opportunity: skipped', { id: row.id, error })
    }
  }
}

/** One row an opportunity, from its newest event; sorted, so that two workers cannot deadlock. */
function newestRows(events: readonly Event[]): Row[] {
  const newest = new Map<string, { event_id: string; opportunity: Opportunity }>()
  for (const event of events) {
    if (event.type === 'exchange.status') continue
    const known = newest.get(event.data.id)
    if (known !== undefined && compareEventIds(known.event_id, event.id) > 0) continue
    newest.set(event.data.id, { event_id: event.id, opportunity: event.data })
  }
  return [...newest.values()]
    .map(({ event_id, opportunity }) => ({ ...opportunity, last_event_id: event_id }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** Every column but the key and the row's own birthday takes the new event's value. */
const REPLACED: Record<string, SQL> = Object.fromEntries(
  Object.entries(getTableColumns(opportunities))
    .filter(([name]) => name !== 'id' && name !== 'created_at')
    .map(([name, column]) => [name, sql.raw(`excluded."${column.name}"`)]),
)

/** Stream ids compare by their two numbers; as text '9-0' would come after '10-0'. */
const eventOrder = (id: SQL) =>
  sql`(split_part(${id}, '-', 1)::numeric, split_part(${id}, '-', 2)::numeric)`

async function upsert(database: NodePgDatabase, rows: Row[]): Promise<void> {
  const stored = eventOrder(sql`${opportunities.last_event_id}`)
  const offered = eventOrder(sql.raw('excluded.last_event_id'))
  await database
    .insert(opportunities)
    .values(rows)
    .onConflictDoUpdate({
      target: opportunities.id,
      set: REPLACED,
      setWhere: sql`${stored} < ${offered}`,
    })
}

/**
 * True when the content of a row is at fault and no retry can help: SQLSTATE classes 22 (data
 * exception), 23 (integrity constraint violation) and 54 (program limit exceeded).
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
function isRowFault(error: unknown): boolean {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  const code = (cause as { code?: unknown } | null)?.code
  return typeof code === 'string' && /^(22|23|54)[0-9A-Z]{3}$/.test(code)
}
