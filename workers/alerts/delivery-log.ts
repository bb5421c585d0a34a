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
  const write = async (entries: readonly (readonly [kind: string, data: object])[]) => {
    const pipeline = redis.pipeline()
    for (const [kind, data] of entries) {
      const fields = ['kind', kind, 'data', JSON.stringify(data)]
      pipeline.xadd(KEYS.delivery_log, 'MAXLEN', '~', DELIVERIES_MAX, '*', ...fields)
    }
    const replies = (await pipeline.exec()) ?? []
    for (const [error] of replies) if (error !== null) throw error
  }
  return {
    message: (message, attempts = []) =>
      write([['message', message], ...attempts.map((one) => ['attempt', one] as const)]),
    attempt: (attempt) => write([['attempt', attempt]]),
  }
}
