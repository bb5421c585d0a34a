/**
 * How long an answer may be kept, in one place; and how the edge itself keeps what anybody may keep:
 * however many read a list, it is made once for each isolate and address in its `max-age`.
 */
import type { MiddlewareHandler } from 'hono'
import { systemClock } from '../shared/clock.ts'
import type { Edge } from './edge.ts'
import { Flights } from './flights.ts'
import { BODY_MAX, type Kept, keep, keptFor } from './kept.ts'

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

const making = new Flights<Kept>()

/** So much longer an answer is given, while the next one is being made: nobody waits for it. */
const LATE_MS = 1_000

/** What can be given to whoever asks this address now. */
export function givenNow(url: string): Kept | undefined {
  return keptFor(url, making.has(url) ? LATE_MS : 0)
}

type Make = (response: Response) => Promise<Pick<Kept, 'headers' | 'body' | 'tag'> & KeepFor>
interface KeepFor {
  /** 0: not at all */
  readonly keep_ms: number
}

/**
 * Gives a read its entity tag, answers 304 where the reader has it already, and lets all who ask the
 * same address share one answer. What the endpoint says depends on nothing but the address.
 */
export const entityTag = (): MiddlewareHandler<Edge> => shared(tagged)

/** Lets all who ask within a second share one answer, good or bad, which nobody else may keep. */
export const onceASecond = (): MiddlewareHandler<Edge> => shared(untagged)

const shared =
  (make: Make): MiddlewareHandler<Edge> =>
  async (c, next) => {
    const cache_ms = c.var.settings.ANSWER_CACHE_MS
    const condition = c.req.header('if-none-match')
    const { url } = c.req
    const held = givenNow(url)
    if (held !== undefined) {
      c.set('kept', held)
      c.res = answer(held, condition)
      return
    }
    const work = async () => {
      c.req.raw = unconditional(c.req.raw)
      await next()
      const { keep_ms, ...made } = await make(c.res)
      const until_ms = systemClock.wall_ms() + Math.min(keep_ms, cache_ms)
      const kept = { ...made, status: c.res.status, until_ms, left: new Map() }
      keep(url, kept)
      return kept
    }
    const keepAlive = (promise: Promise<unknown>) => c.executionCtx.waitUntil(promise)
    const made = await (cache_ms > 0 ? making.join(url, keepAlive, work) : work())
    c.set('kept', made)
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

async function tagged(response: Response) {
  const body = await response.arrayBuffer()
  const control = response.headers.get('cache-control') ?? ''
  const max_age_s = Number(/^public, max-age=(\d+)/.exec(control)?.[1] ?? 0)
  const may_be_kept = response.ok && body.byteLength <= BODY_MAX
  const headers = [...response.headers]
  const tag = response.ok ? await weakTag(body) : null
  if (tag !== null) headers.push(['etag', tag])
  return { headers, body, tag, keep_ms: may_be_kept ? max_age_s * 1_000 : 0 }
}

async function untagged(response: Response) {
  const is_state = response.ok || response.status === 503
  const body = await response.arrayBuffer()
  return { headers: [...response.headers], body, tag: null, keep_ms: is_state ? 1_000 : 0 }
}

/** Weak, because compression on the way changes bytes. */
async function weakTag(body: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', body)).slice(0, 16)
  return `W/"${btoa(String.fromCharCode(...digest))}"`
}

function answer({ status, headers, body, tag }: Kept, condition: string | undefined): Response {
  const all = new Headers(headers.map(([name, value]) => [name, value]))
  if (!isHeld(tag, condition)) return new Response(body, { status, headers: all })
  // https://www.rfc-editor.org/rfc/rfc9110#section-15.4.5
  all.delete('content-type')
  all.delete('content-length')
  return new Response(null, { status: 304, headers: all })
}

/**
 * Whether whoever sent this If-None-Match has the answer already.
 * https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2: weak comparison, a list, or anything.
 */
export function isHeld(tag: string | null, condition: string | null | undefined): boolean {
  if (tag === null || condition === null || condition === undefined) return false
  if (condition.trim() === '*') return true
  const listed: readonly string[] = condition.match(/"[^"]*"/g) ?? []
  return listed.includes(tag.replace(/^W\//, ''))
}
