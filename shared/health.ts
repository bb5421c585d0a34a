/** What an exchange, the worker and the whole system say about themselves. */
import { z } from 'zod'
import { DecimalString } from './decimal.ts'
import { Timestamp } from './opportunity.ts'

export const HealthStatus = z.enum(['ok', 'degraded', 'down'])
export type HealthStatus = z.infer<typeof HealthStatus>

/** One exchange as the worker sees it. Lives in the hash `arb:exchanges`, refreshed every second. */
export const ExchangeStatus = z.object({
  id: z.string(),
  name: z.string(),
  /** at least one socket is open and speaking */
  connected: z.boolean(),
  /** `blocked`: the exchange refuses our address (HTTP 451 or 403) */
  state: z.enum(['connecting', 'online', 'maintenance', 'blocked', 'down']),
  /** what is wrong, in words for the operator; null when nothing is */
  reason: z.string().nullable(),
  simulated: z.boolean(),
  connected_since: Timestamp.nullable(),
  books_live: z.int(),
  books_stale: z.int(),
  books_halted: z.int(),
  books_total: z.int(),
  /** since the last frame of any socket; null before the first */
  last_message_age_ms: z.int().nullable(),
  messages_per_second: z.number(),
  messages_total: z.int(),
  gaps_total: z.int(),
  resyncs_total: z.int(),
  reconnects_total: z.int(),
  checksums_ok: z.int(),
  checksums_failed: z.int(),
  /** markets the exchange refused to serve, with its words */
  refused: z.array(z.object({ market: z.string(), reason: z.string() })),
  taker_fee_percent: DecimalString,
  fee_source: z.string(),
  fee_as_of: z.string(),
  /** the exchange's clock minus ours; null while nothing is known */
  clock_offset_ms: z.number().nullable(),
  /** books compared with the exchange's by REST, where no checksum proves them */
  audits_ok: z.int().optional(),
  audits_failed: z.int().optional(),
})
export type ExchangeStatus = z.infer<typeof ExchangeStatus>

const ExchangeHealth = ExchangeStatus.pick({
  connected: true,
  state: true,
  reason: true,
  books_live: true,
  books_stale: true,
  books_halted: true,
  books_total: true,
  last_message_age_ms: true,
  gaps_total: true,
  reconnects_total: true,
  checksums_ok: true,
  checksums_failed: true,
})

/** Reachability of a store, measured by a real round trip. */
export const StoreHealth = z.object({
  ok: z.boolean(),
  latency_ms: z.number().nullable(),
  error: z.string().nullable(),
})
export type StoreHealth = z.infer<typeof StoreHealth>

/** What the worker demands before it announces an opportunity, so that an empty list explains itself. */
export const Thresholds = z.object({
  /** net of fees */
  min_profit_percent: DecimalString,
  min_volume_usd: DecimalString,
})
export type Thresholds = z.infer<typeof Thresholds>

export const Health = z.object({
  status: HealthStatus,
  timestamp: Timestamp,
  /** seconds */
  uptime: z.number(),
  memory: z.record(z.string(), z.number()),
  simulated: z.boolean(),
  exchanges: z.record(z.string(), ExchangeHealth),
  thresholds: Thresholds.optional(),
  redis: StoreHealth,
  postgres: StoreHealth,
})
export type Health = z.infer<typeof Health>

/** The worker's heartbeat, value of `arb:worker:<id>`: its own health and how it leads. */
export const Heartbeat = z.object({
  worker_id: z.string(),
  version: z.string(),
  started_at: Timestamp,
  sent_at: Timestamp,
  /** of at least one shard */
  leader: z.boolean(),
  /** the fencing token of the first shard that it leads */
  fence: z.int().nullable(),
  /** which shards it leads; absent from a worker that knows of none but the one */
  shards: z.array(z.int().min(0)).optional(),
  health: Health,
})
export type Heartbeat = z.infer<typeof Heartbeat>

/** The edge's answer: the worker's view plus whether the worker lives at all. */
export const EdgeHealth = Health.extend({
  worker: z.object({
    alive: z.boolean(),
    heartbeat_age_ms: z.number().nullable(),
    worker_id: z.string().nullable(),
  }),
})
export type EdgeHealth = z.infer<typeof EdgeHealth>

/** A heartbeat older than this means that the worker is dead. */
export const HEARTBEAT_DEAD_AFTER_MS = 15_000
/** How often the worker sends one, and how long Redis keeps it: gone before it counts as dead. */
export const HEARTBEAT_EVERY_MS = 2_000
export const HEARTBEAT_TTL_MS = 12_000

/** Down: nothing useful is delivered. Degraded: something is missing and the rest goes on. */
export function overallStatus(
  exchanges: readonly Pick<ExchangeStatus, 'connected' | 'books_live' | 'books_total'>[],
  redis_ok: boolean,
  postgres_ok: boolean,
): HealthStatus {
  if (!redis_ok) return 'down'
  if (!exchanges.some((exchange) => exchange.connected && exchange.books_live > 0)) return 'down'
  const whole = exchanges.every((e) => e.connected && e.books_live === e.books_total)
  return whole && postgres_ok ? 'ok' : 'degraded'
}
