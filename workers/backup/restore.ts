/**
 * Brings a backup back into empty stores, or into stores whose content may go. It reads the whole
 * file before it touches anything, and refuses while a worker runs. PostgreSQL is restored in one
 * transaction; Redis after it, so that a failure leaves no half that looks like a whole.
 */
import type { Clock } from '../../shared/clock.ts'
import { applyMigrations } from '../ops/migrations.ts'
import { BackupError, checkBackup, type Header, readBackup } from './file.ts'
import {
  appliedMigrations,
  continueSequences,
  emptyPostgres,
  insertRows,
  isPostgresEmpty,
  MigrationsLine,
  rowsText,
  TableLine,
} from './postgres.ts'
import { emptyRedis, importRedis, isRedisEmpty, RedisLine, runningWorkers } from './redis.ts'
import type { Stores } from './stores.ts'

export interface Restored {
  readonly header: Header
  /** rows by table */
  readonly tables: Readonly<Record<string, number>>
  /** lines of Redis's half */
  readonly redis_lines: number
}

export interface RestoreOptions {
  readonly path: string
  /** what is in the stores goes; otherwise they must be empty */
  readonly replace: boolean
  readonly clock: Clock
}

/** @throws BackupError when it must not or cannot be, and what the stores say */
export async function restoreBackup(stores: Stores, options: RestoreOptions): Promise<Restored> {
  const { path, replace, clock } = options
  const { redis, postgres } = stores
  const header = await checkBackup(path)
  const workers = await runningWorkers(redis)
  if (workers.length > 0) {
    throw new BackupError(`stop the worker first: ${workers.join(', ')} runs, and would write`)
  }
  await applyMigrations(postgres)
  if (!replace) await refuseFull(stores)
  await postgres.query('BEGIN')
  try {
    if (replace) await emptyPostgres(postgres)
    const tables = await restoreTables(stores, path)
    if (replace) await emptyRedis(redis)
    let redis_lines = 0
    for await (const line of readBackup(path)) {
      const read = isRows(line) ? undefined : RedisLine.safeParse(JSON.parse(line))
      if (!read?.success) continue
      await importRedis(redis, clock, read.data)
      redis_lines++
    }
    await postgres.query('COMMIT')
    return { header, tables, redis_lines }
  } catch (error) {
    await postgres.query('ROLLBACK').catch(() => {})
    throw error
  }
}

const isRows = (line: string) => rowsText(line) !== null

async function refuseFull({ redis, postgres }: Stores): Promise<void> {
  const full = [
    ...((await isPostgresEmpty(postgres)) ? [] : ['PostgreSQL']),
    ...((await isRedisEmpty(redis)) ? [] : ['Redis']),
  ]
  if (full.length === 0) return
  throw new BackupError(
    `${full.join(' and ')} must be empty: restore into new ones, or add --replace everything to delete what is there`,
  )
}

async function restoreTables({ postgres }: Stores, path: string): Promise<Record<string, number>> {
  const restored: Record<string, number> = {}
  let table: TableLine | undefined
  for await (const line of readBackup(path)) {
    const rows = rowsText(line)
    if (rows !== null) {
      if (table === undefined) throw new BackupError(`${path}: rows without a table`)
      restored[table.table] =
        (restored[table.table] ?? 0) + (await insertRows(postgres, table, rows))
      continue
    }
    const parsed: unknown = JSON.parse(line)
    const migrations = MigrationsLine.safeParse(parsed)
    if (migrations.success) await refuseNewer(postgres, path, migrations.data.migrations)
    const next = TableLine.safeParse(parsed)
    if (!next.success) continue
    table = next.data
    restored[table.table] = 0
  }
  for (const name of Object.keys(restored)) await continueSequences(postgres, name)
  return restored
}

async function refuseNewer(
  postgres: Stores['postgres'],
  path: string,
  migrations: readonly string[],
): Promise<void> {
  const known = new Set(await appliedMigrations(postgres))
  if (migrations.every((hash) => known.has(hash))) return
  throw new BackupError(`${path} was made by a newer version: update this program first`)
}
