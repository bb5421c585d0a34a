/**
 * The proof that two workers are one service: kills under load, stores that go away, an end in order;
 * and afterwards one consistent story in the stream, the same in PostgreSQL, and no gap that was long
 * enough to be told and was not.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { STEP_EVERY_MS } from '../../sandbox/exchanges/simulation.ts'
import { EVENT_GROUPS, GROUPS, KEYS, QUEUE_PREFIX, QUEUES } from '../../shared/keys.ts'
import { LEASE_TTL_MS } from '../../workers/ops/lease.ts'
import { keepTearing, longGaps } from './gaps.ts'
import { Rig, type RigOptions, until } from './rig.ts'
import type { ToldLife } from './story.ts'

export interface FailoverOptions extends RigOptions {
  /** how often the leader is killed */
  readonly kills: number
  readonly redis_down_ms: number
  readonly postgres_down_ms: number
  readonly redis_full_ms: number
  /** told when a phase begins */
  readonly onPhase?: (phase: string) => void
}

export interface Outage {
  readonly down_ms: number
  /** from the store being there again until all that had waited had arrived */
  readonly drained_ms: number
  readonly detected_meanwhile: number
}

export interface FailoverResult {
  readonly lease_ttl_ms: number
  /** from each kill until the standby led and knew what was left, in order */
  readonly take_overs_ms: readonly number[]
  readonly redis: Outage
  readonly postgres: Outage
  /** no room for anything, and nothing in the stream that may be cut */
  readonly full: Outage
  readonly restarted_empty: { readonly live: number; readonly rebuilt_ms: number }
  readonly drain: {
    readonly exit_ms: number
    readonly code: number | null
    readonly next_ms: number
  }
  readonly events: number
  readonly opportunities: number
  /** of the steps that the market wanted to take: less than 1 on a machine without time */
  readonly steps_share: number
  /** gaps that lasted longer than any take-over may take … */
  readonly long_gaps: number
  /** … and those of them that nobody was told of */
  readonly missed: readonly string[]
  /** everything that should not have happened, in words; empty: nothing */
  readonly wrong: readonly string[]
}

/** A kill comes when both workers are warm, and then at some moment of so many ms. */
const KILL_WITHIN_MS = 3_000
/** longer than a take-over may take: whoever is shorter may fall into one */
const SLACK_MS = 2_000
const DRAIN_WITHIN_MS = 60_000
const MOST_COMPLAINTS = 40
/** as the publisher says it */
const ALARM = 'redis is full: events wait in the outbox'

export async function runFailover(options: FailoverOptions): Promise<FailoverResult> {
  const { onPhase = () => {} } = options
  onPhase('start')
  const rig = await Rig.start(options)
  const tearing = new AbortController()
  try {
    await rig.startWorker()
    await rig.ready(1)
    await rig.startWorker()
    await rig.ready(2)
    const { steps } = await rig.sandbox.status()
    const from_ms = Date.now()
    const torn = keepTearing(rig.sandbox, tearing.signal)
    onPhase('kills')
    const take_overs_ms: number[] = []
    for (let i = 0; i < options.kills; i++) take_overs_ms.push(await killLeader(rig))
    onPhase('an end in order')
    const drain = await endInOrder(rig)
    onPhase('redis down')
    const redis = await redisDown(rig, options.redis_down_ms)
    onPhase('postgres down')
    const postgres = await postgresDown(rig, options.postgres_down_ms)
    onPhase('redis full')
    const full = await redisFull(rig, options.redis_full_ms)
    onPhase('redis restarted empty')
    const restarted_empty = await emptied(rig)
    tearing.abort()
    await torn
    const to_ms = Date.now()
    const steps_taken = (await rig.sandbox.status()).steps - steps
    const steps_share = steps_taken / ((to_ms - from_ms) / STEP_EVERY_MS)
    onPhase('compare')
    // without exchanges everything ends, and what was told can be finished
    await rig.sandbox.stop()
    await until('the end of all', () => isFinished(rig))
    await rig.stopWorkers()
    await until('the ledger', () => rig.ledger.isUpToDate(rig.redis))
    const wrong = [...rig.ledger.faults, ...(await unequal(rig))]
    const least_ms = LEASE_TTL_MS + 2 * SLACK_MS
    const { gaps, missed } = await longGaps(rig.truth_file, rig.ledger.lives.values(), {
      ...{ from_ms, to_ms, least_ms },
    })
    const { events, lives } = rig.ledger
    return {
      lease_ttl_ms: LEASE_TTL_MS,
      ...{ take_overs_ms, redis, postgres, full, restarted_empty, drain, events },
      opportunities: lives.size,
      steps_share,
      long_gaps: gaps,
      missed,
      wrong,
    }
  } catch (error) {
    // what the workers said is all there is to explain it
    const said = rig.complaints.slice(-MOST_COMPLAINTS).join('\n')
    throw new Error(`${(error as Error).message}\n${said}`, { cause: error })
  } finally {
    tearing.abort()
    await rig.stop()
  }
}

