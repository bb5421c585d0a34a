/** Callers of the webhook API for tests, whose every answer must be as openapi.json describes it. */
import { expect } from 'vitest'
import { z } from 'zod'
import {
  MadeWebhook,
  type Replaying,
  type Testing,
  type Webhook,
  type WebhookAttempt,
} from '../../shared/webhook.ts'
import { insertKey } from './keys.ts'
import { OpenApi } from './openapi.ts'
import type { Stack } from './stack.ts'

/** What the answers have, each some of it; that each has what it should is checked before. */
interface Body extends MadeWebhook, Testing, Replaying {
  readonly data: readonly (Webhook & WebhookAttempt)[]
  readonly next_cursor: string | null
  readonly detail: string
}

export interface Said {
  readonly status: number
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
  const openapi = await OpenApi.of(stack.url)
  return async (scopes: readonly string[] = ['webhooks']): Promise<Caller> =>
    callerWith(await insertKey(stack.pool, { scopes }))

  function callerWith({ id, key }: { id: string; key: string }): Caller {
    const ask: Caller['ask'] = async (method, path, body, more = {}) => {
      const headers = new Headers({ authorization: `Bearer ${key}`, ...more })
      if (body !== undefined) headers.set('content-type', 'application/json')
      const sent =
        body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body)
      const response = await fetch(`${stack.url}${path}`, { method, headers, body: sent })
      const { status, headers: answered } = response
      if (status !== 405) {
        const operation = openapi.find(method, new URL(response.url).pathname)
        await openapi.check(operation, response.clone(), `${method} ${path}`)
      }
      const text = await response.text()
      const said = { status, body: text === '' ? null : JSON.parse(text), text, headers: answered }
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
