/**
 * What became of a webhook's messages, as the workers wrote it to PostgreSQL, and how many of them a
 * replay would send. It does not ask whose webhook it is.
 */
import { and, count, desc, eq, exists, getTableColumns, lt, not, type SQL, sql } from 'drizzle-orm'
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
        const found = db
          .selectDistinct({ id: table.message_id })
          .from(table)
          .innerJoin(webhook_messages, eq(webhook_messages.id, table.message_id))
          .where(and(eq(table.endpoint_id, webhook_id), meant(what)))
          .limit(REPLAY_MESSAGES_MAX + 1)
          .as('found')
        const [row] = await db.select({ count: count() }).from(found)
        return row?.count ?? 0
      }),
  }

  function meant(what: Replayed): SQL | undefined {
    if (what.kind === 'message') return eq(table.message_id, what.message_id)
    if (what.kind === 'range') {
      const { created_at } = webhook_messages
      const { from, to } = what
      return sql`${created_at} >= ${from}::timestamptz and ${created_at} < ${to}::timestamptz`
    }
    const later = alias(table, 'later')
    const delivered = database()
      .select({ id: later.id })
      .from(later)
      .where(
        and(
          eq(later.endpoint_id, table.endpoint_id),
          eq(later.message_id, table.message_id),
          eq(later.result, 'success'),
        ),
      )
    return and(eq(table.result, 'missed'), not(exists(delivered)))
  }
}
