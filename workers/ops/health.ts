/** The worker's own view of itself, put together from snapshots that others hand over. */
import { type Clock, timestamp } from '../../shared/clock.ts'
import {
  type ExchangeStatus,
  type Health,
  overallStatus,
  type StoreHealth,
  type Thresholds,
} from '../../shared/health.ts'

export interface HealthSources {
  readonly clock: Clock
  readonly thresholds: Thresholds
  readonly exchanges: () => readonly ExchangeStatus[]
  readonly redis: () => StoreHealth
  readonly postgres: () => StoreHealth
}

/** The function it returns takes Redis's state from the caller when that one knows better. */
export function createHealth({
  clock,
  thresholds,
  exchanges,
  redis,
  postgres,
}: HealthSources): (known_redis?: StoreHealth) => Health {
  return (known_redis) => {
    const statuses = exchanges()
    const stores = { redis: known_redis ?? redis(), postgres: postgres() }
    return {
      status: overallStatus(statuses, stores.redis.ok, stores.postgres.ok),
      timestamp: timestamp(clock.wall_ms()),
      uptime: Math.round(process.uptime()),
      memory: { ...process.memoryUsage() },
      thresholds,
      simulated: statuses.some((status) => status.simulated),
      exchanges: Object.fromEntries(statuses.map((status) => [status.id, brief(status)])),
      ...stores,
    }
  }
}

function brief(status: ExchangeStatus): Health['exchanges'][string] {
  return {
    connected: status.connected,
    state: status.state,
    reason: status.reason,
    books_live: status.books_live,
    books_stale: status.books_stale,
    books_halted: status.books_halted,
    books_total: status.books_total,
    last_message_age_ms: status.last_message_age_ms,
    gaps_total: status.gaps_total,
    reconnects_total: status.reconnects_total,
    checksums_ok: status.checksums_ok,
    checksums_failed: status.checksums_failed,
  }
}
