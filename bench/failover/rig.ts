/**
 * Two workers as in production, one of them on standby, around stores that can be taken away: real
 * processes on the sandbox exchanges, Redis and PostgreSQL behind fault proxies. A worker that ended
 * is started again by whoever ended it. Nothing here is kept.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { environment, PROJECT_DIR } from '../../sandbox/environment.ts'
import { type FaultProxy, startFaultProxy } from '../../sandbox/faults.ts'
import { startPostgres } from '../../sandbox/postgres.ts'
import { type Child, startChild } from '../../sandbox/process.ts'
import { startRedis } from '../../sandbox/redis.ts'
import { run } from '../../sandbox/run.ts'
import { KEYS } from '../../shared/keys.ts'
import { Sandbox } from '../load/sandbox.ts'
import { Ledger } from './ledger.ts'

export interface RigOptions {
  readonly seed: number
  /** coins */
  readonly symbols: number
  readonly rate: number
  readonly tears: number
  /** more of the workers' variables */
  readonly variables?: Readonly<Record<string, string>>
}

export interface RunningWorker {
  readonly worker_id: string
  /** of its own HTTP server */
  readonly port: number
  readonly child: Child
  /** wall time at which it last told that it leads and knows what was left */
  took_over_ms: number | null
}

const STARTED_WITHIN_MS = 60_000
/** an exchange gives so many books a minute to an address, and every worker that starts wants all */
const READY_WITHIN_MS = 240_000
const LOOK_EVERY_MS = 20
/** of the books: an exchange may have one that is just being built again */
const READY_PERCENT = 95

export class Rig {
  readonly sandbox: Sandbox
  readonly ledger: Ledger
  /** past the faults */
  readonly redis: Redis
  readonly pool: Pool
  readonly redis_proxy: FaultProxy
  readonly postgres_proxy: FaultProxy
  readonly truth_file: string
  /** warnings and errors of the workers, as they were logged */
  readonly complaints: string[] = []
  private readonly env: Record<string, string>
  private readonly observed: FaultProxy
  private readonly workers = new Map<string, RunningWorker>()
  private readonly stops: (() => Promise<unknown>)[]

  private constructor(
    parts: Pick<
      Rig,
      'sandbox' | 'redis' | 'pool' | 'redis_proxy' | 'postgres_proxy' | 'truth_file'
    >,
    observed: FaultProxy,
    env: Record<string, string>,
    stops: (() => Promise<unknown>)[],
  ) {
    const { sandbox, redis, pool, redis_proxy, postgres_proxy, truth_file } = parts
    this.sandbox = sandbox
    this.redis = redis
    this.pool = pool
    this.redis_proxy = redis_proxy
    this.postgres_proxy = postgres_proxy
    this.truth_file = truth_file
    this.ledger = new Ledger(redis.duplicate())
    this.observed = observed
    this.env = env
    this.stops = stops
  }

  /** @throws Error when a part does not start; what started before it is stopped. */
  static async start(options: RigOptions): Promise<Rig> {
    const stops: (() => Promise<unknown>)[] = []
    try {
      const folder = await mkdtemp(join(tmpdir(), 'spreadwire-failover-'))
      stops.push(() => rm(folder, { recursive: true, force: true }))
      const truth_file = join(folder, 'truth.jsonl')
      const redis_server = await startRedis({ data_dir: join(folder, 'redis') })
      stops.push(() => redis_server.stop())
      const data_dir = join(folder, 'postgres')
      const postgres = await startPostgres({ data_dir, durable: false })
      stops.push(() => postgres.stop())
      const redis_proxy = await startFaultProxy(redis_server.url)
      stops.push(() => redis_proxy.close())
      const observed = await startFaultProxy(redis_server.url)
      stops.push(() => observed.close())
      const postgres_proxy = await startFaultProxy(postgres.url)
      stops.push(() => postgres_proxy.close())
      const sandbox = new Sandbox({ ...options, truth_file })
      stops.push(() => sandbox.stop())
      const env = environment({
        ...(await addressVariables(sandbox)),
        REDIS_URL: redis_proxy.url,
        DATABASE_URL: postgres_proxy.url,
        MAX_SYMBOLS: '1000',
        PORT: '0',
        NODE_ENV: 'production',
        LOG_LEVEL: 'info',
        ...options.variables,
      })
      const migrated = await run(process.execPath, ['workers/migrate.ts'], {
        cwd: PROJECT_DIR,
        env,
      })
      if (!migrated.ok) throw new Error(`the tables could not be made:\n${migrated.output}`)
      const redis = new Redis(observed.url, { maxRetriesPerRequest: null })
      redis.on('error', () => {})
      const pool = new Pool({ connectionString: postgres.url, max: 2 })
      pool.on('error', () => {})
      const parts = { sandbox, redis, pool, redis_proxy, postgres_proxy, truth_file }
      return new Rig(parts, observed, env, stops)
    } catch (error) {
      await stopAll(stops)
      throw error
    }
  }

