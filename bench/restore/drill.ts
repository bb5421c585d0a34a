/**
 * The drill: back up under load, destroy, restore, let a worker go on, look for what was published;
 * then once more with stores at rest, where every byte must be equal. It uses the commands as an
 * operator would.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { environment, PROJECT_DIR } from '../../sandbox/environment.ts'
import { run } from '../../sandbox/run.ts'
import { compareEventIds } from '../../shared/event.ts'
import { KEYS } from '../../shared/keys.ts'
import { Rig, type RigOptions, until } from '../failover/rig.ts'
import { differences, state } from './state.ts'

export interface DrillOptions extends Omit<RigOptions, 'tears'> {
  /** of history, beside what the worker writes */
  readonly rows: number
  readonly onPhase: (phase: string) => void
}

interface Figures {
  readonly phase: string
  /** of the history */
  readonly rows: number
  /** of the event stream */
  readonly entries: number
  readonly bytes: number
  readonly backup_ms: number
  readonly restore_ms: number
}

export interface DrillResult {
  readonly loaded: Figures & {
    readonly events_meanwhile: number
    /** opportunities that were published before the backup's moment … */
    readonly published: number
    /** … and those of them that are not in the history afterwards */
    readonly missing: number
  }
  readonly at_rest: Figures
  /** in words; empty: nothing */
  readonly wrong: readonly string[]
}

const TEARS = 3
/** copied until there are as many as are wanted */
const LEAST_ROWS = 100
const LOAD_WITHIN_MS = 240_000

export async function runDrill(options: DrillOptions): Promise<DrillResult> {
  const { onPhase } = options
  onPhase('start')
  const rig = await Rig.start({ ...options, tears: TEARS })
  const folder = await mkdtemp(join(tmpdir(), 'spreadwire-drill-'))
  try {
    await rig.startWorker()
    await rig.ready(1)
    onPhase('a history')
    await until('rows', async () => (await count(rig)) >= LEAST_ROWS, LOAD_WITHIN_MS)
    await multiply(rig, options.rows)
    onPhase('a backup under load')
    const loaded = await underLoad(rig, folder)
    onPhase('a backup at rest')
    const { figures, wrong } = await atRest(rig, folder)
    const lost = loaded.missing === 0 ? [] : [`${loaded.missing} opportunities are missing`]
    return { loaded, at_rest: figures, wrong: [...lost, ...wrong] }
  } finally {
    await rig.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function underLoad(rig: Rig, folder: string): Promise<DrillResult['loaded']> {
  const events_before = rig.ledger.told.length
  const made = await backUp(rig, folder)
  const events_meanwhile = rig.ledger.told.length - events_before
  await rig.stopWorkers()
  await until('the ledger', () => rig.ledger.isUpToDate(rig.redis))
  const lives = [...rig.ledger.lives.values()]
  await destroy(rig)
  const restore_ms = await restore(rig, made.path)
  const entries = await rig.redis.xlen(KEYS.events)
  const [newest] = await rig.redis.xrevrange(KEYS.events, '+', '-', 'COUNT', 1)
  const published = lives.filter(
    ({ detected_event_id }) => compareEventIds(detected_event_id, newest?.[0] ?? '0-0') <= 0,
  )
  const rows = await count(rig)
  // whoever starts next copies what was only in the stream
  rig.ledger.rewind()
  await rig.startWorker()
  const absent = async () => missing(rig, new Set(published.map(({ id }) => id)))
  await until('the archive', async () => (await absent()) === 0, LOAD_WITHIN_MS).catch(() => {})
  return {
    ...{ phase: 'under load', rows, entries, bytes: made.bytes, backup_ms: made.backup_ms },
    ...{ restore_ms, events_meanwhile, published: published.length, missing: await absent() },
  }
}

async function atRest(rig: Rig, folder: string): Promise<{ figures: Figures; wrong: string[] }> {
  await rig.stopWorkers()
  const before = await state(rig)
  const { path, bytes, backup_ms } = await backUp(rig, folder)
  await destroy(rig)
  const restore_ms = await restore(rig, path)
  const rows = await count(rig)
  const entries = await rig.redis.xlen(KEYS.events)
  const figures = { phase: 'at rest', rows, entries, bytes, backup_ms, restore_ms }
  return { figures, wrong: differences(before, await state(rig)) }
}

async function backUp(rig: Rig, folder: string) {
  const { output, took_ms } = await command(rig, 'backup.ts', ['--out', folder])
  const path = output.trim()
  return { path, bytes: (await stat(path)).size, backup_ms: took_ms }
}

async function restore(rig: Rig, path: string): Promise<number> {
  return (await command(rig, 'restore.ts', [path])).took_ms
}

/** @throws Error with the command's own words when it fails */
async function command(rig: Rig, script: string, args: readonly string[]) {
  const started_ms = performance.now()
  const { ok, stdout, output } = await run(
    process.execPath,
    [join(PROJECT_DIR, 'workers', script), ...args],
    { cwd: PROJECT_DIR, env: environment(rig.stores) },
  )
  if (!ok) throw new Error(output)
  return { output: stdout, took_ms: Math.round(performance.now() - started_ms) }
}

/** Not even the tables are left. */
async function destroy(rig: Rig): Promise<void> {
  await rig.redis.flushall()
  await rig.pool.query('DROP SCHEMA IF EXISTS drizzle CASCADE; DROP SCHEMA public CASCADE')
  await rig.pool.query('CREATE SCHEMA public')
}

async function count({ pool }: Rig): Promise<number> {
  const { rows } = await pool.query('SELECT count(*)::int AS rows FROM opportunities')
  return rows[0].rows as number
}

/** Ended opportunities again and again, under other ids. */
async function multiply({ pool }: Rig, rows: number): Promise<void> {
  await pool.query(
    `INSERT INTO opportunities
     SELECT (jsonb_populate_record(o, jsonb_build_object('id', o.id || '_' || n))).*
     FROM opportunities o, generate_series(1, $1::int) n
     WHERE o.id IN (SELECT id FROM opportunities WHERE status = 'expired' LIMIT $2)`,
    [Math.ceil(rows / LEAST_ROWS), LEAST_ROWS],
  )
}

async function missing({ pool }: Rig, wanted: ReadonlySet<string>): Promise<number> {
  const { rows } = await pool.query<{ id: string }>(
    'SELECT id FROM opportunities WHERE id = ANY($1)',
    [[...wanted]],
  )
  return wanted.size - rows.length
}
