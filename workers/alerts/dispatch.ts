/**
 * Takes alert jobs from the queue: checks that each is an event and measures how long after it
 * happened it is dispatched. A job that is no event fails for good; it is never tried again.
 */
import { type Job, UnrecoverableError, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Clock } from '../../shared/clock.ts'
import { Event } from '../../shared/event.ts'
import { QUEUE_PREFIX, QUEUES } from '../../shared/keys.ts'
import type { Log } from '../../shared/log.ts'

export interface DispatcherOptions {
  /** a `patient` connection; BullMQ opens a second one like it */
  readonly redis: Redis
  readonly clock: Clock
  readonly log: Log
  /** told for each event: milliseconds since it happened */
  readonly onDispatched: (type: Event['type'], latency_ms: number) => void
}

/** Jobs wait for the network, not for the processor. */
const CONCURRENCY = 16

export interface Dispatcher {
  /** Lets running jobs finish, but not longer than `deadline_ms`. */
  readonly close: (deadline_ms: number) => Promise<void>
}

export function startDispatcher({
  redis,
  clock,
  log,
  onDispatched,
}: DispatcherOptions): Dispatcher {
  const dispatch = async (job: Job): Promise<void> => {
    const event = Event.safeParse(job.data)
    if (!event.success) throw new UnrecoverableError(`not an event: ${event.error.message}`)
    const latency_ms = clock.wall_ms() - Date.parse(event.data.timestamp)
    onDispatched(event.data.type, Math.max(0, latency_ms))
  }
  const worker = new Worker(QUEUES.alerts, dispatch, {
    connection: redis,
    prefix: QUEUE_PREFIX,
    concurrency: CONCURRENCY,
  })
  worker.on('error', (error) => log.debug('alert worker', { error }))
  worker.on('failed', (job, error) => log.error('an alert job failed', { job: job?.id, error }))
  return {
    close: async (deadline_ms) => {
      // While Redis is away `close` never resolves: what is left is picked up by another worker.
      const closed = await settledWithin(worker.close(), deadline_ms)
      if (!closed) await settledWithin(worker.close(true), deadline_ms)
      redis.disconnect()
    },
  }
}

function settledWithin(work: Promise<void>, deadline_ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), deadline_ms)
    work
      .catch(() => {})
      .finally(() => {
        clearTimeout(timer)
        resolve(true)
      })
  })
}
