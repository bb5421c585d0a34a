/**
 * Row 20: a replica is promoted, and the old address answers READONLY, then LOADING, before it leads to
 * the new master; and Redis comes back empty. What lives is there again, and the queues go on.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { unfinished } from '../../../bench/failover/compare.ts'
import { until } from '../../../bench/failover/rig.ts'
import type { Redis as RedisServer } from '../../../sandbox/redis.ts'
import { KEYS } from '../../../shared/keys.ts'
import type { Fault } from '../fault.ts'
import { Findings } from '../findings.ts'
import { SERVICE, type ServiceRig } from './rig.ts'

const READ_ONLY_MS = 2_000
const LIVE_MS = 2_000
const QUEUES_MS = 10_000
const REPLICATED_WITHIN_MS = 30_000
const FAILOVER_WITHIN_MS = 10_000
/** so slowly a copy is read that everybody hears LOADING for a while */
const LOADS_MS = 2_000
const QUIET_MS = 300

export const redisFailsOver: Fault = {
  row: 20,
  name: 'Redis fails over',
  injected: 'a replica is promoted: READONLY, LOADING, then the new master',
  required: 'live set <= 2 s, queues <= 10 s after; 0 lost',
  async run(context) {
    const rig = await context.rig(SERVICE)
    const findings = new Findings(context)
    await rig.workers()
    const faults = rig.newFaults()
    const replica = await rig.server()
    const loading = await rig.server()
    await promote(rig, replica)
    await sleep(READ_ONLY_MS)
    findings.note(`READONLY ${READ_ONLY_MS} ms, LOADING ${await load(rig, loading, replica)} ms`)
    rig.core.moveRedis(replica.port)
    await backAgain(rig, findings, Date.now())
    const { missing } = await rig.level()
    for (const one of [...faults(), ...missing]) findings.hold(false, one)
    return findings.verdict()
  },
}

export const redisComesBackEmpty: Fault = {
  row: 20,
  name: 'Redis comes back empty',
  injected: 'it goes, and another one without any data is there',
  required: 'live set <= 2 s, queues <= 10 s after',
  async run(context) {
    const rig = await context.rig(SERVICE)
    const findings = new Findings(context)
    await rig.workers()
    const { core } = rig
    const faults = rig.newFaults()
    const empty = await rig.server()
    await until('something open', async () => core.ledger.open().length > 0)
    await quiet(rig)
    const open = core.ledger.open().map(({ id }) => id)
    rig.losses++
    core.ledger.rewind()
    core.moveRedis(empty.port)
    await core.redis_proxy.set(null)
    await core.sandbox.resume()
    await backAgain(rig, findings, Date.now(), open)
    const { missing } = await rig.level()
    for (const one of [...faults(), ...missing]) findings.hold(false, one)
    return findings.verdict()
  },
}

/** The present master hands over to a copy that has everything. */
async function promote(rig: ServiceRig, replica: RedisServer): Promise<void> {
  const { redis } = rig.core
  const copy = new Redis(replica.url)
  const master_port = Number(((await redis.config('GET', 'port')) as string[])[1])
  await redis.config('SET', 'repl-diskless-sync-delay', 0)
  await copy.replicaof('127.0.0.1', master_port)
  const isCopy = async () => (await copy.info('replication')).includes('master_link_status:up')
  await until('the copy', isCopy, REPLICATED_WITHIN_MS)
  await redis.call('FAILOVER', 'TO', '127.0.0.1', replica.port, 'TIMEOUT', FAILOVER_WITHIN_MS)
  const isMaster = async () => (await copy.info('replication')).includes('role:master')
  await until('the promotion', isMaster, FAILOVER_WITHIN_MS)
  copy.disconnect()
}

/** The old address leads to a server that is just reading its data; for how long it did, ms. */
async function load(rig: ServiceRig, loading: RedisServer, master: RedisServer): Promise<number> {
  const client = new Redis(loading.url, { enableReadyCheck: false })
  client.on('error', () => {})
  const keys = await keyCount(master)
  // microseconds a key, and it answers in between
  await client.config('SET', 'key-load-delay', Math.ceil((LOADS_MS * 1_000) / Math.max(1, keys)))
  await client.config('SET', 'loading-process-events-interval-bytes', 1_024)
  await client.replicaof('127.0.0.1', master.port)
  const isLoading = () =>
    client.get(KEYS.fence).then(
      () => false,
      (error: Error) => error.message.startsWith('LOADING'),
    )
  await until('LOADING', isLoading, REPLICATED_WITHIN_MS)
  const from_ms = Date.now()
  rig.core.redis_proxy.retarget(loading.port)
  await until('the end of LOADING', async () => !(await isLoading()), REPLICATED_WITHIN_MS)
  client.disconnect()
  return Date.now() - from_ms
}

async function keyCount({ url }: RedisServer): Promise<number> {
  const client = new Redis(url)
  const keys = await client.dbsize()
  client.disconnect()
  return keys
}

/** The market stands still until everybody has everything; then Redis goes. */
async function quiet(rig: ServiceRig): Promise<void> {
  const { core } = rig
  await core.sandbox.pause()
  await until('everybody to be done', async () => {
    await sleep(QUIET_MS)
    if ((await unfinished(core)).length > 0 || !(await core.ledger.isUpToDate(core.redis)))
      return false
    const { missing } = await rig.level()
    return missing.length === 0
  })
  await core.redis_proxy.set({ kind: 'down' })
  await until('the ledger', () => core.ledger.isUpToDate(core.redis))
}

/** How long after the connection is back the live set is there and the queues go on. */
async function backAgain(
  rig: ServiceRig,
  findings: Findings,
  back_ms: number,
  before: readonly string[] = rig.core.ledger.open().map(({ id }) => id),
): Promise<void> {
  const { core, subscriber } = rig
  const isRebuilt = async () => {
    const live = new Set(await core.redis.hkeys(KEYS.live))
    const open = new Set(core.ledger.open().map(({ id }) => id))
    return live.size > 0 && before.every((id) => live.has(id) || !open.has(id))
  }
  const goesOn = async () =>
    subscriber.receipts.some(({ id }) => Number(id.split('-')[0]) > back_ms)
  const after = (holds: () => Promise<boolean>) =>
    until('', holds).then(
      () => Date.now() - back_ms,
      () => Number.POSITIVE_INFINITY,
    )
  const [live_ms, queues_ms] = await Promise.all([after(isRebuilt), after(goesOn)])
  findings.within('live set after', live_ms, LIVE_MS)
  findings.within('queues after', queues_ms, QUEUES_MS)
}
