/**
 * Failures as Neon's SQL-over-HTTP words them: PostgreSQL's own errors with all their fields (400), a
 * rejected password in the proxy's words (400, no code), a database that cannot be reached (500).
 * https://github.com/neondatabase/neon/blob/main/proxy/src/serverless/sql_over_http.rs
 */

import pg from 'pg'
import { reasonOf } from './failure.ts'

const NO_FIELDS = {
  code: null,
  detail: null,
  hint: null,
  position: null,
  internalPosition: null,
  internalQuery: null,
  severity: null,
  where: null,
  table: null,
  column: null,
  schema: null,
  dataType: null,
  constraint: null,
  file: null,
  line: null,
  routine: null,
}

export interface NeonFailure {
  readonly status: number
  readonly body: { message: string } & Record<string, string | null>
}

export function failure(status: number, message: string): NeonFailure {
  return { status, body: { message, ...NO_FIELDS } }
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const INVALID_PASSWORD = '28P01'

/** No connection was made: PostgreSQL said no, or nobody answered. */
export function connectFailure(error: unknown, user: string): NeonFailure {
  if (!(error instanceof pg.DatabaseError)) return failure(500, "Couldn't connect to compute node")
  if (error.code === INVALID_PASSWORD) {
    return failure(400, `password authentication failed for user '${user}'`)
  }
  return databaseFailure(error)
}

/** A query failed, or the connection was lost under it. */
export function queryFailure(error: unknown): NeonFailure {
  if (error instanceof pg.DatabaseError) return databaseFailure(error)
  const reason = reasonOf(error)
  return failure(400, `error communicating with the server: ${reason}`)
}

function databaseFailure(error: pg.DatabaseError): NeonFailure {
  const fields = { ...NO_FIELDS }
  for (const name of Object.keys(NO_FIELDS) as (keyof typeof NO_FIELDS)[]) {
    Object.assign(fields, { [name]: error[name] ?? null })
  }
  return { status: 400, body: { message: error.message, ...fields } }
}
