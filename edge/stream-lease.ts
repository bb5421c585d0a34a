/**
 * How many streams one caller may have open. Each isolate leases its share of them in Redis: how many
 * streams it holds, and until when. A lease ends by itself, so after a crash nothing needs cleaning up,
 * and one command renews all leases of an isolate, so a thousand readers cost no more than one. What
 * one isolate does not know of another is a second old. Without Redis every isolate counts alone.
 */
import type { Context } from 'hono'
import { z } from 'zod'
import { systemClock } from '../shared/clock.ts'
import { KEYS } from '../shared/keys.ts'
import { ANY, LEASE_MS, RENEW_EVERY_MS, TELL } from '../shared/stream-lease.ts'
import type { Edge } from './edge.ts'
import { Flights } from './flights.ts'
import { refuse } from './problems.ts'
import { ask } from './store/answer.ts'
import { redisOver } from './store/clients.ts'

const TELL_AFTER_MS = 1_000
const TIMEOUT_MS = 1_000
const CALLERS_MAX = 10_000

/** What this isolate holds for one caller. */
interface Share {
  /** each stream, and when it last said that it lives: one that was cut off cannot say that it ends */
  readonly streams: Map<object, number>
  /** held by other isolates, as of `told_ms` */
  others: number
  told: number
  told_ms: number
}

type Opened =
  | {
      readonly ok: true
      /** the same stream; the lease is held until it ends */
      hold(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array>
      /** the stream was not opened after all */
      release(): void
    }
  | { readonly ok: false; readonly response: Response }

const shares = new Map<string, Share>()
/** whoever comes while the others are being asked about waits for what they say */
const asking = new Flights<void>()
let isolate: string | null = null
let renewed_ms = 0

/** One more stream for the caller of this request, or 429. */
export async function streamLease(c: Context<Edge>): Promise<Opened> {
  const { caller } = c.var
  const stream = {}
  const share = shareOf(caller.id)
  share.streams.set(stream, systemClock.wall_ms())
  const is_old = systemClock.wall_ms() - share.told_ms >= TELL_AFTER_MS
  if (is_old || asking.has(caller.id)) {
    const keepAlive = (work: Promise<unknown>) => c.executionCtx.waitUntil(work)
    await asking.join(caller.id, keepAlive, () => tell(c, [caller.id], caller.streams))
  }
  if (share.others + share.streams.size > caller.streams) {
    share.streams.delete(stream)
    return { ok: false, response: refuseStream(c, caller.streams) }
  }
  const release = () => {
    if (!share.streams.delete(stream) || share.streams.size > 0) return
    shares.delete(caller.id)
    c.executionCtx.waitUntil(tell(c, [caller.id]))
  }
  return { ok: true, release, hold: (body) => hold(c, share, stream, body, release) }
}

function hold(
  c: Context<Edge>,
  share: Share,
  stream: object,
  body: ReadableStream<Uint8Array>,
  release: () => void,
): ReadableStream<Uint8Array> {
  const first = setTimeout(() => {
    if (share.told !== share.streams.size) c.executionCtx.waitUntil(tell(c, [c.var.caller.id]))
  }, TELL_AFTER_MS)
  const timer = setInterval(() => {
    share.streams.set(stream, systemClock.wall_ms())
    const callers = due()
    if (callers.length > 0) c.executionCtx.waitUntil(tell(c, callers))
  }, RENEW_EVERY_MS)
  const end = () => {
    clearTimeout(first)
    clearInterval(timer)
    release()
  }
  c.req.raw.signal.addEventListener('abort', end)
  const { readable, writable } = new IdentityTransformStream()
  c.executionCtx.waitUntil(body.pipeTo(writable).then(end, end))
  return readable
}

/** Tells Redis what is held for these callers, and learns what others hold. */
async function tell(c: Context<Edge>, callers: readonly string[], most = ANY): Promise<void> {
  const now_ms = systemClock.wall_ms()
  isolate ??= crypto.randomUUID()
  const told = callers.map((id) => shares.get(id) ?? empty())
  for (const share of told) {
    share.told = share.streams.size
    share.told_ms = now_ms
  }
  const keys = callers.map((id) => KEYS.streams + id)
  const counts = told.map((share) => share.told)
  const fixed = [now_ms, now_ms + LEASE_MS, LEASE_MS, isolate, most]
  const answer = await ask('redis', c.var.log, async () => {
    const redis = redisOver(c.var.settings, TIMEOUT_MS)
    return z.array(z.number()).parse(await redis.eval(TELL, keys, [...fixed, ...counts]))
  })
  for (const [i, share] of told.entries()) share.others = answer.ok ? (answer.value[i] ?? 0) : 0
}

/** Every caller of this isolate, once in a while; streams that do not say that they live are forgotten. */
function due(): string[] {
  const now_ms = systemClock.wall_ms()
  if (now_ms - renewed_ms < RENEW_EVERY_MS / 2) return []
  renewed_ms = now_ms
  forgetDead(now_ms)
  return [...shares.keys()]
}

function forgetDead(now_ms: number): void {
  for (const [id, { streams }] of shares) {
    for (const [stream, seen_ms] of streams) if (now_ms - seen_ms > LEASE_MS) streams.delete(stream)
    if (streams.size === 0) shares.delete(id)
  }
}

function shareOf(id: string): Share {
  // refused callers hold nothing, and are remembered so that asking again costs nothing
  if (shares.size >= CALLERS_MAX) forgetDead(systemClock.wall_ms())
  const share = shares.get(id) ?? empty()
  shares.set(id, share)
  return share
}

function empty(): Share {
  return { streams: new Map(), others: 0, told: 0, told_ms: 0 }
}

function refuseStream(c: Context<Edge>, streams: number): Response {
  const retry_s = LEASE_MS / 1_000
  const detail = `streams: at most ${streams} at once; close one, or try again in ${retry_s} s`
  const response = refuse(c, 'rate_limited', detail)
  response.headers.set('retry-after', String(retry_s))
  return response
}
