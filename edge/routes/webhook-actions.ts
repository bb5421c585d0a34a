/**
 * What can be done with a webhook: try it, see what became of its messages, have some sent again,
 * and give it a new secret. Sending is the workers' part: they are asked here, and nothing is awaited.
 */
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { randomId } from '../../shared/base62.ts'
import {
  MadeWebhook,
  newMessageId,
  newWebhookSecret,
  REPLAY_MESSAGES_MAX,
  Replaying,
  Testing,
  WEBHOOK_ID,
  WebhookAttempt,
} from '../../shared/webhook.ts'
import { CACHE } from '../caching.ts'
import { attemptCursor } from '../cursor.ts'
import type { Edge } from '../edge.ts'
import { IdempotencyHeader, idempotent } from '../idempotency.ts'
import { AttemptsQuery, NoQuery } from '../parameters.ts'
import { invalidField, invalidParameter, refuse, unavailable } from '../problems.ts'
import { Replay, type Replayed } from '../replay.ts'
import { type App, endpoint, get, json, onlyThese, problems } from '../serve.ts'
import { deliveryStore } from '../store/deliveries.ts'
import { webhookCommands } from '../store/webhook-commands.ts'
import { note, noWebhook, ownWebhook, WEBHOOK, webhooksOf } from './webhooks.ts'

const { params, security, tags } = WEBHOOK
const REFUSALS = ['invalid_request', 'not_found', 'conflict', 'idempotency_mismatch'] as const

const AttemptPage = z.object({
  data: z.array(WebhookAttempt.openapi('WebhookAttempt')),
  next_cursor: z
    .string()
    .nullable()
    .describe('give it as cursor for the next page; null at the end'),
})

const deliveries = (c: Context<Edge>) => deliveryStore(c.var.settings, c.var.log)
const commands = (c: Context<Edge>) => webhookCommands(c.var.settings, c.var.log)

export function webhookActions(app: App): void {
  tests(app)
  rotations(app)
  attempts(app)
  replays(app)
}

function tests(app: App): void {
  endpoint(
    app,
    'post',
    '/v1/webhooks/{id}/test',
    {
      summary: 'Send a sample now',
      description:
        'A sample of the first type that is subscribed to, also while the webhook is off. What ' +
        'became of it is in its attempts, under the `message_id` that is answered here.',
      tags,
      security,
      middleware: idempotent,
      request: { params, query: NoQuery, headers: IdempotencyHeader },
      responses: {
        202: json('it is on its way', Testing),
        ...problems(...REFUSALS, 'unavailable'),
      },
    },
    async (c) => {
      const webhook = await ownWebhook(c, c.req.valid('param').id)
      if (webhook instanceof Response) return webhook
      const message_id = newMessageId()
      const sent = await commands(c).send({ kind: 'test', webhook_id: webhook.id, message_id })
      if (!sent.ok) return unavailable(c, sent.store, sent.reason)
      c.header('cache-control', CACHE.never)
      return c.json({ message_id }, 202)
    },
  )
  onlyThese(app, '/v1/webhooks/{id}/test', ['POST'])
}

function rotations(app: App): void {
  endpoint(
    app,
    'post',
    '/v1/webhooks/{id}/rotate-secret',
    {
      summary: 'Give it a new secret',
      description:
        'The secret until now stays valid for 24 hours, in which every delivery is signed with ' +
        'both. Whoever rotates again within that time ends it for the older one of the two.',
      tags,
      security,
      middleware: idempotent,
      request: { params, query: NoQuery, headers: IdempotencyHeader },
      responses: {
        200: json('the webhook and its new secret, shown this once', MadeWebhook),
        ...problems(...REFUSALS, 'unavailable'),
      },
    },
    async (c) => {
      const { id } = c.req.valid('param')
      if (!WEBHOOK_ID.test(id)) return noWebhook(c, id)
      const secret = newWebhookSecret()
      const rotated = await webhooksOf(c).rotate(id, secret)
      if (!rotated.ok) return unavailable(c, rotated.store, rotated.reason)
      if (rotated.value === null) return noWebhook(c, id)
      note(c, 'given a new secret', rotated.value)
      c.header('cache-control', CACHE.never)
      return c.json({ ...rotated.value, secret }, 200)
    },
  )
  onlyThese(app, '/v1/webhooks/{id}/rotate-secret', ['POST'])
}

