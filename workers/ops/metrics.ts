/**
 * Fills the metric catalogue. What other rooms count themselves is read when somebody asks; only
 * durations and what happens seldom are pushed here. It knows no name that catalogue.ts does not.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { ExchangeStatus, type StoreHealth } from '../../shared/health.ts'
import { ATTEMPT_RESULTS } from '../../shared/webhook.ts'
import type { BookState } from '../book/books.ts'
import { CATALOGUE, type LabelOf, type Labels, type MetricSpec, type NameOf } from './catalogue.ts'
import type { Lateness } from './lateness.ts'
import type { StoreFigures } from './store-figures.ts'

/** What is read at scrape time. */
export interface MetricSources {
  readonly build: { readonly version: string; readonly environment: string }
  readonly exchanges: () => readonly ExchangeStatus[]
  /** frames so far that went through a JSON tree */
  readonly slow_frames: () => Iterable<{ readonly exchange: string; readonly frames: number }>
  readonly books: () => Iterable<{ readonly exchange: string; readonly state: BookState }>
  /** by guard, every guard from the start */
  readonly rejected: () => Readonly<Record<string, number>>
  /** by what became of them */
  readonly near_misses: () => Readonly<Record<string, number>>
  readonly outbox: () => { readonly depth: number; readonly dropped_total: number }
  readonly stores: () => { readonly redis: StoreHealth; readonly postgres: StoreHealth }
  /** what Redis last said of itself; null while it said nothing */
  readonly figures: () => StoreFigures | null
  readonly sockets: () => { readonly open: number; readonly let_go_total: number }
  /** deliveries that wait: for a worker, for their turn, for the next attempt */
  readonly deliveries_waiting: () => number
  /** by shard, whether this worker leads it */
  readonly leads: () => readonly boolean[]
  readonly lateness: Pick<Lateness, 'quantile_ms' | 'reset'>
}

const BOOK_STATES = [
  'cold',
  'syncing',
  'live',
  'stale',
  'halted',
] as const satisfies readonly BookState[]

export interface Metrics {
  readonly registry: Registry
  readonly tick_to_signal: Histogram
  readonly signal_to_wire: Histogram
  readonly opportunities: Counter<'kind'>
  readonly alerts: Counter<'type'>
  readonly alert_latency: Histogram
  readonly delivery_attempts: Counter<'result'>
  readonly delivery_latency: Histogram
  readonly retention_deleted: Counter<'table'>
}

export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'arb_' })
  const maker = makeFor(registry)
  feedMetrics(maker, sources)
  detectionMetrics(maker, sources)
  storeMetrics(maker, sources)
  processMetrics(maker, sources)
  const opportunities = maker.counter('arb_opportunities_total')
  // A rate over a counter that appears out of nothing misses its first: each kind counts from zero.
  for (const kind of ['detected', 'updated', 'expired', 'measured']) opportunities.inc({ kind }, 0)
  const delivery_attempts = maker.counter('arb_delivery_attempts_total')
  for (const result of ATTEMPT_RESULTS) delivery_attempts.inc({ result }, 0)
  return {
    registry,
    tick_to_signal: maker.histogram('arb_tick_to_signal_seconds'),
    signal_to_wire: maker.histogram('arb_signal_to_wire_seconds'),
    opportunities,
    alerts: maker.counter('arb_alerts_dispatched_total'),
    alert_latency: maker.histogram('arb_alert_dispatch_seconds'),
    delivery_attempts,
    delivery_latency: maker.histogram('arb_delivery_seconds'),
    retention_deleted: maker.counter('arb_retention_deleted_total'),
  }
}

type Readings<N extends NameOf<'counter' | 'gauge'>> = Iterable<readonly [Labels<N>, number]>

interface Maker {
  /** A counter or gauge whose values are read when somebody asks; readings of equal labels add up. */
  readonly read: <N extends NameOf<'counter' | 'gauge'>>(
    name: N,
    readings: () => Readings<N>,
  ) => void
  readonly counter: <N extends NameOf<'counter'>>(name: N) => Counter<LabelOf<N>>
  readonly histogram: (name: NameOf<'histogram'>) => Histogram
}

function makeFor(registry: Registry): Maker {
  const registers = [registry]
  return {
    read: (name, readings) => {
      const { type, help, labels }: MetricSpec = CATALOGUE[name]
      const Kind = type === 'counter' ? Counter<string> : Gauge<string>
      new Kind({
        name,
        help,
        labelNames: labels,
        registers,
        collect() {
          this.reset()
          // what has no labels would stand at 0 when nothing is known
          if (labels.length === 0) this.remove()
          for (const [of, value] of readings()) this.inc(of, value)
        },
      })
    },
    counter: (name) => {
      const { help, labels } = CATALOGUE[name]
      return new Counter({ name, help, labelNames: labels, registers })
    },
    histogram: (name) => {
      const { help, buckets } = CATALOGUE[name]
      return new Histogram({ name, help, buckets: [...buckets], registers })
    },
  }
}

