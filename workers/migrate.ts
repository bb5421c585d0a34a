/**
 * `node workers/migrate.ts`: brings the database's tables up to date (ops/migrations.ts). It exits 0
 * when they are.
 */
import { Client } from 'pg'
import { systemClock } from '../shared/clock.ts'
import { hideSecretsOf } from '../shared/redact.ts'
import { describeProblems } from './config/problems.ts'
import { readDatabaseUrl } from './config.ts'
import { createLog } from './ops/log.ts'
import { applyMigrations } from './ops/migrations.ts'

const CONNECT_TIMEOUT_MS = 10_000

const log = createLog({ level: 'info', error_log_file: null, clock: systemClock })

async function main(database_url: string): Promise<void> {
  const client = new Client({
    connectionString: database_url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'spreadwire-migrate',
  })
  await client.connect()
  try {
    const applied = await applyMigrations(client)
    const words = applied.applied_now > 0 ? 'migrations applied' : 'the tables are up to date'
    log.info(words, applied)
  } finally {
    await client.end()
  }
}

hideSecretsOf(process.env)
const settings = readDatabaseUrl(process.env)
try {
  if (!settings.ok) throw new Error(describeProblems(settings.problems))
  await main(settings.database_url)
} catch (error) {
  log.error('migration failed', { error })
  process.exitCode = 1
}
