/**
 * One run of the real worker against a sandbox whose truth is known: both as processes, Redis as it
 * is, everything that the worker announced read from its stream. PostgreSQL is absent: nothing that is
 * announced waits for it.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { pairs } from '../../bench/failover/ledger.ts'
import { sum } from '../../bench/load/prometheus.ts'
import { Sandbox } from '../../bench/load/sandbox.ts'
import { WorkerView } from '../../bench/load/worker.ts'
import { environment, PROJECT_DIR } from '../../sandbox/environment.ts'
import { STEP_EVERY_MS } from '../../sandbox/exchanges/simulation.ts'
import { parseFault } from '../../sandbox/market/faults.ts'
import { createMarketModel } from '../../sandbox/market/model.ts'
import type { SimulatedMarket } from '../../sandbox/market/source.ts'
import { profiles } from '../../sandbox/market/testing.ts'
import { startChild } from '../../sandbox/process.ts'
import { startRedis } from '../../sandbox/redis.ts'
import { type Event, eventFromStream } from '../../shared/event.ts'
import { KEYS } from '../../shared/keys.ts'
import { claimsOf } from './claims.ts'
import type { Claim } from './judge.ts'
import { Relay } from './relay.ts'
import type { Late } from './score.ts'
import { readWire, type WireEvent } from './wire.ts'

export interface RunOptions {
  /** the market's: another set is another market */
  readonly exchanges: readonly string[]
  readonly seed: number
  readonly symbols: number
  readonly rate: number
  readonly tears: number
  readonly faults: readonly string[]
  readonly seconds: number
  /** more of the worker's variables */
  readonly variables?: Readonly<Record<string, string>>
  /** what is done to the market while it runs, from the moment at which counting begins */
  readonly disturb?: (sandbox: Sandbox, networks: ReadonlyMap<string, Relay>) => Promise<void>
}

export interface Recorded {
  readonly markets: readonly SimulatedMarket[]
  readonly wire: readonly WireEvent[]
  readonly claims: readonly Claim[]
  readonly late: readonly Late[]
  readonly from_ms: number
  readonly to_ms: number
  /** of the steps that the market wanted to take while it counted: less than 1 on a machine without time */
  readonly steps_share: number
}

/** Nobody listens there. */
const NO_POSTGRES = 'postgres://nobody@127.0.0.1:1/nothing'
const ADMIN_TOKEN = 'known-truth-operator'
const READY_WITHIN_MS = 60_000
const LOOK_EVERY_MS = 250
/** Coins are compared once a second until they are known to be the ones their tickers name. */
const SETTLE_MS = 5_000
/** What was sent last arrives and is announced within this. */
const LAST_WORDS_MS = 500

export async function recordRun(options: RunOptions): Promise<Recorded> {
  const stops: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end()
  }
  try {
    const folder = await mkdtemp(join(tmpdir(), 'spreadwire-truth-'))
    const record_file = join(folder, 'wire.jsonl')
    const redis = await startRedis()
    stops.push(() => redis.stop())
    const sandbox = new Sandbox({
      ...options,
      record_file,
      truth_file: join(folder, 'truth.jsonl'),
    })
    stops.push(() => sandbox.stop())
    const networks = new Map<string, Relay>()
    const addresses = await addressesThrough(networks, sandbox, stops)
    const EXCHANGES = options.exchanges.join(',')
    const variables = { ...addresses, EXCHANGES, ...options.variables, REDIS_URL: redis.url }
    const worker = await startWorker(variables, stops)
    await allLive(worker)
    await sleep(SETTLE_MS)
    const late: Late[] = []
    const { steps } = await sandbox.status()
    const from_ms = Date.now()
    await Promise.all([
      watch(worker, from_ms + options.seconds * 1_000, late),
      options.disturb?.(sandbox, networks),
    ])
    const to_ms = Date.now()
    const steps_taken = (await sandbox.status()).steps - steps
    const steps_share = steps_taken / ((to_ms - from_ms) / STEP_EVERY_MS)
    await sleep(LAST_WORDS_MS)
    const claims = claimsOf(await readEvents(redis.url))
    await stop()
    const wire = readWire(record_file)
    await rm(folder, { recursive: true, force: true })
    const model = createMarketModel({
      ...options,
      exchanges: profiles(...options.exchanges),
      faults: options.faults.map(parseFault),
    })
    return { markets: model.markets, wire, claims, late, from_ms, to_ms, steps_share }
  } finally {
    await stop()
  }
}

/** The worker reaches the streams of each exchange through a network of its own. */
async function addressesThrough(
  networks: Map<string, Relay>,
  sandbox: Sandbox,
  stops: (() => Promise<unknown>)[],
): Promise<Record<string, string>> {
  const variables: Record<string, string> = {}
  for (const [id, { websocket_url, rest_url }] of await sandbox.addresses()) {
    const network = new Relay(websocket_url)
    stops.push(() => network.close())
    networks.set(id, network)
    variables[`${id.toUpperCase()}_WS_URL`] = await network.listen()
    variables[`${id.toUpperCase()}_REST_URL`] = rest_url
  }
  return variables
}

async function startWorker(
  variables: Readonly<Record<string, string>>,
  stops: (() => Promise<unknown>)[],
): Promise<WorkerView> {
  const child = startChild({
    name: 'the worker',
    command: process.execPath,
    args: [join(PROJECT_DIR, 'workers', 'main.ts')],
    env: environment({
      DATABASE_URL: NO_POSTGRES,
      ADMIN_TOKEN,
      MAX_SYMBOLS: '1000',
      PORT: '0',
      NODE_ENV: 'production',
      LOG_LEVEL: 'info',
      ...variables,
    }),
  })
  stops.push(() => child.stop())
  const port = await child.ready(
    (line) => (line.includes('"worker started"') ? (JSON.parse(line).port as number) : undefined),
    READY_WITHIN_MS,
  )
  return new WorkerView(child.pid, port, ADMIN_TOKEN)
}

async function allLive(worker: WorkerView): Promise<void> {
  const deadline_ms = performance.now() + READY_WITHIN_MS
  for (;;) {
    const books = await worker.list()
    const waiting = books.filter(({ state }) => state !== 'live')
    if (books.length > 0 && waiting.length === 0) return
    if (performance.now() > deadline_ms) {
      throw new Error(`${waiting.length} of ${books.length} books are not live`)
    }
    await sleep(LOOK_EVERY_MS)
  }
}

/** Asks until `until_ms` how late the worker's event loop was, window by window. */
async function watch(worker: WorkerView, until_ms: number, late: Late[]): Promise<void> {
  let from_ms = Date.now()
  await worker.metrics()
  while (Date.now() < until_ms) {
    await sleep(LOOK_EVERY_MS)
    const samples = await worker.metrics()
    const to_ms = Date.now()
    const late_ms = sum(samples, 'arb_event_loop_lag_seconds', { quantile: '1' }) * 1_000
    late.push({ from_ms, to_ms, late_ms })
    from_ms = to_ms
  }
}

/** Everything that was ever published. */
async function readEvents(redis_url: string): Promise<Event[]> {
  const client = new Redis(redis_url)
  try {
    const entries = await client.xrange(KEYS.events, '-', '+')
    return entries.map(([id, fields]) => eventFromStream(id, pairs(fields)))
  } finally {
    client.disconnect()
  }
}
