/**
 * What is delivered and what became of it, written to a stream in Redis at once and from there to
 * PostgreSQL by records.ts: deliveries go on while PostgreSQL is away, and nothing of it is lost.
 */
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { DELIVERIES_MAX, KEYS } from '../../shared/keys.ts'
import { WebhookAttempt } from '../../shared/webhook.ts'
import type { Message } from './message.ts'

export const LoggedAttempt = WebhookAttempt.omit({ event_type: true }).extend({
  endpoint_id: z.string(),
})
export type LoggedAttempt = z.infer<typeof LoggedAttempt>

export interface DeliveryLog {
  /** Before anything is promised about it: the message, and the attempts that are known already. */
  message(message: Message, attempts?: readonly LoggedAttempt[]): Promise<void>
  attempt(attempt: LoggedAttempt): Promise<void>
}

export const TOO_OLD = 'it was too old before it could be sent'

/** An attempt at which nothing was sent, and why. */
export function withoutAttempt(
  endpoint_id: string,
  message_id: string,
  result: 'missed' | 'expired',
  error: string,
  attempted_at: string,
): LoggedAttempt {
  const nothing = { attempt: 0, response_status: null, response_excerpt: null, duration_ms: null }
  return { endpoint_id, message_id, result, error, attempted_at, ...nothing }
}

/** `redis` is a `patient` connection. */
export function createDeliveryLog(redis: Redis): DeliveryLog {
  // One connection keeps the order; a pipeline would cost more than it saves (jobs.ts).
  const write = async (entries: readonly (readonly [kind: string, data: object])[]) => {
    const writes = entries.map(([kind, data]) => {
      const fields = ['kind', kind, 'data', JSON.stringify(data)]
      return redis.xadd(KEYS.delivery_log, 'MAXLEN', '~', DELIVERIES_MAX, '*', ...fields)
    })
    await Promise.all(writes)
  }
  return {
    message: (message, attempts = []) =>
      write([['message', message], ...attempts.map((one) => ['attempt', one] as const)]),
    attempt: (attempt) => write([['attempt', attempt]]),
  }
}
