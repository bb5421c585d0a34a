/** The subscriptions of a key: one request, one answer, and a refusal as a value with its words. */

import { isObject } from '../../../../client/answers.ts'
import { Refused, reason } from '../../../../client/refused.ts'
import type { Problem } from '../../../../shared/problem.ts'
import type { Webhook, WebhookAttempt } from '../../../../shared/webhook.ts'
import { problemOf } from '../../model/answers.ts'

interface Page<T> {
  readonly data: readonly T[]
  readonly next_cursor: string | null
}

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly words: string; readonly problem: Problem | null }

const ANSWER_WITHIN_MS = 15_000

export const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
export const webhookPath = (id: string) => `/v1/webhooks/${encodeURIComponent(id)}`

/** A POST carries a key of its own, so that a second try of the browser does nothing twice. */
export async function ask<T>(
  key: string,
  method: 'POST' | 'PATCH' | 'DELETE',
  path: string,
  body?: object,
): Promise<Outcome<T>> {
  const headers: Record<string, string> = bearer(key)
  if (body !== undefined) headers['content-type'] = 'application/json'
  if (method === 'POST') headers['idempotency-key'] = crypto.randomUUID()
  try {
    const response = await fetch(path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      cache: 'no-store',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    })
    const answer: unknown = await response.json().catch(() => null)
    if (response.ok) return { ok: true, value: answer as T }
    const problem = problemOf(answer)
    return { ok: false, words: new Refused(response, problem).message, problem }
  } catch (error) {
    return { ok: false, words: reason(error), problem: null }
  }
}

export const webhookPage = pageOf<Webhook>
export const attemptPage = pageOf<WebhookAttempt>

function pageOf<T>(body: unknown): Page<T> | null {
  return isObject(body) && Array.isArray(body.data) && 'next_cursor' in body
    ? (body as unknown as Page<T>)
    : null
}
