/**
 * Works off the `alerts` queue: events, ends of windows, endpoints to switch off. It checks what each
 * job is and measures how long after it happened an event is dispatched; what is done is decided
 * elsewhere. A job that is none of them fails for good; it is never tried again.
 */
import { type Job, UnrecoverableError, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import type { z } from 'zod'
import type { Clock } from '../../shared/clock.ts'
import { Event } from '../../shared/event.ts'
import { QUEUES } from '../../shared/keys.ts'
import type { Log } from '../../shared/log.ts'
import { settledWithin } from './deadline.ts'
import { DisableJob, JOBS, WindowJob, workerOptions } from './jobs.ts'
import type { Router } from './route.ts'
import type { Subscriptions } from './subscriptions.ts'

export interface DispatcherOptions {
  /** a `patient` connection; BullMQ opens a second one like it */
  readonly redis: Redis
  readonly clock: Clock
  readonly log: Log
  readonly subscriptions: Pick<Subscriptions, 'ready'>
  readonly router: Pick<Router, 'event' | 'window'>
  readonly disable: (job: DisableJob) => Promise<void>
  /** told for each event: milliseconds since it happened */
  readonly onDispatched: (type: Event['type'], latency_ms: number) => void
}

/** Jobs wait for the network, not for the processor. */
const CONCURRENCY = 16

export interface Dispatcher {
  /** Lets running jobs finish, but not longer than `deadline_ms`. */
  readonly close: (deadline_ms: number) => Promise<void>
}

export function startDispatcher(options: DispatcherOptions): Dispatcher {
  const { redis, log } = options
  const worker = new Worker(
    QUEUES.alerts,
    (job) => dispatch(options, job),
    workerOptions(redis, CONCURRENCY),
  )
  worker.on('error', (error) => log.debug('alert worker', { error }))
  worker.on('failed', (job, error) => log.error('an alert job failed', { job: job?.id, error }))
  return {
    close: async (deadline_ms) => {
      // While Redis is away `close` never resolves: what is left is picked up by another worker.
      await settledWithin(worker.close(), deadline_ms)
      redis.disconnect()
    },
  }
}

async function dispatch(options: DispatcherOptions, { name, data }: Job): Promise<void> {
  const { clock, subscriptions, router, disable, onDispatched } = options
  await subscriptions.ready
  if (name === JOBS.window) return router.window(read(WindowJob, data))
  if (name === JOBS.disable) return disable(read(DisableJob, data))
  const event = read(Event, data)
  await router.event(event)
  onDispatched(event.type, Math.max(0, clock.wall_ms() - Date.parse(event.timestamp)))
}

function read<T>(schema: z.ZodType<T>, data: unknown): T {
  const parsed = schema.safeParse(data)
  if (parsed.success) return parsed.data
  throw new UnrecoverableError(`not a job of this queue: ${parsed.error.message}`)
}
