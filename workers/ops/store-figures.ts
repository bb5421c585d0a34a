/**
 * What Redis says of its own load: how far the consumer groups are behind, how many jobs wait, how
 * much memory is left, and when the last backup was made. Asked at a steady pace for the metrics; it
 * changes nothing, and while Redis does not answer there are no figures.
 */
import type { Redis } from 'ioredis'
import type { Clock } from '../../shared/clock.ts'
import { KEYS, QUEUE_PREFIX, QUEUES } from '../../shared/keys.ts'
import type { Log } from '../../shared/log.ts'
import { every } from './every.ts'

export interface StoreFigures {
  readonly groups: readonly {
    readonly group: string
    /** entries not read yet; null while Redis cannot tell */
    readonly lag: number | null
    readonly pending: number
  }[]
  readonly queues: readonly {
    readonly queue: string
    readonly state: string
    readonly jobs: number
  }[]
  readonly memory_bytes: number | null
  /** 0: no limit */
  readonly memory_limit_bytes: number | null
  /** null: no backup is known */
  readonly backup_age_ms: number | null
}

export interface StoreFiguresWatch {
  readonly latest: () => StoreFigures | null
  readonly stop: () => Promise<void>
}

const EVERY_MS = 5_000

/** BullMQ's own key types: those of a queue's states, and how each is counted. */
const STATES = [
  ['wait', 'llen'],
  ['active', 'llen'],
  ['delayed', 'zcard'],
  ['failed', 'zcard'],
] as const

/** `redis` is a `command` connection. */
export function watchStoreFigures(redis: Redis, clock: Clock, log: Log): StoreFiguresWatch {
  let latest: StoreFigures | null = null
  const stop = every(
    EVERY_MS,
    async () => {
      latest = await readStoreFigures(redis, clock)
    },
    (error) => {
      latest = null
      log.debug('redis told nothing of its load', { error })
    },
  )
  return { latest: () => latest, stop }
}

/** @throws while Redis does not answer */
export async function readStoreFigures(redis: Redis, clock: Clock): Promise<StoreFigures> {
  const [groups, info, backup, ...queues] = await Promise.all([
    groupsOf(redis),
    // not every Redis that is sold answers this
    redis.info('memory').catch(() => ''),
    redis.get(KEYS.backup),
    ...Object.values(QUEUES).flatMap((queue) =>
      STATES.map(async ([state, count]) => {
        const jobs = await redis[count](`${QUEUE_PREFIX}:${queue}:${state}`)
        return { queue, state, jobs }
      }),
    ),
  ])
  return {
    groups,
    queues,
    memory_bytes: figureOf(info, 'used_memory'),
    memory_limit_bytes: figureOf(info, 'maxmemory'),
    backup_age_ms: backup === null ? null : Math.max(0, clock.wall_ms() - Date.parse(backup)),
  }
}

async function groupsOf(redis: Redis): Promise<StoreFigures['groups']> {
  const replies = (await redis.xinfo('GROUPS', KEYS.events).catch(none)) as unknown[][]
  return replies.map((reply) => {
    const field = (name: string) => reply[reply.indexOf(name) + 1]
    const lag = field('lag')
    return {
      group: String(field('name')),
      lag: typeof lag === 'number' ? lag : null,
      pending: Number(field('pending')),
    }
  })
}

/** Before the first event there is no stream. */
function none(error: Error): [] {
  if (error.message.includes('no such key')) return []
  throw error
}

function figureOf(info: string, name: string): number | null {
  const found = new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1]
  return found === undefined ? null : Number(found)
}
