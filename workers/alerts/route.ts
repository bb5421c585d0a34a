/**
 * Decides what becomes of an event: who wants it, and whether each gets it now, at the end of a
 * window, or not, because the endpoint is off. What it decides is written down before it is done, and
 * doing it twice changes nothing.
 */
import { type Clock, timestamp } from '../../shared/clock.ts'
import type { Event } from '../../shared/event.ts'
import type { AttemptResult, EndpointEvent } from '../../shared/webhook.ts'
import { type DeliveryLog, TOO_OLD, withoutAttempt } from './delivery-log.ts'
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

export function createRouter({
  subscriptions,
  windows,
  queues,
  delivery_log,
  schedules,
  clock,
  onResult,
}: RouterOptions): Router {
  const send = (endpoints: readonly Endpoint[], message: Message, since_ms: number) =>
    queues.deliver(
      endpoints.map(({ id }) => ({ webhook_id: id, kind: 'alert', since_ms, message })),
    )

  return {
    async event(event) {
      const wanting = subscriptions.catalogue.wanting(event)
      if (wanting.length === 0) return
      const message = messageOf(event)
      const at = timestamp(clock.wall_ms())
      const missed = wanting
        .filter(({ enabled }) => !enabled)
        .map(({ id }) => withoutAttempt(id, message.id, 'missed', 'the endpoint is off', at))
      const { lifetime_ms } = scheduleOf(event.type, false, schedules)
      const since_ms = Date.parse(event.timestamp)
      if (lifetime_ms !== null && clock.wall_ms() - since_ms > lifetime_ms) {
        // After an outage: what is too late must not delay what is still in time.
        const expired = wanting
          .filter(({ enabled }) => enabled)
          .map(({ id }) => withoutAttempt(id, message.id, 'expired', TOO_OLD, at))
        await delivery_log.message(message, [...missed, ...expired])
        for (const { result } of [...missed, ...expired]) onResult(result, null)
        return
      }
      await delivery_log.message(message, missed)
      for (const { result } of missed) onResult(result, null)

      const now: Endpoint[] = []
      const later: AlertJob[] = []
      const chain = chainOf(event)
      const decide = async (endpoint: Endpoint) => {
        if (endpoint.min_interval_ms === 0) return now.push(endpoint)
        const verdict = await windows.offer(endpoint, chain, message)
        if (verdict.kind === 'send') now.push(endpoint)
        if (verdict.kind !== 'wait') return
        const { until_ms } = verdict
        later.push(windowJob({ webhook_id: endpoint.id, chain, until_ms }, clock.wall_ms()))
      }
      await Promise.all(wanting.filter(({ enabled }) => enabled).map(decide))
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
