/**
 * What can be done to two workers and their stores, each once: the fault, the wait until all is well
 * again, and how long that took. They judge nothing; what should not have happened is in the ledger.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { KEYS } from '../../shared/keys.ts'
import { isArchived, unfinished } from './compare.ts'
import { type Rig, until } from './rig.ts'
import type { ToldLife } from './story.ts'

export interface Outage {
  readonly down_ms: number
  /** from the store being there again until all that had waited had arrived */
  readonly drained_ms: number
  readonly detected_meanwhile: number
}

/** Redis lost all that it held. */
export interface Emptied {
  /** opportunities in the live set that was written again */
  readonly live: number
  /** from the loss until it was there */
  readonly rebuilt_ms: number
}

/** A worker was asked to end. */
export interface Ended {
  readonly exit_ms: number
  readonly code: number | null
  /** from the same moment until the other one led */
  readonly next_ms: number
}

/** A kill comes when both workers are warm, and then at some moment of so many ms. */
const KILL_WITHIN_MS = 3_000
const DRAIN_WITHIN_MS = 60_000
/** as the publisher says it */
const ALARM = 'redis is full: events wait in the outbox'

/** Milliseconds until the standby led. The killed worker is started again at once. */
export async function killLeader(rig: Rig, random: () => number): Promise<number> {
  await rig.ready(2)
  await sleep(random() * KILL_WITHIN_MS)
  const leader = await rig.leader()
  const succeeded = rig.successor(leader)
  const killed_ms = Date.now()
  leader.child.kill()
  rig.forget(leader)
  const [at_ms] = await Promise.all([succeeded, rig.startWorker()])
  return at_ms - killed_ms
}

export async function redisDown(rig: Rig, down_ms: number): Promise<Outage> {
  await rig.ready(2)
  const leader = await rig.leader()
  const fence = await rig.redis.get(KEYS.fence)
  await rig.redis_proxy.set({ kind: 'down' })
  const down_at_ms = Date.now()
  await sleep(down_ms)
  await rig.redis_proxy.set(null)
  const up_at_ms = Date.now()
  const drained_ms = await drained(rig, up_at_ms)
  if (
    (await rig.redis.get(KEYS.lease)) !== leader.worker_id &&
    (await rig.redis.get(KEYS.fence)) !== fence
  ) {
    rig.ledger.faults.push('the leader lost its term by an outage of redis, with all that waited')
  }
  return { down_ms, drained_ms, detected_meanwhile: detectedWithin(rig, down_at_ms, up_at_ms) }
}

/** Milliseconds until the stream had what was told after that moment: it keeps the order, so all before. */
async function drained(rig: Rig, up_at_ms: number): Promise<number> {
  const isNewer = ({ newest }: ToldLife) => Date.parse(newest.updated_at) > up_at_ms
  await until('the outbox', async () => rig.ledger.lives.values().some(isNewer), DRAIN_WITHIN_MS)
  return Date.now() - up_at_ms
}

/** While PostgreSQL is away, so that the archive needs all that is in the stream. */
export async function redisFull(rig: Rig, full_ms: number): Promise<Outage> {
  await rig.ready(2)
  await rig.postgres_proxy.set({ kind: 'down' })
  const full_at_ms = Date.now()
  const isAlarmed = async () => {
    // what is cut from the stream makes no room either
    const used = /used_memory:(\d+)/.exec(await rig.redis.info('memory'))?.[1]
    await rig.redis.config('SET', 'maxmemory', Number(used))
    return rig.complaints.some((line) => line.includes(ALARM))
  }
  await until('the alarm', isAlarmed)
  await sleep(full_ms)
  await rig.redis.config('SET', 'maxmemory', 0)
  const free_at_ms = Date.now()
  await rig.postgres_proxy.set(null)
  const drained_ms = await drained(rig, free_at_ms)
  const detected_meanwhile = detectedWithin(rig, full_at_ms, free_at_ms)
  return { down_ms: free_at_ms - full_at_ms, drained_ms, detected_meanwhile }
}

export async function postgresDown(rig: Rig, down_ms: number): Promise<Outage> {
  await rig.ready(2)
  await rig.postgres_proxy.set({ kind: 'down' })
  const down_at_ms = Date.now()
  await sleep(down_ms)
  await rig.postgres_proxy.set(null)
  const up_at_ms = Date.now()
  const newest = (await rig.redis.xrevrange(KEYS.events, '+', '-', 'COUNT', 1))[0]?.[0] ?? '0-0'
  await until('the archive', () => isArchived(rig, newest), DRAIN_WITHIN_MS)
  const drained_ms = Date.now() - up_at_ms
  return { down_ms, drained_ms, detected_meanwhile: detectedWithin(rig, down_at_ms, up_at_ms) }
}

/** All that Redis held is gone; the leader writes the live set again, under the same ids. */
export async function emptied(rig: Rig): Promise<Emptied> {
  await rig.ready(2)
  await until('something open', async () => rig.ledger.open().length > 0)
  // the archive must have what would be lost with the stream
  await until('the archive', async () => (await unfinished(rig)).length === 0)
  const open = () => rig.ledger.open().map(({ id }) => id)
  await rig.redis.flushall()
  rig.ledger.rewind()
  const emptied_ms = Date.now()
  const before = open()
  let live: string[] = []
  await until('the live set', async () => {
    live = await rig.redis.hkeys(KEYS.live)
    const there = new Set(live)
    return live.length > 0 && open().every((id) => there.has(id) || !before.includes(id))
  })
  return { live: live.length, rebuilt_ms: Date.now() - emptied_ms }
}

export async function endInOrder(rig: Rig): Promise<Ended> {
  await rig.ready(2)
  // a lease is asked for twice a second: the leader must have heard that somebody is there
  await sleep(1_500)
  const leader = await rig.leader()
  const succeeded = rig.successor(leader)
  const told_ms = Date.now()
  process.kill(leader.child.pid, 'SIGTERM')
  const { code } = await leader.child.exited
  const exit_ms = Date.now() - told_ms
  const next_ms = (await succeeded) - told_ms
  rig.forget(leader)
  await rig.startWorker()
  return { exit_ms, code, next_ms }
}

function detectedWithin(rig: Rig, from_ms: number, to_ms: number): number {
  const { lives } = rig.ledger
  return [...lives.values()].filter(
    (life) => life.detected_ms >= from_ms && life.detected_ms < to_ms,
  ).length
}
