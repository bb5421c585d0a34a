/**
 * Runs Neon's SQL-over-HTTP requests on PostgreSQL: one query, or a batch as one transaction. A
 * request leaves nothing behind: its connection is reset before another request gets it. Values stay
 * PostgreSQL's text, for the caller parses them by type. One statement per query, as at Neon.
 * https://github.com/neondatabase/neon/blob/main/proxy/src/serverless/sql_over_http.rs
 */
import pg from 'pg'
import { connectFailure, type NeonFailure, queryFailure } from './neon-error.ts'
import { jsonValue, parameterText } from './neon-values.ts'

interface Query {
  query: string
  params?: unknown[] | undefined
  arrayMode?: boolean | undefined
}

export interface Output {
  /** columns as PostgreSQL's text instead of JSON by type */
  readonly raw_text: boolean
  readonly array_mode: boolean
}

export interface QueryResult {
  command: string
  rowCount: number | null
  fields: unknown[]
  rows: unknown[]
  rowAsArray: boolean
}

const MAX_CONNECTIONS = 10
const CONNECT_TIMEOUT_MS = 5_000
const IDLE_TIMEOUT_MS = 10_000

/** pg's types lack it: with "extended" also a query without parameters is one statement only. */
type ExtendedQuery = pg.QueryArrayConfig<(string | null)[]> & { queryMode: 'extended' }

/** pg hands every column over as the text that PostgreSQL sent. */
const AS_TEXT = { getTypeParser: () => (text: string) => text }

/** Connection pools to one server, one for each user, password and database that asks. */
export class Pools {
  readonly #server: URL
  readonly #pools = new Map<string, pg.Pool>()
  readonly #lent = new Set<pg.PoolClient>()

  /** `database_url` says where the server is; who connects to what is each request's own. */
  constructor(database_url: string) {
    this.#server = new URL(database_url)
  }

  /** Lends a connection to `use`, or says why there is none. Expected failures are values. */
  async with<T>(
    connection_url: URL,
    use: (client: pg.PoolClient) => Promise<T>,
  ): Promise<{ value: T } | { failure: NeonFailure }> {
    const pool = this.#pool(connection_url)
    let client: pg.PoolClient
    try {
      client = await pool.connect()
    } catch (error) {
      await this.#dropUnused(connection_url)
      return { failure: connectFailure(error, decodeURIComponent(connection_url.username)) }
    }
    this.#lent.add(client)
    try {
      return { value: await use(client) }
    } catch (error) {
      return { failure: queryFailure(error) }
    } finally {
      void reset(client).then(() => this.#lent.delete(client))
    }
  }

  #pool(connection_url: URL): pg.Pool {
    const key = keyOf(connection_url)
    const known = this.#pools.get(key)
    if (known) return known
    const pool = new pg.Pool({
      host: this.#server.hostname,
      port: Number(this.#server.port || 5432),
      user: decodeURIComponent(connection_url.username),
      password: decodeURIComponent(connection_url.password),
      database: decodeURIComponent(connection_url.pathname.slice(1)),
      max: MAX_CONNECTIONS,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      idleTimeoutMillis: IDLE_TIMEOUT_MS,
    })
    // A connection that breaks fails the query on it and leaves the pool, which opens another when
    // asked. What pg emits beside that has no reader and would end the process.
    pool.on('error', () => {})
    pool.on('connect', (client) => client.on('error', () => {}))
    this.#pools.set(key, pool)
    return pool
  }

  /** Wrong passwords must not pile up as pools. */
  async #dropUnused(connection_url: URL): Promise<void> {
    const key = keyOf(connection_url)
    const pool = this.#pools.get(key)
    if (!pool || pool.totalCount > 0 || pool.waitingCount > 0) return
    this.#pools.delete(key)
    await pool.end()
  }

  /** Cuts off the queries that still run: their callers are gone, and some would never end. */
  async close(): Promise<void> {
    const cut = [...this.#lent].map((client) => client.end())
    await Promise.all([...cut, ...[...this.#pools.values()].map((pool) => pool.end())])
  }
}

function keyOf({ username, password, pathname }: URL): string {
  return JSON.stringify([username, password, pathname])
}

/** DISCARD ALL refuses to run in an open transaction: that connection is not used again. */
async function reset(client: pg.PoolClient): Promise<void> {
  try {
    await client.query('DISCARD ALL')
    client.release()
  } catch {
    client.release(true)
  }
}

/** @throws pg.DatabaseError when PostgreSQL refuses the query. */
export async function runQuery(
  client: pg.PoolClient,
  { query, params = [], arrayMode }: Query,
  output: Output,
): Promise<QueryResult> {
  const statement: ExtendedQuery = {
    text: query,
    values: params.map(parameterText),
    rowMode: 'array',
    types: AS_TEXT,
    queryMode: 'extended',
  }
  const result = await client.query<(string | null)[]>(statement)
  const array_mode = arrayMode ?? output.array_mode
  const names = result.fields.map((field) => field.name)
  const rows = result.rows.map((row) => {
    const values = output.raw_text
      ? row
      : row.map((text, column) => jsonValue(text, result.fields[column]?.dataTypeID ?? 0))
    return array_mode ? values : Object.fromEntries(names.map((name, at) => [name, values[at]]))
  })
  return {
    command: result.command,
    rowCount: result.rowCount,
    fields: result.fields,
    rows,
    rowAsArray: array_mode,
  }
}

/**
 * All queries in one transaction: either each has its effect or none has.
 * @throws pg.DatabaseError of the first query that fails, or of the commit.
 */
export async function runTransaction(
  client: pg.PoolClient,
  queries: readonly Query[],
  modes: readonly string[],
  output: Output,
): Promise<QueryResult[]> {
  await client.query(`START TRANSACTION ${modes.join(', ')}`)
  try {
    const results: QueryResult[] = []
    for (const query of queries) results.push(await runQuery(client, query, output))
    await client.query('COMMIT')
    return results
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {
      // The connection itself is gone, and with it the transaction; the first error says so.
    })
    throw error
  }
}
