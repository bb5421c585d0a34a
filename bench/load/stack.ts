/**
 * What the worker needs around it, and the worker, as processes of their own: Redis, PostgreSQL with
 * its tables, the sandbox exchanges. Nothing here is kept, and no store of the developer's is used.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { environment, PROJECT_DIR, SMALL_PROCESS } from '../../sandbox/environment.ts'
import { startPostgres } from '../../sandbox/postgres.ts'
import { startChild } from '../../sandbox/process.ts'
import { startRedis } from '../../sandbox/redis.ts'
import { run } from '../../sandbox/run.ts'
import { Sandbox } from './sandbox.ts'
import { WorkerView } from './worker.ts'

const READY_WITHIN_MS = 60_000
/** of the worker's own limit: all markets of the sandbox are watched */
const MAX_SYMBOLS = '1000'

export interface StackOptions {
  readonly seed: number
  readonly symbols: number
  readonly rate: number
  /** more of the worker's variables */
  readonly variables?: Readonly<Record<string, string>>
  /** options of the worker's Node */
  readonly node_options?: readonly string[]
  /** what the worker writes, line by line */
  readonly onWorkerLine?: (line: string) => void
}

export interface Stack {
  readonly sandbox: Sandbox
  readonly worker: WorkerView
  readonly redis_url: string
  readonly database_url: string
  stop(): Promise<void>
}

/** @throws SetupError or Error when a part does not start; what started before it is stopped. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const stops: (() => Promise<void>)[] = []
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end()
  }
  try {
    const folder = await mkdtemp(join(tmpdir(), 'spreadwire-load-'))
    stops.push(() => rm(folder, { recursive: true, force: true }))
    const redis = await startRedis()
    stops.push(() => redis.stop())
    const postgres = await startPostgres({ data_dir: join(folder, 'postgres'), durable: false })
    stops.push(() => postgres.stop())
    const sandbox = new Sandbox({ ...options, truth_file: join(folder, 'truth.jsonl') })
    stops.push(() => sandbox.stop())

    const admin_token = randomBytes(24).toString('hex')
    const env = environment({
      ...SMALL_PROCESS,
      ...(await addressVariables(sandbox)),
      REDIS_URL: redis.url,
      DATABASE_URL: postgres.url,
      ADMIN_TOKEN: admin_token,
      EXCHANGES: undefined,
      SYMBOLS: undefined,
      MAX_SYMBOLS,
      PORT: '0',
      NODE_ENV: 'production',
      LOG_LEVEL: 'info',
      ...options.variables,
    })
    await once('workers/migrate.ts', env)
    // compiles, so that the first worker of a clone starts as every later one does
    await once('workers/main.ts', env, '--check-config')
    const child = startChild({
      name: 'the worker',
      command: process.execPath,
      args: [...(options.node_options ?? []), join(PROJECT_DIR, 'workers', 'main.ts')],
      env,
      ...(options.onWorkerLine === undefined ? {} : { on_line: options.onWorkerLine }),
    })
    stops.push(() => child.stop())
    const port = await child.ready(startedPort, READY_WITHIN_MS)
    const worker = new WorkerView(child.pid, port, admin_token)
    return { sandbox, worker, redis_url: redis.url, database_url: postgres.url, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function addressVariables(sandbox: Sandbox): Promise<Record<string, string>> {
  const variables: Record<string, string> = {}
  for (const [id, { websocket_url, rest_url }] of await sandbox.addresses()) {
    variables[`${id.toUpperCase()}_WS_URL`] = websocket_url
    variables[`${id.toUpperCase()}_REST_URL`] = rest_url
  }
  return variables
}

async function once(script: string, env: Record<string, string>, ...args: string[]): Promise<void> {
  const { ok, output } = await run(process.execPath, [script, ...args], { cwd: PROJECT_DIR, env })
  if (!ok) throw new Error(`${script} failed:\n${output}`)
}

/** The port in the worker's first log line; undefined for any other. */
function startedPort(line: string): number | undefined {
  if (!line.includes('"worker started"')) return undefined
  return (JSON.parse(line) as { port: number }).port
}
