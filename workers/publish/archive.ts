/**
 * Copies the event stream into Postgres: one row an opportunity, holding its newest state. Events
 * may come twice or out of order; an older one never overwrites a newer one. While Postgres is away
 * the stream keeps what is missing. A row that Postgres refuses for its content is told and skipped.
 */
import type { Pool } from 'pg'
import type { opportunities } from '../../shared/database/schema.ts'
import { compareEventIds, type Event } from '../../shared/event.ts'
import type { Log } from '../../shared/log.ts'
import type { Opportunity } from '../../shared/opportunity.ts'
import { eventsOf } from './entries.ts'
import type { StreamEntry } from './group.ts'
import { isRowFault } from './row-fault.ts'

type Row = typeof opportunities.$inferInsert

/** Handles batches of the `archive` group. @throws while Postgres cannot take them. */
export function createArchive(
  pool: Pool,
  log: Log,
): (entries: readonly StreamEntry[]) => Promise<void> {
  return async (entries) => {
    const rows = newestRows(eventsOf(entries, log))
    if (rows.length === 0) return
    try {
      await upsert(pool, rows)
    } catch (error) {
      if (!isRowFault(error)) throw error
      await upsertEach(pool, rows, log)
    }
  }
}

/** Finds the row that spoiled its batch, and stores the others. */
async function upsertEach(pool: Pool, rows: Row[], log: Log): Promise<void> {
  for (const row of rows) {
    try {
      await upsert(pool, [row])
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

/** What an event says of its opportunity; the row's own birthday is left to the table. */
const COLUMNS = Object.keys({
  id: true,
  type: true,
  symbol: true,
  buy_exchange: true,
  sell_exchange: true,
  buy_price: true,
  sell_price: true,
  gross_percent: true,
  profit_percent: true,
  profit_usd: true,
  volume_usd: true,
  base_size: true,
  depth_exhausted: true,
  transfer: true,
  skew_ms: true,
  simulated: true,
  status: true,
  legs: true,
  markouts: true,
  detected_at: true,
  updated_at: true,
  expired_at: true,
  duration_ms: true,
  expiry_reason: true,
  peak_profit_percent: true,
  last_event_id: true,
} satisfies Record<Exclude<keyof Row, 'created_at'>, true>)
const REPLACED = COLUMNS.filter((name) => name !== 'id')

/** Stream ids compare by their two numbers; as text '9-0' would come after '10-0'. */
const eventOrder = (id: string) =>
  `(split_part(${id}, '-', 1)::numeric, split_part(${id}, '-', 2)::numeric)`

/**
 * Plain SQL: loading a query builder for this one statement cost the worker 140 MB of memory. The
 * rows travel as JSON, whose strings become numbers inside Postgres, digit for digit.
 */
const UPSERT = `
  INSERT INTO opportunities (${COLUMNS.join(', ')})
  SELECT ${COLUMNS.join(', ')} FROM json_populate_recordset(NULL::opportunities, $1)
  ON CONFLICT (id) DO UPDATE
  SET ${REPLACED.map((name) => `${name} = excluded.${name}`).join(', ')}
  WHERE ${eventOrder('opportunities.last_event_id')} < ${eventOrder('excluded.last_event_id')}`

async function upsert(pool: Pool, rows: readonly Row[]): Promise<void> {
  await pool.query(UPSERT, [JSON.stringify(rows)])
}
