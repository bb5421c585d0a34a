/**
 * Works off the `deliveries` queue: one run of a job is at most one attempt, and everything that a
 * receiver can do wrong ends as a recorded result. A job fails only by a fault of our own. Where an
 * endpoint has no room or asked for peace the job goes back to the queue and holds up nobody.
 */
import { DelayedError, type Job, UnrecoverableError, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { type Clock, timestamp } from '../../shared/clock.ts'
import { QUEUES } from '../../shared/keys.ts'
import type { Log } from '../../shared/log.ts'
import type { AttemptResult } from '../../shared/webhook.ts'
import type { Attempt, Outcome } from './attempt.ts'
import { settledWithin } from './deadline.ts'
import { type DeliveryLog, TOO_OLD, withoutAttempt } from './delivery-log.ts'
import type { Endpoint } from './endpoint.ts'
import type { Gate } from './gate.ts'
import { DeliveryJob, FAULT_PAUSE_MS, workerOptions } from './jobs.ts'
import { pauseAfter, type Schedule, type Schedules, scheduleOf } from './schedule.ts'
import type { Standings } from './standings.ts'
import type { Subscriptions } from './subscriptions.ts'

export interface DeliverOptions {
  /** a `patient` connection; BullMQ opens a second one like it */
  readonly redis: Redis
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  readonly subscriptions: Subscriptions
  readonly attempt: Attempt
  readonly gate: Gate
  readonly standings: Pick<Standings, 'succeeded' | 'failed'>
  readonly delivery_log: DeliveryLog
  readonly schedules: Schedules
  /** the endpoint answered that it is gone for good */
  readonly onGone: (endpoint: Endpoint) => Promise<void>
  /** told of each result; of alerts that arrived also how long after they were due */
  readonly onResult: (result: AttemptResult, latency_ms: number | null) => void
}

/** Deliveries wait for the network and for slow receivers, not for the processor. */
const CONCURRENCY = 400
/**
 * BullMQ fetches, one by one, all the jobs that it may have before it starts the first, and nobody
 * renews the lock of one that has not started. Where a round trip takes 10 ms, 400 jobs would lose
 * theirs again and again and none would ever be sent: so it may have only so many more than run.
 */
const AHEAD = 32
/** Between two attempts, or before a job comes back to a full door, however late it is. */
const PAUSE_MIN_MS = 250
const COME_BACK_MAX_MS = 60_000
/** Those that were turned away together do not come back together. */
const SPREAD = 0.25

/** BullMQ tries a job again when it throws; this says when. */
class TryAgain extends Error {
  readonly pause_ms: number
  constructor(pause_ms: number) {
    super('the receiver did not take it')
    this.pause_ms = pause_ms
    // it is no fault, and a trace for each would be stored with the job
    this.stack = ''
  }
}

export interface Deliveries {
  /** Lets attempts finish, but not longer than `deadline_ms`. */
  readonly close: (deadline_ms: number) => Promise<void>
}

export function startDeliveries(options: DeliverOptions): Deliveries {
  const { redis, log } = options
  let running = 0
  const run = async (job: Job, token?: string) => {
    worker.concurrency = Math.min(CONCURRENCY, ++running + AHEAD)
    try {
      return await deliver(options, job, token)
    } finally {
      worker.concurrency = Math.min(CONCURRENCY, --running + AHEAD)
    }
  }
  const worker = new Worker(QUEUES.deliveries, run, {
    ...workerOptions(redis, AHEAD),
    settings: {
      backoffStrategy: (_attempts, _type, error) =>
        error instanceof TryAgain ? error.pause_ms : FAULT_PAUSE_MS,
    },
  })
  worker.on('error', (error) => log.debug('delivery worker', { error }))
  worker.on('failed', (job, error) => {
    if (error instanceof TryAgain) return
    log.error('a delivery failed by our own fault', { job: job?.id, error })
  })
  return {
    close: async (deadline_ms) => {
      // While Redis is away `close` never resolves: what is left is picked up by another worker.
      await settledWithin(worker.close(), deadline_ms)
      redis.disconnect()
    },
  }
}

/** One run. Its return value is for whoever looks at the queue. */
async function deliver(options: DeliverOptions, job: Job, token?: string): Promise<string> {
  const { clock, subscriptions, schedules, gate } = options
  const parsed = DeliveryJob.safeParse(job.data)
  if (!parsed.success) throw new UnrecoverableError(`no delivery: ${parsed.error.message}`)
  const { webhook_id, kind, message, since_ms } = parsed.data
  await subscriptions.ready
  const endpoint = subscriptions.catalogue.get(webhook_id)
  if (endpoint === undefined) {
    gate.forget(webhook_id, String(job.id))
    return 'the endpoint is deleted'
  }
  const nothingSent = (result: 'missed' | 'expired', why: string) => {
    gate.forget(webhook_id, String(job.id))
    return recordNothing(options, endpoint, message.id, result, why)
  }
  if (!endpoint.enabled && kind !== 'test') return nothingSent('missed', 'the endpoint is off')

  const schedule = scheduleOf(message.type, kind === 'replay', schedules)
  const dies_ms = since_ms + (schedule.lifetime_ms ?? Number.POSITIVE_INFINITY)
  const left_ms = dies_ms - clock.wall_ms()
  if (left_ms <= 0) return nothingSent('expired', TOO_OLD)
  const held_ms = gate.heldFor_ms(endpoint.id)
  if (held_ms > left_ms) return nothingSent('expired', 'the endpoint asked to wait for too long')
  if (held_ms > 0) return comeBack(options, job, token, held_ms)
  const admission = await gate.enter(endpoint.id, String(job.id), left_ms)
  if (admission.kind === 'hopeless') return nothingSent('expired', 'the endpoint is too slow')
  if (admission.kind === 'full') return comeBack(options, job, token, admission.wait_ms)

  const attempt = job.attemptsMade + 1
  const started_ms = clock.wall_ms()
  let outcome: Outcome | undefined
  try {
    outcome = await options.attempt(endpoint, message)
  } finally {
    gate.leave(endpoint.id, admission.ticket, outcome?.hung ?? false)
  }
  if (outcome.hold_ms !== null) gate.hold(endpoint.id, outcome.hold_ms)
  const again_ms = againAt(options, endpoint, schedule, attempt, outcome, started_ms)
  const result = outcome.success ? 'success' : again_ms < dies_ms ? 'failure' : 'expired'
  await record(options, endpoint, parsed.data, { attempt, result, outcome, started_ms })
  if (result === 'failure') throw new TryAgain(Math.max(1, Math.round(again_ms - clock.wall_ms())))
  return result
}

/** When the next attempt is due, in milliseconds since 1970; infinite when there is none. */
function againAt(
  { clock, random, gate }: DeliverOptions,
  { id }: Endpoint,
  schedule: Schedule,
  attempt: number,
  { gone }: Outcome,
  started_ms: number,
): number {
  const pause_ms = gone ? null : pauseAfter(attempt, schedule, random)
  if (pause_ms === null) return Number.POSITIVE_INFINITY
  const now_ms = clock.wall_ms()
  return Math.max(started_ms + pause_ms, now_ms + PAUSE_MIN_MS, now_ms + gate.heldFor_ms(id))
}

/** Gives the job back to the queue for a while. */
async function comeBack(
  { clock, random }: DeliverOptions,
  job: Job,
  token: string | undefined,
  wait_ms: number,
): Promise<never> {
  const wanted_ms = Math.min(Math.max(wait_ms, PAUSE_MIN_MS), COME_BACK_MAX_MS)
  const pause_ms = wanted_ms * (1 + SPREAD * random())
  await job.moveToDelayed(Math.round(clock.wall_ms() + pause_ms), token)
  throw new DelayedError()
}

async function recordNothing(
  { delivery_log, clock, onResult }: DeliverOptions,
  { id }: Endpoint,
  message_id: string,
  result: 'missed' | 'expired',
  why: string,
): Promise<string> {
  const at = timestamp(clock.wall_ms())
  await delivery_log.attempt(withoutAttempt(id, message_id, result, why, at))
  onResult(result, null)
  return result
}

interface Attempted {
  readonly attempt: number
  readonly result: AttemptResult
  readonly outcome: Outcome
  readonly started_ms: number
}

async function record(
  { delivery_log, standings, onGone, onResult }: DeliverOptions,
  endpoint: Endpoint,
  { kind, message, since_ms }: DeliveryJob,
  { attempt, result, outcome, started_ms }: Attempted,
): Promise<void> {
  const { response_status, response_excerpt, error, duration_ms } = outcome
  await delivery_log.attempt({
    endpoint_id: endpoint.id,
    message_id: message.id,
    attempt,
    result,
    response_status,
    response_excerpt,
    error,
    duration_ms,
    attempted_at: timestamp(started_ms),
  })
  const is_alert = kind === 'alert' && outcome.success
  onResult(result, is_alert ? started_ms + duration_ms - since_ms : null)
  if (!endpoint.enabled) return
  if (outcome.success) standings.succeeded(endpoint)
  else if (outcome.gone) await onGone(endpoint)
  else await standings.failed(endpoint)
}