function feedMetrics({ read }: Maker, { exchanges, slow_frames, books }: MetricSources): void {
  const each = (field: (status: ExchangeStatus) => number | null) => () =>
    exchanges().flatMap((status) => reading({ exchange: status.id }, field(status)))
  read(
    'arb_feed_frames_total',
    each(({ messages_total }) => messages_total),
  )
  read(
    'arb_feed_gaps_total',
    each(({ gaps_total }) => gaps_total),
  )
  read(
    'arb_feed_resyncs_total',
    each(({ resyncs_total }) => resyncs_total),
  )
  read(
    'arb_feed_reconnects_total',
    each(({ reconnects_total }) => reconnects_total),
  )
  read('arb_feed_slow_path_total', () =>
    [...slow_frames()].map(({ exchange, frames }) => [{ exchange }, frames] as const),
  )
  const results = (ok: (status: ExchangeStatus) => number, failed: typeof ok) => () =>
    exchanges().flatMap((status) => [
      [{ exchange: status.id, result: 'ok' }, ok(status)] as const,
      [{ exchange: status.id, result: 'failed' }, failed(status)] as const,
    ])
  read(
    'arb_feed_checksums_total',
    results(
      ({ checksums_ok }) => checksums_ok,
      ({ checksums_failed }) => checksums_failed,
    ),
  )
  read(
    'arb_feed_audits_total',
    results(
      ({ audits_ok = 0 }) => audits_ok,
      ({ audits_failed = 0 }) => audits_failed,
    ),
  )
  read(
    'arb_feed_age_seconds',
    each(({ last_message_age_ms }) => inSeconds(last_message_age_ms)),
  )
  read(
    'arb_feed_connected',
    each(({ connected }) => Number(connected)),
  )
  read('arb_feed_state', () =>
    exchanges().flatMap(({ id, state: present }) =>
      ExchangeStatus.shape.state.options.map(
        (state) => [{ exchange: id, state }, Number(state === present)] as const,
      ),
    ),
  )
  read(
    'arb_feed_refused_markets',
    each(({ refused }) => refused.length),
  )
  read(
    'arb_feed_clock_offset_seconds',
    each(({ clock_offset_ms }) => inSeconds(clock_offset_ms)),
  )
  read('arb_book_state', () => [
    // an exchange without a live book has 0 of them: a series that is missing alarms nobody
    ...exchanges().flatMap(({ id }) =>
      BOOK_STATES.map((state) => [{ exchange: id, state }, 0] as const),
    ),
    ...[...books()].map((book) => [{ ...book }, 1] as const),
  ])
}

function detectionMetrics({ read }: Maker, { rejected, near_misses, outbox }: MetricSources): void {
  read('arb_candidates_rejected_total', () =>
    Object.entries(rejected()).map(([guard, count]) => [{ guard }, count] as const),
  )
  read('arb_near_misses_total', () =>
    Object.entries(near_misses()).map(([result, count]) => [{ result }, count] as const),
  )
  read('arb_outbox_depth', () => [[{}, outbox().depth]])
  read('arb_outbox_dropped_total', () => [[{}, outbox().dropped_total]])
}

function storeMetrics({ read }: Maker, { stores, figures }: MetricSources): void {
  read('arb_store_up', () =>
    Object.entries(stores()).map(([store, { ok }]) => [{ store }, Number(ok)] as const),
  )
  read('arb_store_latency_seconds', () =>
    Object.entries(stores()).flatMap(([store, { latency_ms }]) =>
      reading({ store }, inSeconds(latency_ms)),
    ),
  )
  read('arb_stream_lag', () =>
    (figures()?.groups ?? []).flatMap(({ group, lag }) => reading({ group }, lag)),
  )
  read('arb_stream_pending', () =>
    (figures()?.groups ?? []).map(({ group, pending }) => [{ group }, pending] as const),
  )
  read('arb_queue_jobs', () =>
    (figures()?.queues ?? []).map(({ queue, state, jobs }) => [{ queue, state }, jobs] as const),
  )
  read('arb_redis_memory_bytes', () => reading({}, figures()?.memory_bytes ?? null))
  read('arb_redis_memory_limit_bytes', () => reading({}, figures()?.memory_limit_bytes ?? null))
  read('arb_backup_age_seconds', () => reading({}, inSeconds(figures()?.backup_age_ms ?? null)))
}

function processMetrics(
  { read }: Maker,
  { build, leads, lateness, sockets, deliveries_waiting }: MetricSources,
): void {
  read('arb_deliveries_waiting', () => [[{}, deliveries_waiting()]])
  read('arb_sockets', () => [[{}, sockets().open]])
  read('arb_sockets_let_go_total', () => [[{}, sockets().let_go_total]])
  read('arb_event_loop_lag_seconds', () => {
    const readings = [0.5, 0.99, 1].map(
      (quantile) =>
        [{ quantile: String(quantile) }, lateness.quantile_ms(quantile) / 1_000] as const,
    )
    lateness.reset()
    return readings
  })
  read('arb_leader', () => leads().map((is, shard) => [{ shard: String(shard) }, Number(is)]))
  read('arb_build_info', () => [[{ ...build, node: process.version }, 1]])
}

/** None while the value is not known: an absent series says so, a zero would not. */
function reading<L>(labels: L, value: number | null): (readonly [L, number])[] {
  return value === null ? [] : [[labels, value]]
}

const inSeconds = (value_ms: number | null) => (value_ms === null ? null : value_ms / 1_000)
