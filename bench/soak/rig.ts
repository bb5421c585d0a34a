/**
 * What lives for the whole soak: the worker on the sandbox exchanges, its stores, the edge in workerd
 * behind the gateways of its clients, readers of the stream through the published client, receivers
 * of webhooks. Nobody disturbs anything here.
 */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createClient } from '../../client/index.ts'
import { startNeonGateway } from '../../sandbox/neon.ts'
import { Stops } from '../../sandbox/stops.ts'
import { startUpstashGateway } from '../../sandbox/upstash.ts'
import { startWorkerd, type Workerd } from '../edge/workerd.ts'
import { type Stack, type StackOptions, startStack } from '../load/stack.ts'
import { watchEdgeHeap } from './edge-heap.ts'

export interface RigOptions extends StackOptions {
  readonly readers: number
  readonly webhooks: number
}

/** What arrived at the ends of all ways. */
export interface Received {
  /** events, one number a reader */
  readonly by_reader: readonly number[]
  /** how often a reader lost its stream: every 15 minutes that is as it should be */
  readonly streams_ended: number
  readonly webhooks: number
}

export interface Rig {
  readonly stack: Stack
  readonly workerd: Workerd
  /** after each collection of all garbage, so far */
  readonly heaps: Heaps
  readonly received: () => Received
  stop(): Promise<void>
}

export interface Heap {
  readonly at_ms: number
  readonly bytes: number
}

interface Heaps {
  readonly worker: readonly Heap[]
  /** what V8 keeps beside for the functions that it compiled */
  readonly worker_code: readonly Heap[]
  readonly edge: readonly Heap[]
}

const COLLECT = join(import.meta.dirname, 'collect.ts')

/** One machine has one address: its quota is not what is looked at. */
const QUOTAS = { ANONYMOUS_REQUESTS: '1000000', ANONYMOUS_STREAMS: '10000' }

/** @throws SetupError or Error when a part does not start; what started before it is stopped. */
export async function startRig(options: RigOptions): Promise<Rig> {
  const stops = new Stops()
  try {
    const heaps = { worker: [] as Heap[], worker_code: [] as Heap[], edge: [] as Heap[] }
    const stack = await startStack({
      ...options,
      variables: { WEBHOOKS_ALLOW_LOCAL: 'true' },
      node_options: ['--expose-gc', '--import', COLLECT],
      onWorkerLine(line) {
        const sizes = /^\{"collected":\{"data":(\d+),"code":(\d+)\}\}$/.exec(line)
        if (sizes === null) return
        const at_ms = performance.now()
        heaps.worker.push({ at_ms, bytes: Number(sizes[1]) })
        heaps.worker_code.push({ at_ms, bytes: Number(sizes[2]) })
      },
    })
    stops.add('stores', () => stack.stop())
    const workerd = await startEdge(stack, stops)
    if (workerd.inspector === undefined) throw new Error('workerd has no debugger')
    const stopLooking = await watchEdgeHeap(workerd.inspector, heaps.edge)
    stops.add('gateways', async () => stopLooking())
    const receivers = await startReceivers(stops)
    await subscribe(workerd.url, receivers.url, options.webhooks)
    const readers = startReaders(workerd.url, options.readers, stops)
    const received = () => ({ ...readers(), webhooks: receivers.count() })
    return { stack, workerd, heaps, received, stop: () => stops.run() }
  } catch (error) {
    await stops.run()
    throw error
  }
}

const admin_token = randomBytes(24).toString('hex')

async function startEdge({ redis_url, database_url }: Stack, stops: Stops): Promise<Workerd> {
  const token = randomBytes(24).toString('hex')
  const upstash = await startUpstashGateway({ redis_url, token })
  stops.add('gateways', () => upstash.close())
  const neon = await startNeonGateway({ database_url })
  stops.add('gateways', () => neon.close())
  const variables = {
    ...QUOTAS,
    UPSTASH_REDIS_REST_URL: upstash.url,
    UPSTASH_REDIS_REST_TOKEN: token,
    DATABASE_URL: database_url,
    NEON_FETCH_ENDPOINT: `${neon.url}/sql`,
    ADMIN_TOKEN: admin_token,
    WEBHOOKS_ALLOW_LOCAL: 'true',
  }
  const workerd = await startWorkerd(variables, { inspects: true })
  stops.add('servers', () => workerd.stop())
  return workerd
}

async function startReceivers(stops: Stops) {
  let count = 0
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      count++
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stops.add('gateways', async () => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, count: () => count }
}

async function subscribe(edge_url: string, receivers_url: string, count: number): Promise<void> {
  const { webhooks } = createClient({ url: edge_url, key: admin_token })
  for (let i = 0; i < count; i++) await webhooks.create({ url: `${receivers_url}/${i}` })
}

/** Counts what they read; the streams end with the rig. */
function startReaders(url: string, count: number, stops: Stops) {
  const ending = new AbortController()
  const by_reader = new Array<number>(count).fill(0)
  let streams_ended = 0
  const read = async (reader: number) => {
    const choice = { signal: ending.signal, onLost: () => void streams_ended++ }
    for await (const _ of createClient({ url }).stream({}, choice)) {
      by_reader[reader] = (by_reader[reader] ?? 0) + 1
    }
  }
  const reading = Promise.allSettled(by_reader.map((_, reader) => read(reader)))
  stops.add('worker', async () => {
    ending.abort()
    await reading
  })
  return () => ({ by_reader: [...by_reader], streams_ended })
}
