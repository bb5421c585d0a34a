/**
 * Decides what becomes of an event: who wants it, and whether each gets it now, at the end of a
 * window, or not, because the endpoint is off. What it decides is written down before it is done, and
 * doing it twice changes nothing.
 */
import { type Clock, timestamp } from '../../shared/clock.ts'
import type { Event } from '../../shared/event.ts'
import type { AttemptResult, EndpointEvent } from '../../shared/webhook.ts'
import { type DeliveryLog, type LoggedAttempt, TOO_OLD, withoutAttempt } from './delivery-log.ts'
import type { Endpoint } from './endpoint.ts'
import { type AlertJob, type Queues, type WindowJob, windowJob } from './jobs.ts'
import { type Message, messageOf } from './message.ts'
import { type Schedules, scheduleOf } from './schedule.ts'
import type { Subscriptions } from './subscriptions.ts'
import { chainOf, type Windows } from './windows.ts'

export interface RouterOptions {
  readonly subscriptions: Subscriptions
  readonly windows: Windows
  readonly queues: Queues
  readonly delivery_log: DeliveryLog
  readonly schedules: Schedules
  readonly clock: Clock
  /** told of each result that is known without an attempt */
  readonly onResult: (result: AttemptResult, latency_ms: null) => void
}

export interface Router {
  /** To whoever subscribed to it. */
  event(event: Event): Promise<void>
  /** The end of a window has come. */
  window(job: WindowJob): Promise<void>
  /** To exactly these, whatever they subscribed to. */
  tell(endpoints: readonly Endpoint[], event: EndpointEvent): Promise<void>
}

export function createRouter(options: RouterOptions): Router {
  const { subscriptions, windows, queues, delivery_log, schedules, clock } = options
  const send = (endpoints: readonly Endpoint[], message: Message, since_ms: number) =>
    queues.deliver(
      endpoints.map(({ id }) => ({ webhook_id: id, kind: 'alert', since_ms, message })),
    )

  return {
    async event(event) {
      const wanting = subscriptions.catalogue.wanting(event)
      if (wanting.length === 0) return
      const message = messageOf(event)
      const since_ms = Date.parse(event.timestamp)
      const { lifetime_ms } = scheduleOf(event.type, false, schedules)
      const is_too_old = lifetime_ms !== null && clock.wall_ms() - since_ms > lifetime_ms
      await writeDown(options, message, [
        ...verdicts(options, message, 'missed', 'the endpoint is off', wanting, false),
        // After an outage what comes too late must not delay what is still in time.
        ...(is_too_old ? verdicts(options, message, 'expired', TOO_OLD, wanting, true) : []),
      ])
      if (is_too_old) return
      const on = wanting.filter(({ enabled }) => enabled)
      const { now, later } = await decide(options, on, event, message)
      await send(now, message, since_ms)
      await queues.alert(later)
    },

    async window({ webhook_id, chain, until_ms }) {
      const endpoint = subscriptions.catalogue.get(webhook_id)
      if (endpoint === undefined) return
      const message = await windows.take(endpoint, chain, until_ms)
      // It waited on purpose: its age counts from now.
      if (message !== null) await send([endpoint], message, clock.wall_ms())
    },

    async tell(endpoints, event) {
      if (endpoints.length === 0) return
      const message = messageOf(event)
      await delivery_log.message(message)
      await send(endpoints, message, Date.parse(event.timestamp))
    },
  }
}

/** What is known without an attempt, of those that are on or off. */
function verdicts(
  { clock }: RouterOptions,
  message: Message,
  result: 'missed' | 'expired',
  why: string,
  wanting: readonly Endpoint[],
  enabled: boolean,
): LoggedAttempt[] {
  const at = timestamp(clock.wall_ms())
  return wanting
    .filter((endpoint) => endpoint.enabled === enabled)
    .map(({ id }) => withoutAttempt(id, message.id, result, why, at))
}

async function writeDown(
  { delivery_log, onResult }: RouterOptions,
  message: Message,
  known: readonly LoggedAttempt[],
): Promise<void> {
  await delivery_log.message(message, known)
  for (const { result } of known) onResult(result, null)
}

/** Who gets it now, and the ends of windows at which others do. */
async function decide(
  { windows, clock }: RouterOptions,
  endpoints: readonly Endpoint[],
  event: Event,
  message: Message,
): Promise<{ now: Endpoint[]; later: AlertJob[] }> {
  const now = endpoints.filter(({ min_interval_ms }) => min_interval_ms === 0)
  const later: AlertJob[] = []
  const sparing = endpoints.filter(({ min_interval_ms }) => min_interval_ms > 0)
  if (sparing.length === 0) return { now, later }
  const chain = chainOf(event)
  const offers = sparing.map(async (endpoint) => {
    const verdict = await windows.offer(endpoint, chain, message)
    if (verdict.kind === 'send') now.push(endpoint)
    if (verdict.kind !== 'wait') return
    const { until_ms } = verdict
    later.push(windowJob({ webhook_id: endpoint.id, chain, until_ms }, clock.wall_ms()))
  })
  await Promise.all(offers)
  return { now, later }
}
