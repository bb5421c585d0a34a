/** Starts the exchanges' rig: when it is there, every book is live and every coin has proven itself. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { until } from '../../../bench/failover/rig.ts'
import { Sandbox } from '../../../bench/load/sandbox.ts'
import { WorkerView } from '../../../bench/load/worker.ts'
import { environment, PROJECT_DIR } from '../../../sandbox/environment.ts'
import { startChild } from '../../../sandbox/process.ts'
import { startRedis } from '../../../sandbox/redis.ts'
import { KEYS } from '../../../shared/keys.ts'
import type { NamedBook } from '../../../workers/ops/books.ts'
import type { RigKind } from '../fault.ts'
import { Lateness } from './lateness.ts'
import { Network } from './network.ts'
import { type Complaint, ExchangesRig, type Stops, stopAll, type WatchedBook } from './rig.ts'

/** `symbols` are coins; most have several markets */
const MARKET = { symbols: 5, rate: 1, tears: 3 } as const
/** Nobody listens there. */
const NO_POSTGRES = 'postgres://nobody@127.0.0.1:1/nothing'
const ADMIN_TOKEN = 'chaos-operator-token'
const READY_WITHIN_MS = 90_000
const PROVEN_FOR_MS = 6_000
/** how long it takes to see which markets are busy */
const WATCHED_FOR_MS = 5_000

export const EXCHANGES: RigKind<ExchangesRig> = { name: 'exchanges', start }

async function start({ seed }: { readonly seed: number }): Promise<ExchangesRig> {
  const stops: Stops = []
  const market = { seed, ...MARKET }
  try {
    const folder = await mkdtemp(join(tmpdir(), 'spreadwire-chaos-'))
    stops.push(() => rm(folder, { recursive: true, force: true }))
    const record_file = join(folder, 'wire.jsonl')
    const server = await startRedis()
    stops.push(() => server.stop())
    const sandbox = new Sandbox({
      ...market,
      record_file,
      truth_file: join(folder, 'truth.jsonl'),
    })
    stops.push(() => sandbox.stop())
    const networks = new Map<string, Network>()
    const addresses = await addressesThrough(networks, sandbox, stops)
    const complaints: Complaint[] = []
    const { child, worker } = await startWorker({ ...addresses, REDIS_URL: server.url }, complaints)
    stops.push(() => child.stop())
    const redis = new Redis(server.url, { maxRetriesPerRequest: null })
    redis.on('error', () => {})
    stops.push(async () => redis.disconnect())
    const isLive = async () => {
      const books = await worker.list()
      return books.length > 0 && books.every(({ state }) => state === 'live')
    }
    await until('every book to be live', isLive, READY_WITHIN_MS)
    const [busy] = await Promise.all([busiest(await worker.list(), networks), proven(redis)])
    const lateness = new Lateness(worker)
    const { steps } = await sandbox.status()
    const parts = { sandbox, networks, child, worker, redis, complaints, lateness, market }
    return new ExchangesRig({ ...parts, busy, record_file, steps_before: steps, stops })
  } catch (error) {
    await stopAll(stops)
    throw error
  }
}

/**
 * What tears far away from the others is refused until its coin has proven itself: waits until no
 * more of them do. They are written down every five seconds.
 */
async function proven(redis: Redis): Promise<void> {
  let [count, since_ms] = [0, performance.now()]
  const isSettled = async () => {
    const now = await redis.hlen(KEYS.proofs)
    if (now !== count) [count, since_ms] = [now, performance.now()]
    return count > 0 && performance.now() - since_ms > PROVEN_FOR_MS
  }
  await until('the coins to prove themselves', isSettled, READY_WITHIN_MS)
}

/** Watches for some seconds. */
async function busiest(
  books: readonly NamedBook[],
  networks: ReadonlyMap<string, Network>,
): Promise<WatchedBook[]> {
  const counts = new Map<string, number>()
  const ends = [...networks.values()].map((network) =>
    network.bend((raw, message) => {
      const name = `${network.exchange} ${message?.symbol}`
      counts.set(name, (counts.get(name) ?? 0) + 1)
      return [raw]
    }),
  )
  await sleep(WATCHED_FOR_MS)
  for (const end of ends) end()
  const frames = (book: WatchedBook) => counts.get(`${book.exchange} ${book.market}`) ?? 0
  return books
    .map(({ exchange, market, symbol }) => ({
      exchange: exchange,
      market,
      symbol,
    }))
    .sort((a, b) => frames(b) - frames(a))
}

async function addressesThrough(
  networks: Map<string, Network>,
  sandbox: Sandbox,
  stops: Stops,
): Promise<Record<string, string>> {
  const variables: Record<string, string> = {}
  for (const [id, target] of await sandbox.addresses()) {
    const network = new Network(id, target)
    stops.push(() => network.stop())
    networks.set(network.exchange, network)
    const { websocket_url, rest_url } = await network.listen()
    variables[`${id.toUpperCase()}_WS_URL`] = websocket_url
    variables[`${id.toUpperCase()}_REST_URL`] = rest_url
  }
  return variables
}

async function startWorker(variables: Record<string, string>, complaints: Complaint[]) {
  const child = startChild({
    name: 'the worker',
    command: process.execPath,
    args: [
      '--import',
      join(import.meta.dirname, 'stepped-clock.ts'),
      join(PROJECT_DIR, 'workers', 'main.ts'),
    ],
    env: environment({
      DATABASE_URL: NO_POSTGRES,
      ADMIN_TOKEN,
      MAX_SYMBOLS: '1000',
      PORT: '0',
      NODE_ENV: 'production',
      LOG_LEVEL: 'info',
      ...variables,
    }),
    stop_within_ms: 30_000,
    on_line: (line) => {
      if (/"level":"(warn|error)"|replacing a connection/.test(line)) {
        complaints.push({ ...JSON.parse(line), line })
      }
    },
  })
  const startedPort = (line: string) =>
    line.includes('"worker started"') ? (JSON.parse(line).port as number) : undefined
  try {
    const port = await child.ready(startedPort, READY_WITHIN_MS)
    return { child, worker: new WorkerView(child.pid, port, ADMIN_TOKEN) }
  } catch (error) {
    await child.stop()
    throw error
  }
}
