/** The pool of Postgres connections: small, with a deadline on everything, and never a crash. */
import { Pool } from 'pg'
import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import { createProbe, type Probe } from './probe.ts'

const CONNECT_TIMEOUT_MS = 5_000
const QUERY_TIMEOUT_MS = 15_000

export function connectPostgres(url: string, log: Log): Pool {
  const pool = new Pool({
    connectionString: url,
    application_name: 'spreadwire-worker',
    // Archive, records of deliveries, commands, standings and the health check use one each; one more
    // helps while one of them is stuck.
    max: 6,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: QUERY_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
  })
  // An idle connection that breaks says so here; without a listener it would end the process.
  pool.on('error', (error) => log.debug('an idle postgres connection broke', { error }))
  return pool
}

export function createPostgresProbe(pool: Pool, clock: Clock): Probe {
  return createProbe(clock, () => pool.query('SELECT 1'))
}

/** Closes the pool, without waiting longer for a server that does not answer. */
export function endPostgres(pool: Pool, deadline_ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, deadline_ms)
    pool.end().finally(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
