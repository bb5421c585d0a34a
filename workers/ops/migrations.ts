/**
 * Brings a database's tables up to the generated migrations. It is safe to run at every start and
 * from several places at once: a lock makes them wait for each other, and what is applied already is
 * left alone.
 */
import { join } from 'node:path'
import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate } from 'drizzle-orm/node-postgres/migrator'
import type { Client } from 'pg'

const FOLDER = join(import.meta.dirname, '../../shared/database/migrations')
/** Any number that nothing else in this database locks. */
const LOCK = 727_274_831

/**
 * `client` is a connection of its own, and no pooler's: the lock belongs to the session.
 * @throws what PostgreSQL says
 */
export async function applyMigrations(
  client: Client,
): Promise<{ readonly applied_now: number; readonly applied_total: number }> {
  await client.query('SELECT pg_advisory_lock($1)', [LOCK])
  try {
    const before = await countApplied(client)
    await migrate(drizzle(client), { migrationsFolder: FOLDER })
    const after = await countApplied(client)
    return { applied_now: after - before, applied_total: after }
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [LOCK])
  }
}

async function countApplied(client: Client): Promise<number> {
  const { rows } = await client.query<{ journal: string | null }>(
    "SELECT to_regclass('drizzle.__drizzle_migrations')::text AS journal",
  )
  if (rows[0]?.journal == null) return 0
  const counted = await client.query<{ count: string }>(
    'SELECT count(*) FROM drizzle.__drizzle_migrations',
  )
  return Number(counted.rows[0]?.count)
}
