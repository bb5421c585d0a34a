/**
 * PostgreSQL's half of a backup: every table row by row, as JSON text that PostgreSQL itself wrote
 * and will read, so that no digit passes through a JavaScript number. The tables themselves are not
 * in it: migrations make them, and a backup fits every later version whose columns only grew. It
 * needs no pg_dump, which must not be older than the server and is not on every machine.
 */
import type { ClientBase } from 'pg'
import { z } from 'zod'

/** The lines of a backup that are PostgreSQL's. Rows are read by `rowsText`, never parsed. */
export const TableLine = z.object({
  table: z.string(),
  columns: z.array(z.string()).min(1),
  rows: z.int(),
})
export type TableLine = z.infer<typeof TableLine>
export const MigrationsLine = z.object({ migrations: z.array(z.string()) })

/** Rows a line. */
const PAGE = 500

const ROWS_BEFORE = '{"of":"rows","rows":['
const ROWS_AFTER = ']}'

/** The JSON array in a line of rows; null when the line is another one. */
export function rowsText(line: string): string | null {
  if (!line.startsWith(ROWS_BEFORE)) return null
  return line.slice(ROWS_BEFORE.length - 1, -ROWS_AFTER.length + 1)
}

/** Moments as they are, whatever the server's own settings. */
const SETTINGS = "SET LOCAL TimeZone = 'UTC'; SET LOCAL extra_float_digits = 3"

/**
 * JSON texts. All tables are seen at one moment, the moment when the first line is asked for.
 * @throws what PostgreSQL says
 */
export async function* exportPostgres(client: ClientBase): AsyncIterable<string> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  try {
    await client.query(SETTINGS)
    const migrations = await appliedMigrations(client)
    yield JSON.stringify({ migrations } satisfies z.infer<typeof MigrationsLine>)
    for (const table of await tablesInOrder(client)) yield* exportTable(client, table)
  } finally {
    await client.query('ROLLBACK')
  }
}

async function* exportTable(client: ClientBase, table: string): AsyncIterable<string> {
  const columns = await columnsOf(client, table)
  const counted = await client.query<{ rows: string }>(
    `SELECT count(*) AS rows FROM ${name(table)}`,
  )
  const rows = Number(counted.rows[0]?.rows)
  yield JSON.stringify({ table, columns, rows } satisfies TableLine)
  const list = columns.map(name).join(', ')
  await client.query(
    `DECLARE page NO SCROLL CURSOR FOR
     SELECT row_to_json(kept)::text AS row FROM (SELECT ${list} FROM ${name(table)}) AS kept`,
  )
  for (;;) {
    const page = await client.query<{ row: string }>(`FETCH ${PAGE} FROM page`)
    if (page.rows.length > 0) {
      yield `${ROWS_BEFORE}${page.rows.map(({ row }) => row).join(',')}${ROWS_AFTER}`
    }
    if (page.rows.length < PAGE) break
  }
  await client.query('CLOSE page')
}

/** The hashes of the migrations that made the tables. @throws what PostgreSQL says */
export async function appliedMigrations(client: ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ hash: string }>(
    'SELECT hash FROM drizzle.__drizzle_migrations ORDER BY id',
  )
  return rows.map(({ hash }) => hash)
}

/** Every table of ours; one that refers to others comes after them. @throws what PostgreSQL says */
export async function tablesInOrder(client: ClientBase): Promise<string[]> {
  const tables = await client.query<{ table: string; needs: string[] }>(
    `SELECT tables.relname AS table,
            array_remove(array_agg(needed.relname::text), NULL) AS needs
     FROM pg_class tables
     LEFT JOIN pg_constraint ON conrelid = tables.oid AND contype = 'f'
     LEFT JOIN pg_class needed ON needed.oid = confrelid AND needed.oid <> tables.oid
     WHERE tables.relnamespace = 'public'::regnamespace AND tables.relkind = 'r'
     GROUP BY tables.relname ORDER BY tables.relname`,
  )
  const waiting = new Map(tables.rows.map(({ table, needs }) => [table, needs]))
  const ordered: string[] = []
  while (waiting.size > 0) {
    const next = [...waiting].find(([, needs]) => !needs.some((needed) => waiting.has(needed)))
    if (next === undefined) throw new Error(`tables refer to each other: ${[...waiting.keys()]}`)
    ordered.push(next[0])
    waiting.delete(next[0])
  }
  return ordered
}

async function columnsOf(client: ClientBase, table: string): Promise<string[]> {
  const { rows } = await client.query<{ column_name: string }>(
    `SELECT column_name FROM information_schema.columns
     WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER'
     ORDER BY ordinal_position`,
    [table],
  )
  return rows.map(({ column_name }) => column_name)
}

/** True when no table has a row. @throws what PostgreSQL says */
export async function isPostgresEmpty(client: ClientBase): Promise<boolean> {
  for (const table of await tablesInOrder(client)) {
    const { rows } = await client.query(`SELECT 1 FROM ${name(table)} LIMIT 1`)
    if (rows.length > 0) return false
  }
  return true
}

/** @throws what PostgreSQL says */
export async function emptyPostgres(client: ClientBase): Promise<void> {
  const tables = await tablesInOrder(client)
  if (tables.length > 0) await client.query(`TRUNCATE ${tables.map(name).join(', ')}`)
}

/** @throws what PostgreSQL says */
export async function insertRows(
  client: ClientBase,
  { table, columns }: Pick<TableLine, 'table' | 'columns'>,
  rows_text: string,
): Promise<number> {
  const list = columns.map(name).join(', ')
  const inserted = await client.query(
    `INSERT INTO ${name(table)} (${list}) OVERRIDING SYSTEM VALUE
     SELECT ${list} FROM json_populate_recordset(NULL::${name(table)}, $1::json)`,
    [rows_text],
  )
  return inserted.rowCount ?? 0
}

/** Numbers that the tables give out themselves go on after the highest that was restored. */
export async function continueSequences(client: ClientBase, table: string): Promise<void> {
  for (const column of await columnsOf(client, table)) {
    await client.query(
      `SELECT setval(sequence, highest)
       FROM (SELECT pg_get_serial_sequence($1, $2) AS sequence,
                    (SELECT max(${name(column)}::text::bigint) FROM ${name(table)}
                     WHERE pg_get_serial_sequence($1, $2) IS NOT NULL) AS highest) AS found
       WHERE sequence IS NOT NULL AND highest IS NOT NULL`,
      [name(table), column],
    )
  }
}

const name = (identifier: string) => `"${identifier.replaceAll('"', '""')}"`
