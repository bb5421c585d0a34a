/**
 * The metric catalogue: every name that /metrics shows of our own, with its type, labels and words.
 * Nothing else spells a metric's name but what asks for one (metrics.ts, grafana/, alerts.yml), and
 * tests hold those to this file. Node's own metrics come with prom-client, under the same prefix.
 */

export interface MetricSpec {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /** what they stand for is in `help`; never a market and never an endpoint: there are too many */
  readonly labels: readonly string[]
  /** upper bounds in seconds, of histograms only */
  readonly buckets?: readonly number[]
}

function counter<const L extends readonly string[]>(help: string, ...labels: L) {
  return { type: 'counter', help, labels } as const
}

function gauge<const L extends readonly string[]>(help: string, ...labels: L) {
  return { type: 'gauge', help, labels } as const
}

function seconds<const B extends readonly number[]>(help: string, buckets: B) {
  return { type: 'histogram', help, labels: [], buckets } as const
}

const MICROSECONDS_TO_SECONDS = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1,
] as const
const MILLISECONDS_TO_MINUTE = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60,
] as const

const FEED = {
  arb_feed_frames_total: counter('Frames received.', 'exchange'),
  arb_feed_gaps_total: counter('Breaks in the sequence of a market.', 'exchange'),
  arb_feed_resyncs_total: counter('Books that were built again.', 'exchange'),
  arb_feed_reconnects_total: counter('Connections opened again.', 'exchange'),
  arb_feed_slow_path_total: counter(
    'Frames that were read through a JSON tree instead of byte by byte.',
    'exchange',
  ),
  arb_feed_checksums_total: counter(
    'Checksums compared with the exchange, by result: ok, failed.',
    'exchange',
    'result',
  ),
  arb_feed_audits_total: counter(
    'Books compared with what the exchange tells by REST, by result: ok, failed.',
    'exchange',
    'result',
  ),
  arb_feed_age_seconds: gauge('Since the last frame of any connection.', 'exchange'),
  arb_feed_connected: gauge('1 while a connection is open and speaking.', 'exchange'),
  arb_feed_state: gauge(
    '1 for the state that the exchange is in: connecting, online, maintenance, blocked, down.',
    'exchange',
    'state',
  ),
  arb_feed_refused_markets: gauge('Markets that the exchange refuses to serve.', 'exchange'),
  arb_feed_clock_offset_seconds: gauge("The exchange's clock minus ours.", 'exchange'),
  arb_book_state: gauge('Number of order books, by exchange and state.', 'exchange', 'state'),
} as const

const DETECTION = {
  arb_tick_to_signal_seconds: seconds(
    'From the frame that made an opportunity, received, to the event.',
    MICROSECONDS_TO_SECONDS,
  ),
  arb_opportunities_total: counter(
    'Opportunity events published, by kind: detected, updated, expired, measured.',
    'kind',
  ),
  arb_candidates_rejected_total: counter(
    'Chains that looked profitable and were refused, by guard.',
    'guard',
  ),
  arb_near_misses_total: counter(
    'Refusals offered for arb:near-misses, by result: stored, throttled, lost.',
    'result',
  ),
} as const

const DELIVERY = {
  arb_signal_to_wire_seconds: seconds(
    'From the event to its place in the Redis stream.',
    MILLISECONDS_TO_MINUTE,
  ),
  arb_outbox_depth: gauge('Events that wait for Redis.'),
  arb_outbox_dropped_total: counter('Events that found no room in the outbox.'),
  arb_stream_lag: gauge(
    'Events that a consumer group has not read yet: archive copies to Postgres, alerts to the queue.',
    'group',
  ),
  arb_stream_pending: gauge('Events that a consumer group has read and not finished.', 'group'),
  arb_queue_jobs: gauge(
    'Jobs in a BullMQ queue, by state: wait, active, delayed, failed.',
    'queue',
    'state',
  ),
  arb_alerts_dispatched_total: counter(
    'Events that the alert workers took from the queue, by event type.',
    'type',
  ),
  arb_alert_dispatch_seconds: seconds(
    'From the event to its dispatch by an alert worker.',
    MILLISECONDS_TO_MINUTE,
  ),
  arb_deliveries_waiting: gauge(
    'Webhook deliveries that wait: for a worker, for their turn, for the next attempt.',
  ),
  arb_delivery_attempts_total: counter(
    'Attempts to deliver a webhook, by result: success, failure, expired, missed.',
    'result',
  ),
  arb_delivery_seconds: seconds(
    'From the event, or the end of its min_interval_ms, to the 2xx of the receiver.',
    MILLISECONDS_TO_MINUTE,
  ),
} as const

const SOCKETS = {
  arb_sockets: gauge('Open Socket.IO connections.'),
  arb_sockets_let_go_total: counter('Sockets that did not read what they were sent.'),
} as const

const STORES = {
  arb_store_up: gauge('1 while the store does what the worker needs of it.', 'store'),
  arb_store_latency_seconds: gauge('The last round trip to the store.', 'store'),
  arb_redis_memory_bytes: gauge('What Redis holds in memory.'),
  arb_redis_memory_limit_bytes: gauge('Where Redis stops taking writes; 0: nowhere.'),
  arb_backup_age_seconds: gauge('Since the last backup was complete (npm run backup).'),
  arb_retention_deleted_total: counter('Rows of history deleted for their age, by table.', 'table'),
} as const

const PROCESS = {
  arb_event_loop_lag_seconds: gauge(
    'How late the event loop turned since the last scrape, by quantile: 0.5, 0.99, 1.',
    'quantile',
  ),
  arb_leader: gauge('1 while this worker leads the shard.', 'shard'),
  arb_build_info: gauge('Always 1; the labels say what runs.', 'version', 'node', 'environment'),
} as const

export const CATALOGUE = {
  ...FEED,
  ...DETECTION,
  ...DELIVERY,
  ...SOCKETS,
  ...STORES,
  ...PROCESS,
} as const satisfies Record<string, MetricSpec>

type Catalogue = typeof CATALOGUE
type MetricName = keyof Catalogue
export type NameOf<T extends MetricSpec['type']> = {
  [N in MetricName]: Catalogue[N]['type'] extends T ? N : never
}[MetricName]
export type LabelOf<N extends MetricName> = Catalogue[N]['labels'][number]
export type Labels<N extends MetricName> = Readonly<Record<LabelOf<N>, string>>