/** Milliseconds until the standby led. The killed worker is started again at once. */
async function killLeader(rig: Rig): Promise<number> {
  await rig.ready(2)
  await sleep(Math.random() * KILL_WITHIN_MS)
  const leader = await rig.leader()
  const succeeded = rig.successor(leader)
  const killed_ms = Date.now()
  leader.child.kill()
  rig.forget(leader)
  const [at_ms] = await Promise.all([succeeded, rig.startWorker()])
  return at_ms - killed_ms
}

async function redisDown(rig: Rig, down_ms: number): Promise<Outage> {
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
async function redisFull(rig: Rig, full_ms: number): Promise<Outage> {
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

async function postgresDown(rig: Rig, down_ms: number): Promise<Outage> {
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
async function emptied(rig: Rig): Promise<FailoverResult['restarted_empty']> {
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

async function endInOrder(rig: Rig): Promise<FailoverResult['drain']> {
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

async function isArchived(rig: Rig, event_id: string): Promise<boolean> {
  const [oldest] = (await unfinished(rig)).filter(({ group }) => group === GROUPS.archive)
  return oldest === undefined || oldest.id > event_id
}

/** The groups that have not finished the stream, with the first id that they miss. */
async function unfinished(rig: Rig): Promise<{ group: string; id: string }[]> {
  const found: { group: string; id: string }[] = []
  for (const group of EVENT_GROUPS) {
    const pending = (await rig.redis.xpending(KEYS.events, group).catch(() => [0])) as [
      number,
      string?,
    ]
    const facts = ((await rig.redis.xinfo('GROUPS', KEYS.events)) as (string | number)[][]).find(
      (reply) => reply[1] === group,
    )
    const lag = facts === undefined ? null : facts[facts.indexOf('lag') + 1]
    const read = facts === undefined ? '0-0' : String(facts[facts.indexOf('last-delivered-id') + 1])
    if (pending[0] > 0) found.push({ group, id: pending[1] ?? '0-0' })
    else if (lag !== 0) found.push({ group, id: read })
  }
  return found
}

/** Nothing is open, every group has finished the stream, and no job waits or runs. */
async function isFinished(rig: Rig): Promise<boolean> {
  const lengths = Object.values(QUEUES).flatMap((queue) =>
    ['wait', 'active'].map((state) => rig.redis.llen(`${QUEUE_PREFIX}:${queue}:${state}`)),
  )
  const is_idle = (await Promise.all(lengths)).every((length) => length === 0)
  if (!is_idle || (await rig.redis.hlen(KEYS.live)) > 0) return false
  return (await unfinished(rig)).length === 0
}

/** What differs between the stream, the live set, PostgreSQL and the queue after the last worker ended. */
async function unequal(rig: Rig): Promise<string[]> {
  const wrong: string[] = []
  for (const { group, id } of await unfinished(rig)) {
    wrong.push(`the group ${group} has not finished ${id}`)
  }
  const live = await rig.redis.hkeys(KEYS.live)
  if (live.length > 0) wrong.push(`left in the live set: ${live.join(', ')}`)
  const sql = 'SELECT id, status, last_event_id FROM opportunities'
  const { rows } = await rig.pool.query<{ id: string; status: string; last_event_id: string }>(sql)
  const by_id = new Map(rows.map((row) => [row.id, row]))
  const { lives } = rig.ledger
  if (rows.length !== lives.size) wrong.push(`${rows.length} rows for ${lives.size} opportunities`)
  for (const life of lives.values()) {
    const row = by_id.get(life.id)
    if (life.expired_ms === Number.POSITIVE_INFINITY) wrong.push(`${life.id} never ended`)
    if (row === undefined) wrong.push(`no row of ${life.id}`)
    else if (row.last_event_id !== life.newest_event_id || row.status !== life.newest.status) {
      wrong.push(`the row of ${life.id} is ${row.status} as of ${row.last_event_id}`)
    }
  }
  for (const queue of Object.values(QUEUES)) {
    const failed = await rig.redis.zcard(`${QUEUE_PREFIX}:${queue}:failed`)
    if (failed > 0) wrong.push(`${failed} jobs failed in the queue ${queue}`)
  }
  return wrong
}
