/**
 * How long an answer may be kept, in one place, and the edge's own memory of answers that anybody may
 * keep: however many read a list, it is made once for each isolate and address in its `max-age`. A
 * private answer is no-store and never gets in here.
 */
import type { MiddlewareHandler } from 'hono'
import { systemClock } from '../shared/clock.ts'
import { BoundedMap } from './bounded.ts'
import type { Edge } from './edge.ts'
import { Flights } from './flights.ts'

export const CACHE = {
  /** lists and whatever still changes */
  brief: 'public, max-age=1, stale-while-revalidate=5',
  /** sums, which one more hardly changes */
  summary: 'public, max-age=15, stale-while-revalidate=60',
  /** what has ended and is measured never changes again */
  forever: 'public, max-age=31536000, immutable',
  never: 'no-store',
  stream: 'no-cache, no-transform',
} as const

interface Kept {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: ArrayBuffer
  readonly until_ms: number
}

/** Together at most a few MB: an isolate has 128. */
const ANSWERS_MAX = 64
const BODY_MAX = 512 * 1_024

const kept = new BoundedMap<Kept>(ANSWERS_MAX)
const making = new Flights<Kept>()

/**
 * Gives a read its entity tag, answers 304 where the reader has it already, and lets all who ask the
 * same address share one answer. What the endpoint says depends on nothing but the address.
 */
export const entityTag = (): MiddlewareHandler<Edge> => async (c, next) => {
  const cache_ms = c.var.settings.ANSWER_CACHE_MS
  const condition = c.req.header('if-none-match')
  const make = async () => {
    c.req.raw = unconditional(c.req.raw)
    await next()
    const made = await read(c.res, cache_ms)
    if (made.until_ms > systemClock.wall_ms()) kept.set(c.req.url, made)
    return made
  }
  const held = cache_ms > 0 ? kept.get(c.req.url) : undefined
  if (held !== undefined && systemClock.wall_ms() < held.until_ms) {
    c.res = answer(held, condition)
    return
  }
  const keepAlive = (work: Promise<unknown>) => c.executionCtx.waitUntil(work)
  const made = await (cache_ms > 0 ? making.join(c.req.url, keepAlive, make) : make())
  // what the endpoint wrote is used up; the headers around it are set again by whoever set them
  c.res = undefined
  c.res = answer(made, condition)
}

/** The answer is made for everybody, not for what this reader has. */
function unconditional(request: Request): Request {
  if (!request.headers.has('if-none-match')) return request
  const headers = new Headers(request.headers)
  headers.delete('if-none-match')
  return new Request(request, { headers })
}

async function read(response: Response, cache_ms: number): Promise<Kept> {
  const body = await response.arrayBuffer()
  const control = response.headers.get('cache-control') ?? ''
  const max_age_s = Number(/^public, max-age=(\d+)/.exec(control)?.[1] ?? 0)
  const may_be_kept = response.ok && body.byteLength <= BODY_MAX
  const keep_ms = may_be_kept ? Math.min(max_age_s * 1_000, cache_ms) : 0
  const headers = [...response.headers]
  if (response.ok) headers.push(['etag', await weakTag(body)])
  return { status: response.status, headers, body, until_ms: systemClock.wall_ms() + keep_ms }
}

/** Weak, because compression on the way changes bytes. */
async function weakTag(body: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', body)).slice(0, 16)
  return `W/"${btoa(String.fromCharCode(...digest))}"`
}

function answer({ status, headers, body }: Kept, condition: string | undefined): Response {
  const all = new Headers(headers.map(([name, value]) => [name, value]))
  if (condition === undefined || !matches(condition, all.get('etag'))) {
    return new Response(body, { status, headers: all })
  }
  // https://www.rfc-editor.org/rfc/rfc9110#section-15.4.5
  all.delete('content-type')
  all.delete('content-length')
  return new Response(null, { status: 304, headers: all })
}

/** https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2: weak comparison, a list, or anything. */
function matches(condition: string, tag: string | null): boolean {
  if (tag === null) return false
  if (condition.trim() === '*') return true
  const listed: readonly string[] = condition.match(/"[^"]*"/g) ?? []
  return listed.includes(tag.replace(/^W\//, ''))
}
