/**
 * Whether the system as a whole works, as seen from outside: both stores are asked for real, the
 * worker by its heartbeat. Whatever can still be read is shown; it never answers with an exception.
 */
import { z } from '@hono/zod-openapi'
import { type Clock, systemClock, timestamp } from '../../shared/clock.ts'
import {
  EdgeHealth,
  type ExchangeStatus,
  HEARTBEAT_DEAD_AFTER_MS,
  type HealthStatus,
  type Heartbeat,
  type StoreHealth,
} from '../../shared/health.ts'
import { CACHE, onceASecond } from '../caching.ts'
import type { Edge } from '../edge.ts'
import { NoQuery } from '../parameters.ts'
import { type App, get, json, problems } from '../serve.ts'
import type { Answer } from '../store/answer.ts'

export function health(app: App): void {
  const path = (name: string, summary: string, schema: z.ZodType) => ({
    summary,
    tags: ['health'],
    middleware: onceASecond(),
    request: { query: NoQuery },
    responses: {
      200: json(`${name}`, schema),
      503: json(`not ${name}`, schema),
      ...problems('invalid_request'),
    },
  })

  get(
    app,
    '/health',
    path('serving', 'The whole system', EdgeHealth.openapi('Health')),
    async (c) => {
      const state = await examine(c.var, systemClock)
      c.header('cache-control', CACHE.never)
      return c.json(state, state.status === 'down' ? 503 : 200)
    },
  )

  const Readiness = z.object({ ready: z.boolean(), reason: z.string().nullable() })
  get(app, '/ready', path('ready', 'Whether live data can be served', Readiness), async (c) => {
    const reason = unreadiness(await examine(c.var, systemClock))
    c.header('cache-control', CACHE.never)
    return c.json({ ready: reason === null, reason }, reason === null ? 200 : 503)
  })
}

type Stores = Pick<Edge['Variables'], 'live' | 'history'>

async function examine({ live, history }: Stores, clock: Clock): Promise<EdgeHealth> {
  const [[heartbeat, redis], [, postgres], statuses] = await Promise.all([
    measured(clock, live.heartbeat()),
    measured(clock, history.ping()),
    live.exchanges(),
  ])
  const beat = heartbeat.ok ? heartbeat.value : null
  const now_ms = clock.wall_ms()
  const age_ms = beat === null ? null : Math.max(0, now_ms - Date.parse(beat.sent_at))
  const alive = age_ms !== null && age_ms <= HEARTBEAT_DEAD_AFTER_MS
  const known = statuses.ok ? statuses.value : []
  return {
    status: overall(alive ? beat : null, redis.ok && statuses.ok, postgres.ok),
    timestamp: timestamp(now_ms),
    uptime: beat?.health.uptime ?? 0,
    memory: beat?.health.memory ?? {},
    simulated: beat?.health.simulated ?? known.some((exchange) => exchange.simulated),
    ...(beat?.health.thresholds === undefined ? {} : { thresholds: beat.health.thresholds }),
    exchanges: alive && beat !== null ? beat.health.exchanges : lastKnown(known, beat),
    redis,
    postgres,
    worker: { alive, heartbeat_age_ms: age_ms, worker_id: beat?.worker_id ?? null },
  }
}

/** The worst of what the worker says and what the edge itself sees. */
function overall(beat: Heartbeat | null, redis_ok: boolean, postgres_ok: boolean): HealthStatus {
  if (beat === null || !redis_ok || beat.health.status === 'down') return 'down'
  return postgres_ok ? beat.health.status : 'degraded'
}

/** Without a living worker no socket is open and no book is live, whatever was written last. */
function lastKnown(
  statuses: readonly ExchangeStatus[],
  beat: Heartbeat | null,
): EdgeHealth['exchanges'] {
  const known: EdgeHealth['exchanges'] = { ...beat?.health.exchanges }
  for (const status of statuses) known[status.id] = status
  return Object.fromEntries(
    Object.entries(known).map(([id, exchange]) => [
      id,
      {
        connected: false,
        state: 'down' as const,
        reason: 'no worker is alive',
        books_live: 0,
        books_stale: exchange.books_live + exchange.books_stale,
        books_halted: exchange.books_halted,
        books_total: exchange.books_total,
        last_message_age_ms: exchange.last_message_age_ms,
        gaps_total: exchange.gaps_total,
        reconnects_total: exchange.reconnects_total,
        checksums_ok: exchange.checksums_ok,
        checksums_failed: exchange.checksums_failed,
      },
    ]),
  )
}

function unreadiness(state: EdgeHealth): string | null {
  if (!state.redis.ok) return 'redis is not reachable'
  if (!state.worker.alive) return 'no worker is alive'
  const live = Object.values(state.exchanges).some((one) => one.connected && one.books_live > 0)
  return live ? null : 'no exchange is live'
}

async function measured<T>(
  clock: Clock,
  answering: Promise<Answer<T>>,
): Promise<[Answer<T>, StoreHealth]> {
  const asked_ms = clock.monotonic_ms()
  const answer = await answering
  const latency_ms = Math.round(clock.monotonic_ms() - asked_ms)
  return answer.ok
    ? [answer, { ok: true, latency_ms, error: null }]
    : [answer, { ok: false, latency_ms: null, error: answer.reason }]
}
