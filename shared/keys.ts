/**
 * Every Redis name the project uses, with its type, life and owner. No other file spells a key.
 * The owner writes; everybody else only reads.
 */

const PREFIX = 'arb:'

export const KEYS = {
  /** stream, trimmed to about EVENTS_MAX entries, but not what a consumer group has not finished, as
   * long as there are fewer than EVENTS_LIMIT · owner: the leading worker */
  events: `${PREFIX}events`,
  /** hash, opportunity id → Opportunity as JSON · owner: the leading worker */
  live: `${PREFIX}live`,
  /** pub/sub channel, every event as JSON with its id · owner: the leading worker */
  channel: `${PREFIX}channel`,
  /** hash, exchange id → ExchangeStatus as JSON, every second, a key a leader · owner: the leading worker */
  exchanges: `${PREFIX}exchanges`,
  /** capped stream, field `data` → NearMiss as JSON · owner: the leading worker */
  near_misses: `${PREFIX}near-misses`,
  /** hash with TTL, `exchange|symbol` → TopOfBook as JSON, every second, a key a shard · owner: its leader */
  top: `${PREFIX}top`,
  /** hash with TTL, `exchange|symbol` → WatchedMarket as JSON, when it changes, a key a shard · owner:
   * its leader */
  markets: `${PREFIX}markets`,
  /** hash with TTL, `exchange|symbol` → wall time at which the market last agreed with the others, ms: it
   * has proven its coin; a key a shard · owner: its leader */
  proofs: `${PREFIX}proofs`,
  /** string with TTL: worker id of the leader, a key a shard · owner: lease.ts */
  lease: `${PREFIX}lease`,
  /** integer that grows with every term and never comes back: the fencing token, a key a shard ·
   * owner: lease.ts */
  fence: `${PREFIX}fence`,
  /** string "token sequence": the newest outbox entry applied, so that a retry applies nothing
   * twice, a key a shard · owner: the shard's leader */
  published: `${PREFIX}published`,
  /** string with TTL, into how many shards those who lead divide the work; absent: one · owner: lease.ts */
  shards: `${PREFIX}shards`,
  /** hash with TTL, worker id → "last seen, in ms of Redis's clock" and readiness in percent ·
   * owner: lease.ts */
  members: `${PREFIX}members`,
  /** string, what the operator was told of the worker last, as JSON · owner: the edge's cron */
  watchdog: `${PREFIX}watchdog`,
  /** string, when the last backup was complete, RFC 3339 · owner: npm run backup */
  backup: `${PREFIX}backup`,
  /** prefix of the known API keys; a string with TTL a key's SHA-256, what PostgreSQL said of it and
   * when · owner: the edge */
  api_key: `${PREFIX}api-key:`,
  /** prefix of the counters of @upstash/ratelimit, which end with their window · owner: the edge */
  rate: `${PREFIX}rate`,
  /** prefix of the open streams; a hash with TTL a caller, holder → count and end in ms · owner: the
   * edge and the workers */
  streams: `${PREFIX}streams:`,
  /** stream, trimmed to SOCKETS_MAX: what the Socket.IO gateways tell each other; the prefix of their
   * pub/sub channels too · owner: the workers */
  sockets: `${PREFIX}sockets`,
  /** prefix of the kept answers to POST; a string with TTL a caller and Idempotency-Key, sealed with
   * the caller's own credentials · owner: the edge */
  idempotency: `${PREFIX}idempotency:`,
  /** stream, field `data` → WebhookCommand as JSON, trimmed to WEBHOOK_COMMANDS_MAX · owner: the edge */
  webhook_commands: `${PREFIX}webhook-commands`,
  /** prefix of the pauses between replays of much; a string with TTL a webhook, the id of the last ·
   * owner: the edge */
  replay_pause: `${PREFIX}replay-pause:`,
  /** stream, fields `kind` (message, attempt) and `data` (JSON): what was delivered, on its way to
   * PostgreSQL, trimmed to about DELIVERIES_MAX · owner: the workers */
  delivery_log: `${PREFIX}delivery-log`,
  /** prefix of the windows of `min_interval_ms`; a hash with TTL an endpoint and chain of legs ·
   * owner: the workers */
  alert_window: `${PREFIX}alert-window:`,
  /** prefix of the heartbeats; a string with TTL a worker, Heartbeat as JSON · owner: that worker */
  worker: `${PREFIX}worker:`,
} as const

/** The key of one shard. The first shard, which is the only one unless SHARD_COUNT says otherwise, has the plain name. */
export function shardKey(
  name: 'lease' | 'fence' | 'published' | 'exchanges' | 'top' | 'markets' | 'proofs',
  shard: number,
): string {
  return shard === 0 ? KEYS[name] : `${KEYS[name]}:${shard}`
}

export function workerKey(worker_id: string): string {
  return `${KEYS.worker}${worker_id}`
}

export const EVENTS_MAX = 50_000
/** Beyond this the oldest go, whoever waits for them: at about 3 kB each, 600 MB. */
export const EVENTS_LIMIT = 200_000
/** Nothing but orders to cut sockets. */
export const SOCKETS_MAX = 1_000
export const WEBHOOK_COMMANDS_MAX = 10_000
export const DELIVERIES_MAX = 200_000
/** About 4 MB. */
export const NEAR_MISSES_MAX = 5_000
/** Refreshed every second: of a dead worker's prices nothing is left when another takes over. */
export const TOP_TTL_MS = 5_000
/** Of the tables of exchanges that belong to other shards than the first. */
export const EXCHANGES_TTL_MS = 5_000
/** As long as a proof may be old (workers/detection/price-test.ts). */
export const PROOFS_TTL_MS = 60_000
/** What is watched hardly changes while one worker takes over from another. */
export const MARKETS_TTL_MS = 180_000

/** Consumer groups: each is an independent cursor over every entry of its stream. */
export const GROUPS = {
  /** on KEYS.events */
  archive: 'archive',
  alerts: 'alerts',
  /** on KEYS.webhook_commands */
  commands: 'commands',
  /** on KEYS.delivery_log */
  records: 'records',
} as const
/** Those on KEYS.events: what they have not finished stays in it. */
export const EVENT_GROUPS = [GROUPS.archive, GROUPS.alerts] as const

/** BullMQ queues. The braces keep all keys of the queues in one Redis Cluster slot. */
export const QUEUE_PREFIX = '{arb}'
export const QUEUES = { alerts: 'alerts', deliveries: 'deliveries' } as const
