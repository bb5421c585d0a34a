/**
 * Turns events into alert jobs: one BullMQ job an event, however often the event is read. The job's
 * id is the event's, so a second attempt finds the first one's job and adds nothing. Markouts alert
 * nobody: `opportunity.measured` is for records and studies, in the stream and in the history.
 */
import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { QUEUE_PREFIX, QUEUES } from '../../shared/keys.ts'
import type { Log } from '../../shared/log.ts'
import { eventsOf } from '../publish/entries.ts'
import type { StreamEntry } from '../publish/group.ts'

/**
 * Finished jobs stay this long, because they are what makes a repeated event a known one. It is far
 * longer than a dead consumer's entries take to be claimed.
 */
const KEEP_FINISHED = { age: 3_600, count: 20_000 }

export interface AlertQueue {
  /** Handles batches of the `alerts` group. Waits while Redis is away. */
  readonly enqueue: (entries: readonly StreamEntry[]) => Promise<void>
  /** Breaks off what still waits for Redis. */
  readonly close: () => void
}

/**
 * `redis` is a `patient` connection. A queue whose very first command fails stays broken for good,
 * which a connection that fails fast would make likely; and whoever reads the stream can wait.
 */
export function createAlertQueue(redis: Redis, log: Log): AlertQueue {
  const queue = new Queue(QUEUES.alerts, { connection: redis, prefix: QUEUE_PREFIX })
  // Outages are told by the connection; without a listener they would end the process.
  queue.on('error', (error) => log.debug('alert queue', { error }))
  return {
    enqueue: async (entries) => {
      const alerting = eventsOf(entries, log).filter(({ type }) => type !== 'opportunity.measured')
      const jobs = alerting.map((event) => ({
        name: event.type,
        data: event,
        opts: { jobId: event.id, removeOnComplete: KEEP_FINISHED, removeOnFail: KEEP_FINISHED },
      }))
      if (jobs.length > 0) await queue.addBulk(jobs)
    },
    close: () => redis.disconnect(),
  }
}
