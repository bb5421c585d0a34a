/**
 * Tells the world through Redis that this worker lives and how its exchanges are. Every worker
 * sends its heartbeat; the table of exchanges, and the event when one of them changes, are the
 * leader's. What cannot be sent is not kept: the next one is due in a moment.
 */
import type { Redis } from 'ioredis'
import { type Clock, timestamp } from '../../shared/clock.ts'
import type { Draft } from '../../shared/event.ts'
import {
  type ExchangeStatus,
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
  /** the fencing token while this worker leads */
  readonly token: () => number | null
  readonly health: (redis: StoreHealth) => Health
}

/**
 * The heartbeat is also the measurement of Redis: the write that a replica or a full Redis refuses.
 * A heartbeat that can be read was written, so inside it Redis is well.
 */
export function createHeartbeat(options: HeartbeatOptions): Probe {
  const { redis, clock, worker_id, version, token, health } = options
  const started_at = timestamp(clock.wall_ms())
  const probe = createProbe(clock, () => {
    const fence = token()
    const heartbeat: Heartbeat = {
      worker_id,
      version,
      started_at,
      sent_at: timestamp(clock.wall_ms()),
      leader: fence !== null,
      fence,
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
  readonly is_leader: () => boolean
  readonly announce: (drafts: readonly Draft[]) => void
}

const EXCHANGES_EVERY_MS = 1_000

/** Starts the loops; the function it returns ends them and takes the heartbeat out of Redis. */
export function startPulse(options: PulseOptions): () => Promise<void> {
  const { redis, worker_id, probes, exchanges, is_leader, announce } = options
  const changes = createChangeWatch(options.clock)
  const beat = async () => {
    for (const probe of probes) await probe.measure()
  }
  const tellExchanges = async () => {
    if (!is_leader()) return
    const statuses = exchanges()
    announce(changes(statuses))
    await writeExchanges(redis, statuses)
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

/** Replaces the whole table: an exchange that is no longer watched leaves it. */
async function writeExchanges(redis: Redis, statuses: readonly ExchangeStatus[]): Promise<void> {
  const fields = statuses.flatMap((status) => [status.id, JSON.stringify(status)])
  const change = redis.multi().del(KEYS.exchanges)
  if (fields.length > 0) change.hset(KEYS.exchanges, ...fields)
  await change.exec()
}

/** Drafts for the exchanges whose state or connection differs from the last look. */
export function createChangeWatch(clock: Clock): (statuses: readonly ExchangeStatus[]) => Draft[] {
  const seen = new Map<string, string>()
  return (statuses) =>
    statuses.flatMap((status): Draft[] => {
      const now = `${status.state} ${status.connected}`
      if (seen.get(status.id) === now) return []
      seen.set(status.id, now)
      return [{ type: 'exchange.status', timestamp: timestamp(clock.wall_ms()), data: status }]
    })
}
