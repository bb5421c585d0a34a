/** Callers of the webhook API for tests, whose every answer must be as openapi.json describes it. */
import type pg from 'pg'
import { expect } from 'vitest'
import { z } from 'zod'
import { mintKey } from '../../shared/api-key.ts'
import {
  MadeWebhook,
  type Replaying,
  type Testing,
  type Webhook,
  type WebhookAttempt,
} from '../../shared/webhook.ts'
import { type Answered, readDescription } from './openapi.ts'
import type { Stack } from './stack.ts'

/** A key as PostgreSQL has it, without asking the API. */
export async function insertKey(pool: pg.Pool, scopes: readonly string[]) {
  const { id, key, prefix, hash } = await mintKey()
  await pool.query(
    'INSERT INTO api_keys (id, name, prefix, hash, scopes) VALUES ($1, $2, $3, $4, $5)',
    [id, 'a test', prefix, hash, JSON.stringify(scopes)],
  )
  return { id, key }
}

/** What the answers have, each some of it; that each has what it should is checked before. */
interface Body extends MadeWebhook, Testing, Replaying {
  readonly data: readonly (Webhook & WebhookAttempt)[]
  readonly next_cursor: string | null
  readonly detail: string
}

export interface Said extends Answered {
  readonly body: Body
  readonly headers: Headers
  readonly text: string
}

export interface Caller {
  readonly id: string
  readonly key: string
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Said>
  /** @throws when it is not made */
  subscribe(asked?: object): Promise<MadeWebhook>
}

/** Makes callers, each with a key of its own. */
export async function webhookCallers(stack: Stack) {
  const wrong = await readDescription(stack.url)
  return async (scopes: readonly string[] = ['webhooks']): Promise<Caller> =>
    callerWith(await insertKey(stack.pool, scopes))

  function callerWith({ id, key }: { id: string; key: string }): Caller {
    const ask: Caller['ask'] = async (method, path, body, more = {}) => {
      const headers = new Headers({ authorization: `Bearer ${key}`, ...more })
      if (body !== undefined) headers.set('content-type', 'application/json')
      const sent =
        body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body)
      const response = await fetch(`${stack.url}${path}`, { method, headers, body: sent })
      const text = await response.text()
      const said = {
        method,
        path: new URL(response.url).pathname,
        status: response.status,
        content_type: response.headers.get('content-type')?.split(';')[0] ?? null,
        body: text === '' ? null : JSON.parse(text),
        text,
        headers: response.headers,
      }
      if (said.status !== 405) expect(wrong(said)).toBeNull()
      expect(said.headers.get('cache-control') ?? 'no-store').toBe('no-store')
      return said
    }
    return {
      ...{ id, key, ask },
      async subscribe(asked = {}) {
        const said = await ask('POST', '/v1/webhooks', {
          url: 'https://example.com/hooks',
          ...asked,
        })
        expect(said.status, said.text).toBe(201)
        return MadeWebhook.strict().parse(said.body)
      },
    }
  }
}

/** The bad fields of a refusal. */
export function errorsOf({ body }: Said) {
  const Refusal = z.looseObject({
    errors: z.array(z.object({ field: z.string(), value: z.unknown(), expected: z.string() })),
  })
  return Refusal.parse(body).errors
}
