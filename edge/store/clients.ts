/**
 * The vendors' own clients of the two stores, as everything here wants them: no telemetry, no hidden
 * batching, nothing turned into objects on the way, and an end to waiting. A client belongs to one
 * request, because a Worker may not share pending I/O between requests.
 */
import { neon, neonConfig } from '@neondatabase/serverless'
import { Redis } from '@upstash/redis/cloudflare'
import { type SQL, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/neon-http'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { StoreSettings } from '../environment.ts'
import { STORE_TIMEOUT_MS } from './answer.ts'

export function redisOver(settings: StoreSettings, timeout_ms = STORE_TIMEOUT_MS): Redis {
  return new Redis({
    url: settings.UPSTASH_REDIS_REST_URL,
    token: settings.UPSTASH_REDIS_REST_TOKEN,
    automaticDeserialization: false,
    enableAutoPipelining: false,
    enableTelemetry: false,
    readYourWrites: false,
    retry: { retries: 1, backoff: () => 100 },
    signal: () => AbortSignal.timeout(timeout_ms),
  })
}

/** One connection a statement: over HTTP there is nothing to keep. */
export function postgresOver(settings: StoreSettings) {
  if (settings.NEON_FETCH_ENDPOINT !== undefined) {
    neonConfig.fetchEndpoint = settings.NEON_FETCH_ENDPOINT
  }
  const fetchOptions = { signal: AbortSignal.timeout(STORE_TIMEOUT_MS) }
  return drizzle(neon(settings.DATABASE_URL, { fetchOptions }))
}

/** The session's time zone must not show: times leave as RFC 3339 UTC with milliseconds. */
export const utc = (column: PgColumn): SQL<string> =>
  sql<string>`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
