/**
 * Tells the world through Redis that this worker lives and how its exchanges are. Every worker
 * sends its heartbeat; the event when an exchange changes is the leader's, and a new leader goes on
 * from what the former one told. What cannot be sent is not kept: the next one is due in a moment.
 */
import type { Redis } from 'ioredis'
import { type Clock, timestamp } from '../../shared/clock.ts'
import type { Draft } from '../../shared/event.ts'
import {
  ExchangeStatus,
  HEARTBEAT_EVERY_MS,
  HEARTBEAT_TTL_MS,
  type Health,
  type Heartbeat,
  type StoreHealth,
} from '../../shared/health.ts'
import { KEYS, workerKey } from '../../shared/keys.ts'
import type { Log } from '../../shared/log.ts'
import { every } from './every.ts'
import { createProbe, type Probe } from './probe.ts'

export interface HeartbeatOptions {
  /** a `command` connection */
  readonly redis: Redis
  readonly clock: Clock
  readonly worker_id: string
  readonly version: string
  /** the fencing tokens, by shard, of what this worker leads */
  readonly tokens: () => ReadonlyMap<number, number>
  readonly health: (redis: StoreHealth) => Health
}

/**
 * The heartbeat is also the measurement of Redis: the write that a replica or a full Redis refuses.
 * A heartbeat that can be read was written, so inside it Redis is well.
 */
export function createHeartbeat(options: HeartbeatOptions): Probe {
  const { redis, clock, worker_id, version, tokens, health } = options
  const started_at = timestamp(clock.wall_ms())
  const probe = createProbe(clock, () => {
    const [[shard, fence] = [null, null]] = tokens()
    const heartbeat: Heartbeat = {
      worker_id,
      version,
      started_at,
      sent_at: timestamp(clock.wall_ms()),
      leader: shard !== null,
      fence,
      shards: [...tokens().keys()],
      health: health({ ok: true, latency_ms: probe.latest().latency_ms, error: null }),
    }
    return redis.set(workerKey(worker_id), JSON.stringify(heartbeat), 'PX', HEARTBEAT_TTL_MS)
  })
  return probe
}

export interface PulseOptions {
  readonly redis: Redis
  readonly clock: Clock
  readonly log: Log
  readonly worker_id: string
  /** measured one after the other, the heartbeat last */
  readonly probes: readonly Probe[]
  readonly exchanges: () => readonly ExchangeStatus[]
  /** whether this worker is the one that announces changes */
  readonly announces: () => boolean
  /** writes the table of exchanges; does nothing on standby */
  readonly writeExchanges: (statuses: readonly ExchangeStatus[]) => Promise<void>
  readonly announce: (drafts: readonly Draft[]) => void
}

const EXCHANGES_EVERY_MS = 1_000

/** Starts the loops; the function it returns ends them and takes the heartbeat out of Redis. */
export function startPulse(options: PulseOptions): () => Promise<void> {
  const { redis, clock, worker_id, probes, exchanges, announces, announce } = options
  let changes: ReturnType<typeof createChangeWatch> | null = null
  const beat = async () => {
    for (const probe of probes) await probe.measure()
  }
  const tellExchanges = async () => {
    const statuses = exchanges()
    if (!announces()) changes = null
    else {
      changes ??= createChangeWatch(clock, await toldExchanges(redis))
      announce(changes(statuses))
    }
    await options.writeExchanges(statuses)
  }
  // Outages are told by the connection.
  const onError = (error: unknown) => options.log.debug('a beat was missed', { error })
  const loops = [
    every(HEARTBEAT_EVERY_MS, beat, onError),
    every(EXCHANGES_EVERY_MS, tellExchanges, onError),
  ]
  return async () => {
    await Promise.all(loops.map((stop) => stop()))
    await redis.del(workerKey(worker_id)).catch(() => {})
  }
}

/** As the last leader left them; what cannot be read was not told. */
async function toldExchanges(redis: Redis): Promise<ExchangeStatus[]> {
  const texts = Object.values(await redis.hgetall(KEYS.exchanges))
  return texts.flatMap((text) => {
    try {
      return [ExchangeStatus.parse(JSON.parse(text))]
    } catch {
      return []
    }
  })
}

/** Drafts for the exchanges whose state or connection differs from the last look, or from `told`. */
export function createChangeWatch(
  clock: Clock,
  told: readonly ExchangeStatus[] = [],
): (statuses: readonly ExchangeStatus[]) => Draft[] {
  const stateOf = ({ state, connected }: ExchangeStatus) => `${state} ${connected}`
  const seen = new Map(told.map((status) => [status.id, stateOf(status)]))
  return (statuses) =>
    statuses.flatMap((status): Draft[] => {
      const now = stateOf(status)
      if (seen.get(status.id) === now) return []
      seen.set(status.id, now)
      return [{ type: 'exchange.status', timestamp: timestamp(clock.wall_ms()), data: status }]
    })
}
