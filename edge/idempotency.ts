/**
 * Idempotency-Key on POST: the same request sent twice is done once, and answered twice. A key is the
 * caller's own and is kept for 12 hours; one whose request was refused is free again. Without Redis
 * such a request is refused, because the promise could not be kept; without the header nothing is
 * promised.
 * https://www.ietf.org/archive/id/draft-ietf-httpapi-idempotency-key-header-07.html
 */
import { z } from '@hono/zod-openapi'
import type { Context, MiddlewareHandler } from 'hono'
import { hashKey } from '../shared/api-key.ts'
import type { Edge } from './edge.ts'
import { invalidField, refuse, unavailable } from './problems.ts'
import { idempotencyStore, LOCK_MS, seal, unseal } from './store/idempotency.ts'

const HEADER = 'idempotency-key'
const KEY = /^[\x21-\x7e]{1,255}$/
const EXPECTED = '1 to 255 printable ASCII characters without blanks, such as a UUID'

export const IdempotencyHeader = z.object({
  [HEADER]: z
    .string()
    .optional()
    .describe('the same request with the same key is done once; kept for 12 hours'),
})

const Kept = z.object({
  status: z.int(),
  headers: z.array(z.tuple([z.string(), z.string()])),
  body: z.string(),
})
const KEPT_HEADERS = ['content-type', 'cache-control', 'location']

/** For routes whose POST must not be done twice. */
export const idempotent: MiddlewareHandler<Edge> = async (c, next) => {
  const key = c.req.header(HEADER)
  if (key === undefined) return next()
  if (!KEY.test(key)) return invalidField(c, HEADER, key, EXPECTED)
  // the credential, however the scheme before it is spelled
  const credential =
    c.req
      .header('authorization')
      ?.trim()
      .replace(/^\S+ +/, '') ?? ''
  const secret = `${credential}\n${key}`
  const name = `${c.var.caller.id}:${await hashKey(key)}`
  const request = await hashKey(`${c.req.method} ${c.req.url}\n${await c.req.text()}`)
  const store = idempotencyStore(c.var.settings, c.var.log)
  const begun = await store.begin(name, request)
  if (!begun.ok) return unavailable(c, begun.store, begun.reason)
  if (begun.value !== null) {
    if (begun.value.request !== request) return refuseOther(c, 'body or address')
    if (begun.value.sealed === null) return refuseForNow(c)
    const kept = await unseal(secret, begun.value.sealed).catch(() => null)
    return kept === null ? refuseOther(c, 'credential') : replay(c, kept)
  }
  const work = async () => {
    await next()
    // a refusal did nothing: the request may be mended, or asked again, under the same key
    if (c.res.status >= 400) return store.forget(name)
    const sealed = await seal(secret, await textOf(c.res))
    return store.keep(name, { request, sealed })
  }
  const done = work()
  // whoever hears nothing goes away and asks again: what was done must be known by then
  c.executionCtx.waitUntil(done)
  await done
}

async function textOf(response: Response): Promise<string> {
  const { status } = response
  const headers = [...response.headers].filter(([header]) => KEPT_HEADERS.includes(header))
  const body = await response.clone().text()
  return JSON.stringify({ status, headers, body } satisfies z.infer<typeof Kept>)
}

function replay(c: Context<Edge>, text: string): Response {
  const { status, headers, body } = Kept.parse(JSON.parse(text))
  c.var.log.debug('an answer was given again', { path: c.req.path })
  return new Response(body, { status, headers: [...headers, ['idempotent-replayed', 'true']] })
}

function refuseOther(c: Context<Edge>, what: string): Response {
  const detail = `this Idempotency-Key was used with another ${what}; take a new one`
  return refuse(c, 'idempotency_mismatch', detail)
}

function refuseForNow(c: Context<Edge>): Response {
  const detail = 'a request with this Idempotency-Key is being worked on; ask again in a moment'
  const response = refuse(c, 'conflict', detail)
  response.headers.set('retry-after', String(Math.ceil(LOCK_MS / 1_000)))
  return response
}
