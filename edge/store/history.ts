/**
 * What was, read from PostgreSQL over HTTP with Neon's own driver. It only reads, and only by key or
 * by a keyset page: no question grows slower as the table grows.
 */
import { and, desc, eq, getTableColumns, gte, lt, type SQL, sql } from 'drizzle-orm'
import { IS_PAST, LEG_EXCHANGES, opportunities } from '../../shared/database/schema.ts'
import type { Filters } from '../../shared/filters.ts'
import type { Log } from '../../shared/log.ts'
import { Opportunity } from '../../shared/opportunity.ts'
import type { StatsAnswer } from '../../shared/stats.ts'
import type { Position } from '../cursor.ts'
import type { StoreSettings } from '../environment.ts'
import { type Answer, ask } from './answer.ts'
import { postgresOver, utc } from './clients.ts'
import { type StatsQuestion, statsAnswer, statsStatement } from './stats.ts'

interface Past extends Filters {
  readonly from?: string | undefined
  readonly to?: string | undefined
}

interface HistoryQuestion extends Past {
  readonly after: Position | null
  readonly limit: number
}

interface HistoryPage {
  readonly opportunities: Opportunity[]
  /** where the next page begins; null at the end */
  readonly next: Position | null
}

export interface History {
  opportunity(id: string): Promise<Answer<Opportunity | null>>
  page(question: HistoryQuestion): Promise<Answer<HistoryPage>>
  stats(question: Omit<StatsQuestion, 'where'> & Filters): Promise<Answer<StatsAnswer>>
  /** resolves when the database answers */
  ping(): Promise<Answer<true>>
}

const { last_event_id: _event, created_at: _created, ...columns } = getTableColumns(opportunities)
const SELECTION = {
  ...columns,
  detected_at: utc(opportunities.detected_at),
  updated_at: utc(opportunities.updated_at),
  expired_at: utc(opportunities.expired_at),
}

export function historyStore(settings: StoreSettings, log: Log): History {
  const database = () => postgresOver(settings)
  const query = <T>(question: () => Promise<T>) => ask('postgres', log, question)
  const readable = (rows: readonly unknown[]): Opportunity[] => {
    const parsed = rows.map((row) => Opportunity.safeParse(row))
    const accepted = parsed.flatMap((result) => (result.success ? [result.data] : []))
    const skipped = rows.length - accepted.length
    if (skipped > 0) log.error('unreadable rows in PostgreSQL were left out', { skipped })
    return accepted
  }

  return {
    opportunity: (id) =>
      query(async () => {
        const rows = await database()
          .select(SELECTION)
          .from(opportunities)
          .where(eq(opportunities.id, id))
        return readable(rows)[0] ?? null
      }),
    page: (question) =>
      query(async () => {
        const rows = await database()
          .select(SELECTION)
          .from(opportunities)
          .where(and(conditions(question), after(question)))
          .orderBy(desc(opportunities.detected_at), desc(opportunities.id))
          .limit(question.limit + 1)
        const last = rows[question.limit - 1]
        const more = rows.length > question.limit && last !== undefined
        return {
          opportunities: readable(rows.slice(0, question.limit)),
          next: more ? { detected_at: last.detected_at, id: last.id } : null,
        }
      }),
    stats: ({ by, limit, ...question }) =>
      query(async () => {
        const { from, to } = question
        const where = conditions(question)
        const { rows } = await database().execute(statsStatement({ from, to, by, limit, where }))
        return statsAnswer(question, rows)
      }),
    ping: () =>
      query(async () => {
        await database().execute(sql`select 1`)
        return true as const
      }),
  }
}

/** The same filters as `passes`, in SQL; only what has ended is history. */
function conditions(question: Past): SQL | undefined {
  const table = opportunities
  const given = <T>(value: T | undefined, condition: (value: T) => SQL): SQL[] =>
    value === undefined ? [] : [condition(value)]
  return and(
    IS_PAST,
    ...given(question.type, (value) => eq(table.type, value)),
    ...given(question.symbol, (value) => eq(table.symbol, value)),
    ...given(question.buy_exchange, (value) => eq(table.buy_exchange, value)),
    ...given(question.sell_exchange, (value) => eq(table.sell_exchange, value)),
    ...given(question.transfer, (value) => eq(table.transfer, value)),
    ...given(question.exchange, (value) => sql`${LEG_EXCHANGES} @> array[${value}]::text[]`),
    ...given(question.min_profit_percent, (value) => gte(table.profit_percent, value)),
    ...given(question.min_volume_usd, (value) => gte(table.volume_usd, value)),
    ...given(question.from, (value) => gte(table.detected_at, value)),
    ...given(question.to, (value) => lt(table.detected_at, value)),
  )
}

/** What comes after the page before. */
function after({ after: position }: HistoryQuestion): SQL | undefined {
  if (position === null) return undefined
  const { detected_at, id } = position
  const here = sql`(${opportunities.detected_at}, ${opportunities.id})`
  return sql`${here} < (${detected_at}::timestamptz, ${id}::varchar)`
}
