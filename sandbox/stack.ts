/**
 * Everything on one machine: stores, gateways, sandbox exchanges, worker and edge, started in
 * parallel where they do not need each other and stopped in order, the worker first. The product's
 * own processes get nothing but environment variables, as in production.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { claimDataFolder } from './data-lock.ts'
import { givenEdgeVariables, startEdge } from './edge.ts'
import { environment, SMALL_PROCESS, variable } from './environment.ts'
import { type ExchangeServers, type Source, startExchangeServers } from './exchange-servers.ts'
import { type Journal, openJournal } from './journal.ts'
import { waitUntilReady } from './readiness.ts'
import { Stops } from './stops.ts'
import { type Store, startPostgresStore, startRedisStore } from './stores.ts'
import { superviseWorker } from './worker.ts'

const READY_WITHIN_MS = 120_000

const LOCAL_STREAMS = '1000'
/** On one machine all readers have the same address, they are the operator's own, and so are their
 * receivers of webhooks. */
const EDGE_DEFAULTS = {
  ANONYMOUS_REQUESTS: '100000',
  ANONYMOUS_STREAMS: LOCAL_STREAMS,
  WEBHOOKS_ALLOW_LOCAL: 'true',
}

export interface StackOptions {
  readonly data_dir: string
  readonly edge_port: number
  readonly worker_port: number
  readonly source: Source
  readonly record_file: string | undefined
  /** the worker's settings as the operator gave them, for `worker.env`; passed on unread */
  readonly settings: Readonly<Record<string, string>>
  /** abandons the start; what was started is stopped */
  readonly signal: AbortSignal
}

export interface Stack {
  readonly edge_url: string
  /** resolves with the name of a part that ended by itself and is not started again */
  readonly broken: Promise<string>
  /** the worker first, so that it expires its opportunities, the stores last */
  stop(): Promise<void>
}

/**
 * Resolves when the whole path works.
 * @throws SetupError with what is wrong; nothing is left running
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const stops = new Stops()
  try {
    stops.add('folder', await claimDataFolder(options.data_dir))
    return await start(options, stops, openJournal(options.data_dir))
  } catch (error) {
    await stops.run()
    throw error
  }
}

async function start(options: StackOptions, stops: Stops, journal: Journal): Promise<Stack> {
  const { data_dir, signal } = options
  const stores = Promise.all([
    startRedisStore(data_dir, stops, journal),
    startPostgresStore(data_dir, stops, journal),
  ])
  const [[redis, postgres], servers, edge] = await allSettledOrThrow([
    stores,
    startExchanges(options, stops, journal),
    stores.then((both) => startEdgeOn(both, options, stops, journal)),
  ])
  signal.throwIfAborted()

  const variables = {
    PUBLIC_URL: variable('PUBLIC_URL') ?? edge.url,
    ANONYMOUS_STREAMS: variable('ANONYMOUS_STREAMS') ?? LOCAL_STREAMS,
    // receivers are tried out on this machine
    WEBHOOKS_ALLOW_LOCAL: 'true',
    ...options.settings,
    ...servers?.variables,
    ...redis.worker_variables,
    ...postgres.worker_variables,
    PORT: String(options.worker_port),
  }
  await writeFile(join(data_dir, 'worker.env'), envFile(variables), { mode: 0o600 })
  const worker = superviseWorker(environment({ ...SMALL_PROCESS, ...variables }), journal)
  stops.add('worker', worker.stop)
  journal.say(`the worker is starting: http://localhost:${options.worker_port}/health`)

  const readiness = { edge_url: edge.url, signal, journal }
  const ready =
    servers === undefined
      ? waitUntilReady({ ...readiness, exchange_ids: undefined, within_ms: undefined })
      : waitUntilReady({
          ...readiness,
          exchange_ids: servers.exchange_ids,
          within_ms: READY_WITHIN_MS,
        })
  await worker.mustLiveUntil(ready)
  journal.say('every exchange is live')
  return {
    edge_url: edge.url,
    broken: Promise.race([
      redis.ended.then(() => 'Redis'),
      postgres.ended.then(() => 'PostgreSQL'),
      ...(servers === undefined ? [] : [servers.ended.then(() => 'the sandbox exchanges')]),
    ]),
    stop: () => stops.run(),
  }
}

async function startExchanges(
  { source, data_dir, record_file }: StackOptions,
  stops: Stops,
  journal: Journal,
): Promise<ExchangeServers | undefined> {
  if (source.kind === 'live') return undefined
  const truth_file = join(data_dir, 'sandbox', 'truth.jsonl')
  const servers = await startExchangeServers({ source, truth_file, record_file }, journal)
  stops.add('servers', servers.stop)
  journal.say(`the sandbox exchanges are up: ${servers.exchange_ids.join(', ')}`)
  return servers
}

async function startEdgeOn(
  stores: readonly Store[],
  options: StackOptions,
  stops: Stops,
  journal: Journal,
) {
  const vars = Object.assign(
    { ...EDGE_DEFAULTS, ...givenEdgeVariables() },
    ...stores.map((store) => store.edge_variables),
  )
  const edge = await startEdge({
    port: options.edge_port,
    vars,
    on_line: journal.lines('edge'),
  })
  stops.add('servers', edge.stop)
  journal.say('the edge is up')
  return edge
}

/** As Promise.all, but a failure waits for the others: what they started must be known to be stopped. */
async function allSettledOrThrow<T extends readonly unknown[]>(
  work: {
    readonly [K in keyof T]: Promise<T[K]>
  },
): Promise<T> {
  await Promise.allSettled(work)
  return (await Promise.all(work)) as unknown as T
}

/** For `node --env-file=`: every value quoted, so that `#` and blanks stay part of it. */
function envFile(variables: Readonly<Record<string, string>>): string {
  const lines = Object.entries(variables).map(([name, value]) => `${name}='${value}'`)
  return `# The worker of this stack, by hand: node --env-file=<this file> workers/main.ts\n${lines.join('\n')}\n`
}
