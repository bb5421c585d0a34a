/**
 * The API keys in PostgreSQL, and what Redis remembers of them, so that keys in use go on working
 * while PostgreSQL is away. Both know a key by its SHA-256 only; neither ever sees one.
 */
import { and, desc, eq, getTableColumns, isNull, lt, or, sql } from 'drizzle-orm'
import { z } from 'zod'
import { ApiKey, type MintedKey, type NewApiKey } from '../../shared/api-key.ts'
import { api_keys } from '../../shared/database/schema.ts'
import { KEYS } from '../../shared/keys.ts'
import type { Log } from '../../shared/log.ts'
import type { StoreSettings } from '../environment.ts'
import { type Answer, ask } from './answer.ts'
import { postgresOver, redisOver, utc } from './clients.ts'

/** A key as PostgreSQL had it, and when it was asked (wall time); null: there is no such key. */
const Known = z.object({ key: ApiKey.nullable(), asked_ms: z.number() })
export type Known = z.infer<typeof Known>

/** How long a key that nobody could look up in PostgreSQL goes on working. */
const REMEMBERED_S = 24 * 3_600

export interface ApiKeys {
  find(hash: string): Promise<Answer<ApiKey | null>>
  create(asked: NewApiKey, minted: MintedKey): Promise<Answer<ApiKey>>
  /** newest first, the revoked ones too */
  list(): Promise<Answer<ApiKey[]>>
  read(id: string): Promise<Answer<ApiKey | null>>
  /** the key as it is then; revoking twice keeps the first moment. Null: there is no such key */
  revoke(id: string): Promise<Answer<ApiKey | null>>
  /** notes that a key is in use, unless that was noted within the last minute */
  markUsed(id: string): Promise<Answer<true>>
  /** what Redis remembers, null when nothing */
  recall(hash: string): Promise<Answer<Known | null>>
  remember(hash: string, known: Known): Promise<Answer<true>>
}

/** More keys than any list shows; a limit, not an expectation. */
const LIST_MAX = 1_000

const { hash: _hash, ...columns } = getTableColumns(api_keys)
const SELECTION = {
  ...columns,
  created_at: utc(api_keys.created_at),
  last_used_at: utc(api_keys.last_used_at),
  revoked_at: utc(api_keys.revoked_at),
}

export function apiKeyStore(settings: StoreSettings, log: Log): ApiKeys {
  const redis = redisOver(settings)
  const database = () => postgresOver(settings)
  const query = <T>(question: () => Promise<T>) => ask('postgres', log, question)
  const first = (rows: readonly unknown[]) => ApiKey.nullable().parse(rows[0] ?? null)

  return {
    find: (hash) =>
      query(async () =>
        first(await database().select(SELECTION).from(api_keys).where(eq(api_keys.hash, hash))),
      ),
    create: (asked, { id, prefix, hash }) =>
      query(async () => {
        const row = { ...asked, id, prefix, hash }
        return ApiKey.parse((await database().insert(api_keys).values(row).returning(SELECTION))[0])
      }),
    list: () =>
      query(async () => {
        const newest = desc(api_keys.created_at)
        const rows = database().select(SELECTION).from(api_keys)
        return z.array(ApiKey).parse(await rows.orderBy(newest, api_keys.id).limit(LIST_MAX))
      }),
    read: (id) =>
      query(async () =>
        first(await database().select(SELECTION).from(api_keys).where(eq(api_keys.id, id))),
      ),
    revoke: (id) =>
      query(async () => {
        const revoked_at = sql`coalesce(${api_keys.revoked_at}, now())`
        const changed = database().update(api_keys).set({ revoked_at }).where(eq(api_keys.id, id))
        return first(await changed.returning(SELECTION))
      }),
    markUsed: (id) =>
      query(async () => {
        const minute_ago = sql`now() - interval '1 minute'`
        const unnoted = or(isNull(api_keys.last_used_at), lt(api_keys.last_used_at, minute_ago))
        await database()
          .update(api_keys)
          .set({ last_used_at: sql`now()` })
          .where(and(eq(api_keys.id, id), unnoted))
        return true as const
      }),
    recall: (hash) =>
      ask('redis', log, async () => {
        const text = await redis.get<string | null>(KEYS.api_key + hash)
        return text === null ? null : Known.parse(JSON.parse(text))
      }),
    remember: (hash, known) =>
      ask('redis', log, async () => {
        await redis.set(KEYS.api_key + hash, JSON.stringify(known), { ex: REMEMBERED_S })
        return true as const
      }),
  }
}