function attempts(app: App): void {
  get(
    app,
    '/v1/webhooks/{id}/attempts',
    {
      summary: 'What became of its messages',
      description: 'Every attempt to deliver one. They are here about a second after they end.',
      tags,
      security,
      request: { params, query: AttemptsQuery },
      responses: {
        200: json('newest first', AttemptPage),
        ...problems('invalid_request', 'not_found', 'unavailable'),
      },
    },
    async (c) => {
      const { cursor, ...question } = c.req.valid('query')
      const after = cursor === undefined ? null : attemptCursor.decode(cursor)
      if (cursor !== undefined && after === null) {
        return invalidParameter(c, 'cursor', 'a next_cursor as it was given')
      }
      const webhook = await ownWebhook(c, c.req.valid('param').id)
      if (webhook instanceof Response) return webhook
      const page = await deliveries(c).attempts(webhook.id, { ...question, after })
      if (!page.ok) return unavailable(c, page.store, page.reason)
      const { attempts, next } = page.value
      c.header('cache-control', CACHE.never)
      const next_cursor = next === null ? null : attemptCursor.encode(next)
      return c.json({ data: attempts, next_cursor }, 200)
    },
  )
}

function replays(app: App): void {
  endpoint(
    app,
    'post',
    '/v1/webhooks/{id}/replay',
    {
      summary: 'Send messages again',
      description:
        'Exactly one of: a message, all of a time (also those that were delivered), or all that ' +
        'were missed. They keep the ids and bodies they had. At most 7 days and ' +
        `${REPLAY_MESSAGES_MAX} messages at once; of a time, or of all that were missed, once in ` +
        '10 seconds.',
      tags,
      security,
      middleware: idempotent,
      request: {
        params,
        query: NoQuery,
        headers: IdempotencyHeader,
        body: { required: true, content: { 'application/json': { schema: Replay } } },
      },
      responses: {
        202: json('they are on their way', Replaying),
        ...problems(...REFUSALS, 'unavailable'),
      },
    },
    async (c) => {
      const what = c.req.valid('json')
      const webhook = await ownWebhook(c, c.req.valid('param').id)
      if (webhook instanceof Response) return webhook
      const { id: webhook_id, enabled } = webhook
      if (!enabled) return refuse(c, 'conflict', 'the webhook is off; change enabled to true first')
      const replay_id = randomId('rpl_')
      if (what.kind !== 'message') {
        const pause = await commands(c).pause_ms(webhook_id, replay_id)
        if (!pause.ok) return unavailable(c, pause.store, pause.reason)
        if (pause.value > 0) return refuseSoSoon(c, pause.value)
      }
      const counted = await deliveries(c).count(webhook_id, what)
      if (!counted.ok) return unavailable(c, counted.store, counted.reason)
      const message_count = counted.value
      const refusal = refuseCount(c, what, message_count)
      if (refusal !== null) return refusal
      const sent = await commands(c).send({ kind: 'replay', webhook_id, replay_id, what })
      if (!sent.ok) return unavailable(c, sent.store, sent.reason)
      c.var.log.info('a replay was asked for', {
        ...{ webhook_id, replay_id, what: what.kind, message_count, by: c.var.caller.id },
      })
      c.header('cache-control', CACHE.never)
      return c.json({ replay_id, message_count }, 202)
    },
  )
  onlyThese(app, '/v1/webhooks/{id}/replay', ['POST'])
}

function refuseSoSoon(c: Context<Edge>, wait_ms: number): Response {
  const wait_s = Math.ceil(wait_ms / 1_000)
  const detail = `a replay of much to this webhook was asked for just now; try again in ${wait_s} s`
  const response = refuse(c, 'rate_limited', detail)
  response.headers.set('retry-after', String(wait_s))
  return response
}

function refuseCount(c: Context<Edge>, what: Replayed, count: number): Response | null {
  if (what.kind === 'message' && count === 0) {
    return refuse(c, 'not_found', `message ${what.message_id} was never meant for this webhook`)
  }
  if (count <= REPLAY_MESSAGES_MAX) return null
  const limit = `at most ${REPLAY_MESSAGES_MAX} messages at once, and there are more`
  return what.kind === 'range'
    ? invalidField(c, 'to', what.to, `${limit}: an earlier moment`)
    : invalidField(c, 'missed', true, `${limit}: ask for from and to instead, in parts`)
}
