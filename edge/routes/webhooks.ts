/**
 * Subscriptions, for keys with the scope webhooks: each its own, and the operator all of them. A
 * secret is shown when it is made and never again; addresses are judged here and again at every dial.
 */
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import {
  MadeWebhook,
  NewWebhook,
  newWebhookId,
  newWebhookSecret,
  WEBHOOK_ID,
  WEBHOOKS_MAX,
  Webhook,
  WebhookChange,
  type WebhookFormat,
} from '../../shared/webhook.ts'
import { webhookUrlProblem } from '../../shared/webhook-url.ts'
import { CACHE } from '../caching.ts'
import { webhookCursor } from '../cursor.ts'
import type { Edge } from '../edge.ts'
import { IdempotencyHeader, idempotent } from '../idempotency.ts'
import { NoQuery, WebhooksQuery } from '../parameters.ts'
import { invalidField, invalidParameter, refuse, unavailable } from '../problems.ts'
import { type App, endpoint, json, onlyThese, problems } from '../serve.ts'
import { webhookStore } from '../store/webhooks.ts'

export const WEBHOOK = {
  params: z.object({ id: z.string().describe('id of a webhook') }),
  security: [{ key: ['webhooks'] }],
  tags: ['webhooks'],
}
const { params, security, tags } = WEBHOOK

const WebhookPage = z.object({
  data: z.array(Webhook.openapi('Webhook')),
  next_cursor: z
    .string()
    .nullable()
    .describe('give it as cursor for the next page; null at the end'),
})

export const webhooksOf = (c: Context<Edge>) =>
  webhookStore(c.var.settings, c.var.log, c.var.caller)

export function noWebhook(c: Context<Edge>, id: string): Response {
  return refuse(c, 'not_found', `there is no webhook ${id.slice(0, 64)}`)
}

/** The webhook if it is the caller's, or the refusal. */
export async function ownWebhook(c: Context<Edge>, id: string): Promise<Webhook | Response> {
  if (!WEBHOOK_ID.test(id)) return noWebhook(c, id)
  const found = await webhooksOf(c).read(id)
  if (!found.ok) return unavailable(c, found.store, found.reason)
  return found.value ?? noWebhook(c, id)
}

/** Neither addresses nor secrets: the host alone says where it goes. */
export function note(c: Context<Edge>, what: string, { id, url }: Pick<Webhook, 'id' | 'url'>) {
  const url_host = new URL(url).host
  c.var.log.info(`a webhook was ${what}`, { webhook_id: id, url_host, by: c.var.caller.id })
}

function refuseUrl(c: Context<Edge>, url: string, format: WebhookFormat): Response | null {
  const { WEBHOOKS_ALLOW_LOCAL: allow_local } = c.var.settings
  const expected = webhookUrlProblem(url, format, { allow_local })
  return expected === null ? null : invalidField(c, 'url', url, expected)
}

export function webhooks(app: App): void {
  endpoint(
    app,
    'post',
    '/v1/webhooks',
    {
      summary: 'Subscribe',
      description:
        `A key may have ${WEBHOOKS_MAX}. Deliveries begin within a second. The secret, with which ` +
        'they are signed, is shown this once.',
      tags,
      security,
      middleware: idempotent,
      request: {
        query: NoQuery,
        headers: IdempotencyHeader,
        body: { required: true, content: { 'application/json': { schema: NewWebhook } } },
      },
      responses: {
        201: json(
          'the webhook and its secret, shown this once',
          MadeWebhook.openapi('MadeWebhook'),
        ),
        ...problems('invalid_request', 'conflict', 'idempotency_mismatch', 'unavailable'),
      },
    },
    async (c) => {
      const asked = c.req.valid('json')
      const refusal = refuseUrl(c, asked.url, asked.format)
      if (refusal !== null) return refusal
      const secret = newWebhookSecret()
      const url = new URL(asked.url).href
      const made = await webhooksOf(c).create({ ...asked, url }, newWebhookId(), secret)
      if (!made.ok) return unavailable(c, made.store, made.reason)
      if (made.value === null) {
        const detail = `there are ${WEBHOOKS_MAX} webhooks already, the most of one key`
        return refuse(c, 'conflict', `${detail}; delete one, or take another key`)
      }
      note(c, 'made', made.value)
      c.header('cache-control', CACHE.never)
      c.header('location', `/v1/webhooks/${made.value.id}`)
      return c.json({ ...made.value, secret }, 201)
    },
  )

  endpoint(
    app,
    'get',
    '/v1/webhooks',
    {
      summary: 'Your webhooks',
      description: 'Those of the key that asks; the operator sees those of everybody.',
      tags,
      security,
      request: { query: WebhooksQuery },
      responses: {
        200: json('newest first', WebhookPage),
        ...problems('invalid_request', 'unavailable'),
      },
    },
    async (c) => {
      const { cursor, limit } = c.req.valid('query')
      const after = cursor === undefined ? null : webhookCursor.decode(cursor)
      if (cursor !== undefined && after === null) {
        return invalidParameter(c, 'cursor', 'a next_cursor as it was given')
      }
      const page = await webhooksOf(c).page(after, limit)
      if (!page.ok) return unavailable(c, page.store, page.reason)
      const { webhooks, next } = page.value
      c.header('cache-control', CACHE.never)
      const next_cursor = next === null ? null : webhookCursor.encode(next)
      return c.json({ data: webhooks, next_cursor }, 200)
    },
  )
  onlyThese(app, '/v1/webhooks', ['GET', 'POST'])
  one(app)
}

