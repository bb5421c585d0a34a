/**
 * What became of a webhook's messages, as the workers wrote it to PostgreSQL, and how many of them a
 * replay would send. It does not ask whose webhook it is.
 */
import { and, count, desc, eq, getTableColumns, gte, lt, notExists, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { webhook_attempts, webhook_messages } from '../../shared/database/schema.ts'
import type { Log } from '../../shared/log.ts'
import { type AttemptResult, REPLAY_MESSAGES_MAX, WebhookAttempt } from '../../shared/webhook.ts'
import type { StoreSettings } from '../environment.ts'
import type { Replayed } from '../replay.ts'
import { type Answer, ask } from './answer.ts'
import { postgresOver, utc } from './clients.ts'

interface AttemptsQuestion {
  readonly result?: AttemptResult | undefined
  readonly message_id?: string | undefined
  /** the number of an attempt: only those before it */
  readonly after: string | null
  readonly limit: number
}

interface AttemptsPage {
  readonly attempts: WebhookAttempt[]
  /** where the next page begins; null at the end */
  readonly next: string | null
}

export interface Deliveries {
  /** newest first */
  attempts(webhook_id: string, question: AttemptsQuestion): Promise<Answer<AttemptsPage>>
  /** how many messages that would be; counted no further than one above the most that are allowed */
  count(webhook_id: string, what: Replayed): Promise<Answer<number>>
}

const table = webhook_attempts
const { id: _id, endpoint_id: _e, log_id: _l, ...columns } = getTableColumns(table)
const SELECTION = {
  ...columns,
  event_type: webhook_messages.type,
  attempted_at: utc(table.attempted_at),
  position: sql<string>`${table.id}::text`,
}

export function deliveryStore(settings: StoreSettings, log: Log): Deliveries {
  const database = () => postgresOver(settings)
  const query = <T>(question: () => Promise<T>) => ask('postgres', log, question)

  return {
    attempts: (webhook_id, { result, message_id, after, limit }) =>
      query(async () => {
        const conditions = [
          eq(table.endpoint_id, webhook_id),
          ...(result === undefined ? [] : [eq(table.result, result)]),
          ...(message_id === undefined ? [] : [eq(table.message_id, message_id)]),
          ...(after === null ? [] : [lt(table.id, BigInt(after))]),
        ]
        const rows = await database()
          .select(SELECTION)
          .from(table)
          .innerJoin(webhook_messages, eq(webhook_messages.id, table.message_id))
          .where(and(...conditions))
          .orderBy(desc(table.id))
          .limit(limit + 1)
        const page = rows.slice(0, limit)
        return {
          attempts: z.array(WebhookAttempt).parse(page),
          next: rows.length > limit ? (page.at(-1)?.position ?? null) : null,
        }
      }),
    count: (webhook_id, what) =>
      query(async () => {
        const db = database()
        const found = messages(db, webhook_id, what)
          .limit(REPLAY_MESSAGES_MAX + 1)
          .as('found')
        const [row] = await db.select({ count: count() }).from(found)
        return row?.count ?? 0
      }),
  }
}

/** The messages that a replay means, each once. */
function messages(db: ReturnType<typeof postgresOver>, webhook_id: string, what: Replayed) {
  const own = eq(table.endpoint_id, webhook_id)
  const ids = db.select({ id: table.message_id }).from(table).$dynamic()
  if (what.kind === 'message') {
    return ids.where(and(own, eq(table.message_id, what.message_id))).groupBy(table.message_id)
  }
  if (what.kind === 'range') {
    const { id, created_at } = webhook_messages
    const { from, to } = what
    return ids
      .innerJoin(webhook_messages, eq(id, table.message_id))
      .where(and(own, gte(created_at, from), lt(created_at, to)))
      .groupBy(table.message_id)
  }
  // as a literal: PostgreSQL proves by it that the partial index is enough
  const is_missed = sql`${table.result} = 'missed'`
  const taken = alias(table, 'taken')
  const successes = db
    .select({ one: sql`1` })
    .from(taken)
    .where(
      and(
        eq(taken.message_id, table.message_id),
        eq(taken.endpoint_id, webhook_id),
        eq(taken.result, 'success'),
      ),
    )
  return ids.where(and(own, is_missed, notExists(successes))).groupBy(table.message_id)
}
