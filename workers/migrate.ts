/**
 * `node workers/migrate.ts`: brings the database's tables up to the generated migrations. It is
 * safe to run at every start and from several places at once: a lock makes them wait for each
 * other, and what is applied already is left alone. It exits 0 when the tables are up to date.
 */
import { join } from 'node:path'
import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate } from 'drizzle-orm/node-postgres/migrator'
import { Client } from 'pg'
import { systemClock } from '../shared/clock.ts'
import { describeProblems, readDatabaseUrl } from './config.ts'
import { createLog } from './ops/log.ts'

const FOLDER = join(import.meta.dirname, '../shared/database/migrations')
/** Any number that nothing else in this database locks. */
const LOCK = 727_274_831
const CONNECT_TIMEOUT_MS = 10_000

const log = createLog({ level: 'info', error_log_file: null, clock: systemClock })

async function applyMigrations(database_url: string): Promise<void> {
  const client = new Client({
    connectionString: database_url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'spreadwire-migrate',
  })
  await client.connect()
  try {
    await client.query('SELECT pg_advisory_lock($1)', [LOCK])
    const before = await countApplied(client)
    await migrate(drizzle(client), { migrationsFolder: FOLDER })
    const after = await countApplied(client)
    log.info(after > before ? 'migrations applied' : 'the tables are up to date', {
      applied_now: after - before,
      applied_total: after,
    })
  } finally {
    // Ending the session also gives the lock back.
    await client.end()
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

const settings = readDatabaseUrl(process.env)
try {
  if (!settings.ok) throw new Error(describeProblems(settings.problems))
  await applyMigrations(settings.database_url)
} catch (error) {
  log.error('migration failed', { error })
  process.exitCode = 1
}
