/** API keys for tests, as the worker's command and the API make them, with any limit. */
import type pg from 'pg'
import { mintKey } from '../../shared/api-key.ts'

interface KeyOptions {
  readonly scopes?: readonly string[]
  readonly requests_per_minute?: number
}

/** As PostgreSQL has it, without asking the API: its id, and the key itself, which is not stored. */
export async function insertKey(pool: pg.Pool, options: KeyOptions = {}) {
  const { key, id, prefix, hash } = await mintKey()
  const scopes = JSON.stringify(options.scopes ?? ['read'])
  await pool.query(
    'INSERT INTO api_keys (id, name, prefix, hash, scopes, requests_per_minute) VALUES ($1, $2, $3, $4, $5, $6)',
    [id, 'a key', prefix, hash, scopes, options.requests_per_minute ?? null],
  )
  return { id, key }
}
