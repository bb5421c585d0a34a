/**
 * Makes a backup of both stores. PostgreSQL is looked at first and Redis after it: what the archive
 * copied from the one to the other between the two moments is in Redis's stream, and is copied again
 * after a restore. The other way round it would be in neither.
 */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../shared/clock.ts'
import { timestamp } from '../../shared/clock.ts'
import { KEYS } from '../../shared/keys.ts'
import { checkBackup, writeBackup } from './file.ts'
import { exportPostgres } from './postgres.ts'
import { exportRedis } from './redis.ts'
import type { Stores } from './stores.ts'

export interface Made {
  readonly path: string
  readonly bytes: number
  readonly lines: number
  /** older files that made room */
  readonly removed: readonly string[]
}

export interface BackupOptions {
  readonly folder: string
  /** the newest files that stay, this one among them */
  readonly keep: number
  readonly version: string
  readonly clock: Clock
}

const NAME = /^spreadwire-\d{8}T\d{9}Z\.jsonl\.gz$/

/**
 * The file is read once again before it counts, and only then older ones go.
 * @throws what the stores say, and BackupError when the file is not whole
 */
export async function makeBackup(stores: Stores, options: BackupOptions): Promise<Made> {
  const { folder, keep, version, clock } = options
  const created_at = timestamp(clock.wall_ms())
  const path = join(folder, `spreadwire-${created_at.replace(/[-:.]/g, '')}.jsonl.gz`)
  const written = await writeBackup(path, { created_at, version }, linesOf(stores, clock))
  await checkBackup(path)
  await stores.redis.set(KEYS.backup, created_at)
  const removed = await removeOld(folder, keep)
  return { path, ...written, removed }
}

async function* linesOf({ postgres, redis }: Stores, clock: Clock): AsyncIterable<string> {
  const tables = exportPostgres(postgres)[Symbol.asyncIterator]()
  // PostgreSQL's moment is that of its first line
  const first = await tables.next()
  if (!first.done) yield first.value
  for await (const line of exportRedis(redis, clock)) yield JSON.stringify(line)
  for (;;) {
    const next = await tables.next()
    if (next.done) return
    yield next.value
  }
}

/** Only files that this command made. Names sort by time. */
async function removeOld(folder: string, keep: number): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => NAME.test(name)).sort()
  const old = names.slice(0, Math.max(0, names.length - keep))
  for (const name of old) await rm(join(folder, name))
  return old
}
