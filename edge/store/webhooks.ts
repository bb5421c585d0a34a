/**
 * Subscriptions in PostgreSQL. Whoever asks reaches only what is its own; the rest does not exist for
 * it. A secret leaves this file only on its way in.
 */
import { and, desc, eq, getTableColumns, isNull, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { webhook_endpoints } from '../../shared/database/schema.ts'
import type { Log } from '../../shared/log.ts'
import { type NewWebhook, WEBHOOKS_MAX, Webhook, type WebhookChange } from '../../shared/webhook.ts'
import type { WebhookPosition } from '../cursor.ts'
import type { Caller } from '../edge.ts'
import type { StoreSettings } from '../environment.ts'
import { type Answer, ask } from './answer.ts'
import { postgresOver, utc } from './clients.ts'

interface WebhookPage {
  readonly webhooks: Webhook[]
  /** where the next page begins; null at the end */
  readonly next: WebhookPosition | null
}

/** What a change was judged by: it is only made while these still stand. */
type Judged = Pick<Webhook, 'url' | 'format'>

export interface Webhooks {
  /** null: the owner has as many as it may have */
  create(asked: NewWebhook, id: string, secret: string): Promise<Answer<Webhook | null>>
  /** newest first */
  page(after: WebhookPosition | null, limit: number): Promise<Answer<WebhookPage>>
  read(id: string): Promise<Answer<Webhook | null>>
  /** null: there is no such webhook, or what was judged has changed meanwhile */
  change(id: string, change: WebhookChange, judged: Judged): Promise<Answer<Webhook | null>>
  /** with all its attempts; false: there was none */
  remove(id: string): Promise<Answer<boolean>>
  /** the secret until now stays valid for 24 hours, and the one before it no longer */
  rotate(id: string, secret: string): Promise<Answer<Webhook | null>>
}

const table = webhook_endpoints
const { key_id: _k, secret: _s, previous_secret: _p, ...columns } = getTableColumns(table)
const SELECTION = {
  ...columns,
  failing_since: utc(table.failing_since),
  // what is over is not shown
  previous_secret_until: sql<string | null>`case when ${table.previous_secret_until} > now()
    then ${utc(table.previous_secret_until)} end`,
  created_at: utc(table.created_at),
  updated_at: utc(table.updated_at),
}

export function webhookStore(settings: StoreSettings, log: Log, caller: Caller): Webhooks {
  const database = () => postgresOver(settings)
  const query = <T>(question: () => Promise<T>) => ask('postgres', log, question)
  const first = (rows: readonly unknown[]) => Webhook.nullable().parse(rows[0] ?? null)
  const owner = ownerOf(caller)
  const own = (id: string) => and(eq(table.id, id), reach(caller))

  return {
    create: (asked, id, secret) =>
      query(async () => {
        const db = database()
        // one after the other for each owner, each statement seeing what the one before it did
        const turn = sql`select pg_advisory_xact_lock(hashtextextended(${`webhooks ${owner}`}, 0))`
        const [, , rows] = await db.batch([
          db.execute(turn),
          db.execute(insertion(asked, { id, secret, owner })),
          db.select(SELECTION).from(table).where(eq(table.id, id)),
        ])
        return first(rows)
      }),
    page: (after, limit) =>
      query(async () => {
        const found = await database()
          .select(SELECTION)
          .from(table)
          .where(and(reach(caller), afterwards(after)))
          .orderBy(desc(table.created_at), desc(table.id))
          .limit(limit + 1)
        const webhooks = z.array(Webhook).parse(found.slice(0, limit))
        const last = found.length > limit ? webhooks.at(-1) : undefined
        return {
          webhooks,
          next: last === undefined ? null : { created_at: last.created_at, id: last.id },
        }
      }),
    read: (id) =>
      query(async () => first(await database().select(SELECTION).from(table).where(own(id)))),
    change: (id, change, judged) =>
      query(async () => {
        const unchanged = and(eq(table.url, judged.url), eq(table.format, judged.format))
        const changed = database().update(table).set(effects(change, judged))
        return first(await changed.where(and(own(id), unchanged)).returning(SELECTION))
      }),
    remove: (id) =>
      query(async () => {
        const gone = await database().delete(table).where(own(id)).returning({ id: table.id })
        return gone.length > 0
      }),
    rotate: (id, secret) =>
      query(async () => {
        const changed = database()
          .update(table)
          .set({
            secret,
            previous_secret: sql`${table.secret}`,
            previous_secret_until: sql`now() + interval '24 hours'`,
            updated_at: sql`now()`,
          })
        return first(await changed.where(own(id)).returning(SELECTION))
      }),
  }
}

/** The key, or null for the operator. */
function ownerOf({ kind, id }: Caller): string | null {
  return kind === 'operator' ? null : id
}

/** What a caller may see and change: its own; everything for the operator. */
function reach(caller: Caller): SQL | undefined {
  return caller.kind === 'operator' ? undefined : eq(table.key_id, caller.id)
}

function insertion(
  asked: NewWebhook,
  { id, secret, owner }: { id: string; secret: string; owner: string | null },
): SQL {
  const { url, event_types, filters, format, min_interval_ms, enabled } = asked
  const disabled_reason = enabled ? null : 'owner'
  const owned = owner === null ? isNull(table.key_id) : eq(table.key_id, owner)
  return sql`
    insert into ${table} (id, key_id, url, event_types, filters, format, min_interval_ms, enabled,
      disabled_reason, secret)
    select ${id}, ${owner}, ${url}, ${JSON.stringify(event_types)}::jsonb,
      ${JSON.stringify(filters)}::jsonb, ${format}, ${min_interval_ms}::integer,
      ${enabled}::boolean, ${disabled_reason}, ${secret}
    where (select count(*) from ${table} where ${owned}) < ${WEBHOOKS_MAX}`
}

/** What a change brings with it: whoever switches it on, or sends it elsewhere, starts anew. */
function effects(change: WebhookChange, judged: Judged) {
  const { enabled, url } = change
  const moved = url !== undefined && url !== judged.url
  return {
    ...change,
    ...(enabled === undefined ? {} : { disabled_reason: enabled ? null : 'owner' }),
    ...(enabled === true || moved ? { failing_since: null } : {}),
    updated_at: sql`now()`,
  }
}

function afterwards(position: WebhookPosition | null): SQL | undefined {
  if (position === null) return undefined
  const { created_at, id } = position
  return sql`(${table.created_at}, ${table.id}) < (${created_at}::timestamptz, ${id}::varchar)`
}
