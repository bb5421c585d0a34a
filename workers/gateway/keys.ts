/**
 * Whose key a token is, by its SHA-256 in PostgreSQL. What was answered holds for seconds, so that a
 * crowd that comes back asks once. While PostgreSQL is away the keys that this worker has met go on
 * working, and others are told to wait: nobody is let in unknown.
 */
import type { Pool } from 'pg'
import { hashKey, isKey } from '../../shared/api-key.ts'
import type { Clock } from '../../shared/clock.ts'
import type { api_keys } from '../../shared/database/schema.ts'
import type { Log } from '../../shared/log.ts'

type Row = typeof api_keys.$inferSelect

interface Key {
  readonly id: string
  readonly scopes: readonly string[]
  /** null: what every key may */
  readonly streams: number | null
}

export type Found =
  | { readonly kind: 'key'; readonly key: Key }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'away' }

const FRESH_MS = 2_000
/** How long a key goes on working that nobody can look up. */
const REMEMBERED_MS = 24 * 3_600_000
const REMEMBERED_MAX = 10_000

// by hand: drizzle would cost the process 120 MB (docs/scaling.md)
const LOOK = 'SELECT id, scopes, streams, revoked_at FROM api_keys WHERE hash = $1'
const VALID = 'SELECT id, scopes FROM api_keys WHERE id = ANY($1) AND revoked_at IS NULL'
const MARK_USED = `
  UPDATE api_keys SET last_used_at = now()
  WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')`

export class Keys {
  private readonly pool: Pool
  private readonly clock: Clock
  private readonly log: Log
  private readonly known = new Map<string, { found: Found; asked_ms: number }>()
  private readonly asking = new Map<string, Promise<Found>>()

  constructor(pool: Pool, clock: Clock, log: Log) {
    this.pool = pool
    this.clock = clock
    this.log = log
  }

  async find(token: string): Promise<Found> {
    if (!(await isKey(token))) return { kind: 'refused', reason: 'this is no key of this API' }
    const hash = await hashKey(token)
    const known = this.known.get(hash)
    if (known !== undefined && this.age_ms(known) < FRESH_MS) return known.found
    const asking = this.asking.get(hash) ?? this.ask(hash).finally(() => this.asking.delete(hash))
    this.asking.set(hash, asking)
    return asking
  }

  /** Whether this worker has met this key while it was good: its holder is not guessing. */
  async knows(token: string): Promise<boolean> {
    return this.known.get(await hashKey(token))?.found.kind === 'key'
  }

  /** Those of these keys that may no longer read; none while PostgreSQL does not answer. */
  async ended(ids: readonly string[]): Promise<readonly string[]> {
    try {
      const { rows } = await this.pool.query<Pick<Row, 'id' | 'scopes'>>(VALID, [ids])
      const valid = new Set(
        rows.filter(({ scopes }) => scopes.includes('read')).map(({ id }) => id),
      )
      const ended = ids.filter((id) => !valid.has(id))
      for (const [hash, { found }] of this.known) {
        if (found.kind === 'key' && ended.includes(found.key.id)) this.known.delete(hash)
      }
      return ended
    } catch (error) {
      this.log.debug('the keys of open sockets cannot be checked', { error })
      return []
    }
  }

  private async ask(hash: string): Promise<Found> {
    try {
      const found = await this.look(hash)
      this.remember(hash, found)
      return found
    } catch (error) {
      this.log.debug('an API key cannot be looked up', { error })
      const known = this.known.get(hash)
      const holds = known?.found.kind === 'key' && this.age_ms(known) < REMEMBERED_MS
      return holds ? known.found : { kind: 'away' }
    }
  }

  private async look(hash: string): Promise<Found> {
    const { rows } = await this.pool.query<Pick<Row, keyof Key | 'revoked_at'>>(LOOK, [hash])
    const [row] = rows
    if (row === undefined) return { kind: 'refused', reason: 'there is no such key' }
    if (row.revoked_at !== null) return { kind: 'refused', reason: 'the key was revoked' }
    this.markUsed(row.id)
    return { kind: 'key', key: { id: row.id, scopes: row.scopes, streams: row.streams } }
  }

  /** To the minute, and nobody waits for it. */
  private markUsed(id: string): void {
    this.pool
      .query(MARK_USED, [id])
      .catch((error: unknown) => this.log.debug('the use of a key was not noted', { error }))
  }

  private remember(hash: string, found: Found): void {
    this.known.delete(hash)
    this.known.set(hash, { found, asked_ms: this.clock.monotonic_ms() })
    const oldest = this.known.keys().next()
    if (this.known.size > REMEMBERED_MAX && !oldest.done) this.known.delete(oldest.value)
  }

  private age_ms({ asked_ms }: { asked_ms: number }): number {
    return this.clock.monotonic_ms() - asked_ms
  }
}