function one(app: App): void {
  endpoint(
    app,
    'get',
    '/v1/webhooks/{id}',
    {
      summary: 'One webhook',
      tags,
      security,
      request: { params, query: NoQuery },
      responses: {
        200: json('the webhook, without its secret', Webhook.openapi('Webhook')),
        ...problems('invalid_request', 'not_found', 'unavailable'),
      },
    },
    async (c) => {
      const webhook = await ownWebhook(c, c.req.valid('param').id)
      if (webhook instanceof Response) return webhook
      c.header('cache-control', CACHE.never)
      return c.json(webhook, 200)
    },
  )

  endpoint(
    app,
    'patch',
    '/v1/webhooks/{id}',
    {
      summary: 'Change a webhook',
      description:
        'Only what is given changes, `filters` as a whole; it holds within a second. `enabled: ' +
        'true` forgets why it was off and since when it fails, and so does another url.',
      tags,
      security,
      request: {
        params,
        query: NoQuery,
        body: { required: true, content: { 'application/json': { schema: WebhookChange } } },
      },
      responses: {
        200: json('the webhook as it is now', Webhook.openapi('Webhook')),
        ...problems('invalid_request', 'not_found', 'conflict', 'unavailable'),
      },
    },
    async (c) => {
      const asked = c.req.valid('json')
      const webhook = await ownWebhook(c, c.req.valid('param').id)
      if (webhook instanceof Response) return webhook
      const { url = webhook.url, format = webhook.format } = asked
      const is_moved = asked.url !== undefined || asked.format !== undefined
      const refusal = is_moved ? refuseUrl(c, url, format) : null
      if (refusal !== null) return refusal
      const change = asked.url === undefined ? asked : { ...asked, url: new URL(url).href }
      const changed = await webhooksOf(c).change(webhook.id, change, webhook)
      if (!changed.ok) return unavailable(c, changed.store, changed.reason)
      if (changed.value === null) {
        return refuse(c, 'conflict', 'it was changed at the same moment; read it and try again')
      }
      note(c, 'changed', changed.value)
      c.header('cache-control', CACHE.never)
      return c.json(changed.value, 200)
    },
  )

  endpoint(
    app,
    'delete',
    '/v1/webhooks/{id}',
    {
      summary: 'Delete a webhook',
      description:
        'With all that is known of its deliveries. To keep that, change `enabled` to false.',
      tags,
      security,
      request: { params, query: NoQuery },
      responses: {
        204: { description: 'it is gone' },
        ...problems('invalid_request', 'not_found', 'unavailable'),
      },
    },
    async (c) => {
      const webhook = await ownWebhook(c, c.req.valid('param').id)
      if (webhook instanceof Response) return webhook
      const removed = await webhooksOf(c).remove(webhook.id)
      if (!removed.ok) return unavailable(c, removed.store, removed.reason)
      if (!removed.value) return noWebhook(c, webhook.id)
      note(c, 'deleted', webhook)
      return c.body(null, 204)
    },
  )
  onlyThese(app, '/v1/webhooks/{id}', ['GET', 'PATCH', 'DELETE'])
}
