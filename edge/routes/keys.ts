/** API keys, for the operator and for keys with the scope admin. A key is shown once, when it is made. */
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { API_KEY_ID, ApiKey, mintKey, NewApiKey } from '../../shared/api-key.ts'
import { CACHE } from '../caching.ts'
import type { Edge } from '../edge.ts'
import { IdempotencyHeader, idempotent } from '../idempotency.ts'
import { NoQuery } from '../parameters.ts'
import { refuse, unavailable } from '../problems.ts'
import { type App, endpoint, json, madeAt, onlyThese, problems } from '../serve.ts'
import { apiKeyStore } from '../store/keys.ts'

const KeyList = z.object({ data: z.array(ApiKey.openapi('ApiKey')) })
const MadeKey = ApiKey.extend({ key: z.string().describe('the key, shown this once') })
const params = z.object({ id: z.string().describe('id of a key') })
const security = [{ key: ['admin'] }]
const tags = ['keys']

export function keys(app: App): void {
  const store = (c: Context<Edge>) => apiKeyStore(c.var.settings, c.var.log)
  const missing = (c: Context<Edge>, id: string) =>
    refuse(c, 'not_found', `there is no key ${id.slice(0, 64)}`)

  endpoint(
    app,
    'post',
    '/v1/keys',
    {
      summary: 'Make a key',
      tags,
      security,
      middleware: idempotent,
      request: {
        query: NoQuery,
        headers: IdempotencyHeader,
        body: { required: true, content: { 'application/json': { schema: NewApiKey } } },
      },
      responses: {
        201: {
          ...json('the key, shown this once', MadeKey.openapi('MadeApiKey')),
          headers: madeAt,
        },
        ...problems('invalid_request', 'conflict', 'idempotency_mismatch', 'unavailable'),
      },
    },
    async (c) => {
      const minted = await mintKey()
      const made = await store(c).create(c.req.valid('json'), minted)
      if (!made.ok) return unavailable(c, made.store, made.reason)
      c.var.log.info('an API key was made', { key_id: made.value.id, by: c.var.caller.id })
      c.header('cache-control', CACHE.never)
      c.header('location', `/v1/keys/${made.value.id}`)
      return c.json({ ...made.value, key: minted.key }, 201)
    },
  )

  endpoint(
    app,
    'get',
    '/v1/keys',
    {
      summary: 'Every key, the revoked ones too',
      tags,
      security,
      request: { query: NoQuery },
      responses: {
        200: json('newest first', KeyList),
        ...problems('invalid_request', 'unavailable'),
      },
    },
    async (c) => {
      const all = await store(c).list()
      if (!all.ok) return unavailable(c, all.store, all.reason)
      c.header('cache-control', CACHE.never)
      return c.json({ data: all.value }, 200)
    },
  )
  onlyThese(app, '/v1/keys', ['GET', 'POST'])

  endpoint(
    app,
    'get',
    '/v1/keys/{id}',
    {
      summary: 'One key',
      tags,
      security,
      request: { params, query: NoQuery },
      responses: {
        200: json('the key, without itself', ApiKey.openapi('ApiKey')),
        ...problems('invalid_request', 'not_found', 'unavailable'),
      },
    },
    async (c) => {
      const { id } = c.req.valid('param')
      if (!API_KEY_ID.test(id)) return missing(c, id)
      const found = await store(c).read(id)
      if (!found.ok) return unavailable(c, found.store, found.reason)
      if (found.value === null) return missing(c, id)
      c.header('cache-control', CACHE.never)
      return c.json(found.value, 200)
    },
  )

  endpoint(
    app,
    'delete',
    '/v1/keys/{id}',
    {
      summary: 'Revoke a key',
      description:
        'It stops within 5 s everywhere, and stays in the list. Once more changes nothing.',
      tags,
      security,
      request: { params, query: NoQuery },
      responses: {
        200: json('the key as it was revoked', ApiKey.openapi('ApiKey')),
        ...problems('invalid_request', 'not_found', 'unavailable'),
      },
    },
    async (c) => {
      const { id } = c.req.valid('param')
      if (!API_KEY_ID.test(id)) return missing(c, id)
      const revoked = await store(c).revoke(id)
      if (!revoked.ok) return unavailable(c, revoked.store, revoked.reason)
      if (revoked.value === null) return missing(c, id)
      c.var.log.info('an API key was revoked', { key_id: id, by: c.var.caller.id })
      c.header('cache-control', CACHE.never)
      return c.json(revoked.value, 200)
    },
  )
  onlyThese(app, '/v1/keys/{id}', ['GET', 'DELETE'])
}
