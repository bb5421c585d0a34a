/**
 * The short road: an answer that is kept, for a caller of whom nothing needs to be asked, leaves
 * before the router and its middlewares, which together cost more than workerd itself. It decides
 * nothing: what it sends was sent by the long road before, header by header, and whatever is not
 * plain goes there.
 */
import type { MiddlewareHandler } from 'hono'
import { admitAtOnce } from './auth.ts'
import { givenNow, isHeld } from './caching.ts'
import type { Bindings, Edge } from './edge.ts'
import { readSettings } from './environment.ts'
import { setRate } from './rate-headers.ts'

/** Null: the long road. */
export function answerAtOnce(request: Request, bindings: Bindings): Response | null {
  if (!isPlain(request)) return null
  const kept = givenNow(request.url)
  if (kept === undefined) return null
  const is_held = isHeld(kept.tag, request.headers.get('if-none-match'))
  const status = is_held ? 304 : kept.status
  const left = kept.left.get(status)
  if (left === undefined) return null
  const { headers, is_metered } = left
  if (is_metered) {
    const read = readSettings(bindings)
    const verdict = read.ok ? admitAtOnce(request.headers, read.settings) : null
    if (verdict === null) return null
    // a response copies them; the policy is that of all callers without credentials
    setRate(headers, verdict)
  }
  return new Response(is_held ? null : kept.body, { status, headers })
}

/** Around everything: learns with which headers an answer leaves. */
export const asItLeft: MiddlewareHandler<Edge> = async (c, next) => {
  await next()
  const { kept } = c.var
  const { status, headers } = c.res
  if (kept === undefined || kept.left.has(status) || !isPlain(c.req.raw)) return
  kept.left.set(status, { headers: new Headers(headers), is_metered: headers.has('ratelimit') })
}

function isPlain({ method, headers }: Request): boolean {
  return method === 'GET' && !headers.has('authorization')
}
