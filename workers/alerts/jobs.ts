/**
 * The two queues and the jobs in them. `alerts` holds what has to be decided: events, ends of
 * windows, endpoints to switch off. `deliveries` holds what has to be sent: a message for one
 * endpoint. A job carries ids and the body, never an address or a secret. Its id says what it is
 * about, so that whoever adds it again adds nothing.
 */
import { type JobsOptions, Queue, type WorkerOptions } from 'bullmq'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { QUEUE_PREFIX, QUEUES } from '../../shared/keys.ts'
import type { Log } from '../../shared/log.ts'
import { Message } from './message.ts'

/** Jobs of `alerts` that are no events; events' jobs have their type as name. */
export const JOBS = { window: 'window', disable: 'disable' } as const

export const WindowJob = z.object({
  webhook_id: z.string(),
  chain: z.string(),
  /** the window's end, which is its name too */
  until_ms: z.int(),
})
export type WindowJob = z.infer<typeof WindowJob>

export const DisableJob = z.object({
  webhook_id: z.string(),
  reason: z.enum(['failing', 'gone']),
  at_ms: z.int(),
  /** of what the owner's other endpoints are told */
  message_id: z.string(),
})
export type DisableJob = z.infer<typeof DisableJob>

export const DeliveryJob = z.object({
  webhook_id: z.string(),
  /** `test` goes to endpoints that are off too; a `replay` is never too old */
  kind: z.enum(['alert', 'test', 'replay']),
  /** tells several replays of a message apart */
  replay_id: z.string().optional(),
  /** its age counts from here, in milliseconds since 1970 */
  since_ms: z.number(),
  message: Message,
})
export type DeliveryJob = z.infer<typeof DeliveryJob>

/**
 * Finished jobs stay so long, because they are what makes a repeated one a known one: far longer than
 * the entries of a dead worker take to be claimed.
 */
const KEEP_ALERTS = { age: 3_600, count: 20_000 }
const KEEP_DELIVERIES = { age: 600, count: 10_000 }
/** Dead letters: only our own faults get there. */
const KEEP_FAILED = { age: 7 * 86_400, count: 1_000 }
/** For a fault of ours that may pass, such as a full Redis or PostgreSQL away. */
export const FAULT_PAUSE_MS = 1_000
const ALERT_ATTEMPTS = 5
const DISABLE_ATTEMPTS = 3_600
/** More than any schedule has: it is the schedule that ends. */
const DELIVERY_ATTEMPTS = 20
/** Behind everything that happens now. */
const REPLAY_PRIORITY = 10

/**
 * A worker that died must be missed before an alert is worthless: its jobs are free 4 s after the
 * last sign of life, and are looked for every 2 s. A loop that is blocked for longer than that loses
 * its jobs to another worker too, and the receiver sees a message twice, with one id.
 */
export function workerOptions(redis: Redis, concurrency: number): WorkerOptions {
  return {
    connection: redis,
    prefix: QUEUE_PREFIX,
    concurrency,
    lockDuration: 4_000,
    stalledInterval: 2_000,
    // a job is innocent of the death of its worker, unless it is there every time
    maxStalledCount: 10,
    // BullMQ's own is 15 s, in which every alert dies
    runRetryDelay: 1_000,
  }
}

const failed = { removeOnFail: KEEP_FAILED, stackTraceLimit: 1 }

const ALERT_OPTIONS: JobsOptions = {
  ...failed,
  removeOnComplete: KEEP_ALERTS,
  attempts: ALERT_ATTEMPTS,
  backoff: { type: 'fixed', delay: FAULT_PAUSE_MS },
}

export interface AlertJob {
  readonly name: string
  readonly data: object
  readonly opts: JobsOptions
}

/** `id` is the event's. */
export function eventJob(event: { readonly id: string; readonly type: string }): AlertJob {
  return { name: event.type, data: event, opts: { ...ALERT_OPTIONS, jobId: event.id } }
}

export function windowJob(data: WindowJob, now_ms: number): AlertJob {
  const { webhook_id, chain, until_ms } = data
  const jobId = `${JOBS.window}-${webhook_id}-${chain}-${until_ms}`
  return {
    name: JOBS.window,
    data,
    opts: { ...ALERT_OPTIONS, jobId, delay: Math.max(0, until_ms - now_ms) },
  }
}

export function disableJob(data: DisableJob): AlertJob {
  const jobId = `${JOBS.disable}-${data.webhook_id}-${data.message_id}`
  return {
    name: JOBS.disable,
    data,
    opts: { ...ALERT_OPTIONS, jobId, attempts: DISABLE_ATTEMPTS },
  }
}

function deliveryJob(data: DeliveryJob): AlertJob {
  const { webhook_id, replay_id, kind, message } = data
  const parts = [webhook_id, message.id, ...(replay_id === undefined ? [] : [replay_id])]
  return {
    name: message.type,
    data,
    opts: {
      ...failed,
      jobId: parts.join('-'),
      removeOnComplete: KEEP_DELIVERIES,
      attempts: DELIVERY_ATTEMPTS,
      backoff: { type: 'custom' },
      ...(kind === 'replay' ? { priority: REPLAY_PRIORITY } : {}),
    },
  }
}

/** A pipeline of ioredis costs as much as so many single commands: it carries every script. */
const FEW = 4

export interface Queues {
  alert(jobs: readonly AlertJob[]): Promise<void>
  deliver(deliveries: readonly DeliveryJob[]): Promise<void>
  /** Brings a delivery whose time has not come to the front; false when it is not waiting for one. */
  hurry(job_id: string): Promise<boolean>
  /** Deliveries that wait: for a worker, for their turn, for the next attempt. */
  waiting(): Promise<number>
}

/**
 * `redis` is a `patient` connection, which its owner disconnects. A queue whose very first command
 * fails stays broken for good, which a connection that fails fast would make likely.
 */
export function createQueues(redis: Redis, log: Log): Queues {
  const options = { connection: redis, prefix: QUEUE_PREFIX }
  const alerts = new Queue(QUEUES.alerts, options)
  const deliveries = new Queue(QUEUES.deliveries, options)
  for (const queue of [alerts, deliveries]) {
    // Outages are told by the connection; without a listener they would end the process.
    queue.on('error', (error) => log.debug('a queue', { queue: queue.name, error }))
  }
  const add = async (queue: Queue, jobs: readonly AlertJob[]) => {
    if (jobs.length > FEW) await queue.addBulk([...jobs])
    else await Promise.all(jobs.map(({ name, data, opts }) => queue.add(name, data, opts)))
  }
  return {
    alert: (jobs) => add(alerts, jobs),
    deliver: (jobs) => add(deliveries, jobs.map(deliveryJob)),
    hurry: (job_id) =>
      deliveries.backend.promote(job_id).then(
        () => true,
        () => false,
      ),
    waiting: () => deliveries.getJobCountByTypes('wait', 'delayed', 'prioritized'),
  }
}
