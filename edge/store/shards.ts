/**
 * What several workers say, as one: when the coins are divided among shards, each leader tells of the
 * markets it watches. Counts add up (a market of a hub is watched by every worker and counts for each),
 * states are the worst of all, because an exchange that one worker lost is lost for its coins.
 */
import type { ExchangeStatus, Health, Heartbeat } from '../../shared/health.ts'

/** From well to worse. */
const STATES = ['online', 'connecting', 'maintenance', 'blocked', 'down'] as const
const STATUSES = ['ok', 'degraded', 'down'] as const

type Brief = Health['exchanges'][string]

export function mergeExchanges(statuses: readonly ExchangeStatus[]): ExchangeStatus[] {
  const by_id = Map.groupBy(statuses, ({ id }) => id)
  return [...by_id.values()].map((same) => same.reduce(mergeStatus))
}

/** Of the shards' leaders; `is_whole` is false when a shard has none. Null without any. */
export function mergeHeartbeats(beats: readonly Heartbeat[], is_whole: boolean): Heartbeat | null {
  if (beats.length === 0) return null
  const merged = beats.reduce(mergeBeat)
  if (is_whole) return merged
  const status = worst(STATUSES, merged.health.status, 'degraded')
  return { ...merged, health: { ...merged.health, status } }
}

function mergeStatus(a: ExchangeStatus, b: ExchangeStatus): ExchangeStatus {
  return {
    ...a,
    ...mergeBrief(a, b),
    connected_since: latest(a.connected_since, b.connected_since),
    messages_per_second: a.messages_per_second + b.messages_per_second,
    messages_total: a.messages_total + b.messages_total,
    resyncs_total: a.resyncs_total + b.resyncs_total,
    refused: [...new Map([...a.refused, ...b.refused].map((one) => [one.market, one])).values()],
    clock_offset_ms: a.clock_offset_ms ?? b.clock_offset_ms,
    ...audits(a, b),
  }
}

function mergeBeat(a: Heartbeat, b: Heartbeat): Heartbeat {
  return {
    ...a,
    // as old as the oldest: who is silent for too long makes the whole incomplete
    sent_at: inOrder(a.sent_at, b.sent_at)[0],
    health: {
      ...a.health,
      status: worst(STATUSES, a.health.status, b.health.status),
      uptime: Math.min(a.health.uptime, b.health.uptime),
      simulated: a.health.simulated || b.health.simulated,
      exchanges: mergeTables(a.health.exchanges, b.health.exchanges),
      postgres: a.health.postgres.ok ? b.health.postgres : a.health.postgres,
    },
  }
}

function mergeTables(a: Health['exchanges'], b: Health['exchanges']): Health['exchanges'] {
  const merged = { ...a }
  for (const [id, one] of Object.entries(b)) {
    const known = a[id]
    merged[id] = known === undefined ? one : mergeBrief(known, one)
  }
  return merged
}

function mergeBrief(a: Brief, b: Brief): Brief {
  return {
    connected: a.connected && b.connected,
    state: worst(STATES, a.state, b.state),
    reason: a.reason ?? b.reason,
    books_live: a.books_live + b.books_live,
    books_stale: a.books_stale + b.books_stale,
    books_halted: a.books_halted + b.books_halted,
    books_total: a.books_total + b.books_total,
    last_message_age_ms: oldest(a.last_message_age_ms, b.last_message_age_ms),
    gaps_total: a.gaps_total + b.gaps_total,
    reconnects_total: a.reconnects_total + b.reconnects_total,
    checksums_ok: a.checksums_ok + b.checksums_ok,
    checksums_failed: a.checksums_failed + b.checksums_failed,
  }
}

function audits(a: ExchangeStatus, b: ExchangeStatus): Partial<ExchangeStatus> {
  if (a.audits_ok === undefined && b.audits_ok === undefined) return {}
  return {
    audits_ok: (a.audits_ok ?? 0) + (b.audits_ok ?? 0),
    audits_failed: (a.audits_failed ?? 0) + (b.audits_failed ?? 0),
  }
}

function worst<T>(order: readonly T[], a: T, b: T): T {
  return order.indexOf(a) > order.indexOf(b) ? a : b
}

function oldest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b)
}

/** Connected as a whole since the last of them was. */
function latest(a: string | null, b: string | null): string | null {
  return a === null || b === null ? null : inOrder(a, b)[1]
}

/** Two timestamps, the earlier first. */
function inOrder(a: string, b: string): readonly [string, string] {
  return Date.parse(a) <= Date.parse(b) ? [a, b] : [b, a]
}