  async startWorker(): Promise<RunningWorker> {
    const starting: { worker?: RunningWorker } = {}
    const child = startChild({
      name: 'the worker',
      command: process.execPath,
      args: [join(PROJECT_DIR, 'workers', 'main.ts')],
      env: this.env,
      stop_within_ms: 30_000,
      on_line: (line) => {
        if (line.includes('"took over"') && starting.worker)
          starting.worker.took_over_ms = Date.now()
        if (/"level":"(warn|error)"/.test(line)) this.complaints.push(line)
      },
    })
    const started = await child.ready(whoStarted, STARTED_WITHIN_MS)
    const took_over_ms = child.tail().includes('"took over"') ? Date.now() : null
    const worker = { ...started, child, took_over_ms }
    starting.worker = worker
    this.workers.set(worker.worker_id, worker)
    return worker
  }

  /** Waits until so many workers live and see the whole market. */
  async ready(count: number): Promise<void> {
    const isReady = async () => {
      const members = await this.redis.hgetall(KEYS.members)
      const warm = Object.entries(members).filter(
        ([id, member]) => this.workers.has(id) && Number(member.split(' ')[1]) >= READY_PERCENT,
      )
      return warm.length === count
    }
    await until(`${count} workers with warm books`, isReady, READY_WITHIN_MS)
  }

  async leader(): Promise<RunningWorker> {
    let found: RunningWorker | undefined
    await until('a leader', async () => {
      found = this.workers.get((await this.redis.get(KEYS.lease)) ?? '')
      return found !== undefined
    })
    return found as RunningWorker
  }

  /** Wall time at which another than that worker led and knew what was left. */
  async successor(former: RunningWorker): Promise<number> {
    const before = new Map([...this.workers.values()].map((one) => [one, one.took_over_ms]))
    let at_ms = 0
    await until('a successor', async () => {
      // the one that is started meanwhile may be the quicker
      for (const one of this.workers.values()) {
        if (one === former || one.took_over_ms === (before.get(one) ?? null)) continue
        at_ms = one.took_over_ms ?? 0
      }
      return at_ms > 0
    })
    return at_ms
  }

  running(): RunningWorker[] {
    return [...this.workers.values()]
  }

  forget(worker: RunningWorker): void {
    this.workers.delete(worker.worker_id)
  }

  /** The stores' variables, as the workers have them. */
  get stores(): Record<'REDIS_URL' | 'DATABASE_URL', string> {
    return { REDIS_URL: this.redis_proxy.url, DATABASE_URL: this.postgres_proxy.url }
  }

  /** Another server takes the place of Redis, for everybody. */
  moveRedis(port: number): void {
    this.observed.retarget(port)
    this.redis_proxy.retarget(port)
  }

  /** The workers in order, one after the other; then nobody is left who could publish. */
  async stopWorkers(): Promise<void> {
    for (const worker of this.workers.values()) await worker.child.stop()
    this.workers.clear()
  }

  async stop(): Promise<void> {
    await this.stopWorkers()
    this.ledger.close()
    this.redis.disconnect()
    await this.pool.end()
    await stopAll(this.stops)
  }
}

/** @throws Error when it does not come true in time */
export async function until(
  what: string,
  holds: () => Promise<boolean>,
  within_ms = STARTED_WITHIN_MS,
): Promise<void> {
  const deadline_ms = performance.now() + within_ms
  while (!(await holds())) {
    if (performance.now() > deadline_ms) throw new Error(`waited in vain for ${what}`)
    await sleep(LOOK_EVERY_MS)
  }
}

async function stopAll(stops: (() => Promise<unknown>)[]): Promise<void> {
  for (const stop of stops.splice(0).reverse()) await stop()
}

async function addressVariables(sandbox: Sandbox): Promise<Record<string, string>> {
  const variables: Record<string, string> = {}
  for (const [id, { websocket_url, rest_url }] of await sandbox.addresses()) {
    variables[`${id.toUpperCase()}_WS_URL`] = websocket_url
    variables[`${id.toUpperCase()}_REST_URL`] = rest_url
  }
  return variables
}

/** From the worker's first log line; undefined for any other. */
function whoStarted(line: string): Pick<RunningWorker, 'worker_id' | 'port'> | undefined {
  if (!line.includes('"worker started"')) return undefined
  return JSON.parse(line) as { worker_id: string; port: number }
}
