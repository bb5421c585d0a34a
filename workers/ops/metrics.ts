/**
 * The metric catalogue: every name, label and unit that /metrics shows is in this file. What other
 * rooms count themselves is read when somebody asks; only durations are pushed here.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { ExchangeStatus } from '../../shared/health.ts'
import { ATTEMPT_RESULTS } from '../../shared/webhook.ts'
import type { BookState } from '../book/books.ts'
import type { Lateness } from './lateness.ts'

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
  /** deliveries that wait: for a worker, for their turn, for the next attempt */
  readonly deliveries_waiting: () => number
  readonly is_leader: () => boolean
  readonly lateness: Pick<Lateness, 'quantile_ms' | 'reset'>
}

export interface Metrics {
  readonly registry: Registry
  readonly tick_to_signal: Histogram
  readonly signal_to_wire: Histogram
  readonly opportunities: Counter<'kind'>
  readonly alerts: Counter<'type'>
  readonly alert_latency: Histogram
  readonly delivery_attempts: Counter<'result'>
  readonly delivery_latency: Histogram
}

const MICROSECONDS_TO_SECONDS = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1,
]
const MILLISECONDS_TO_MINUTE = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60,
]

export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry, prefix: 'arb_' })
  feedTotals(registers, sources)
  feedQuality(registers, sources)
  detectionMetrics(registers, sources)
  processMetrics(registers, sources)
  return {
    registry,
    tick_to_signal: new Histogram({
      name: 'arb_tick_to_signal_seconds',
      help: 'From the frame that made an opportunity, received, to the event.',
      buckets: MICROSECONDS_TO_SECONDS,
      registers,
    }),
    signal_to_wire: new Histogram({
      name: 'arb_signal_to_wire_seconds',
      help: 'From the event to its place in the Redis stream.',
      buckets: MILLISECONDS_TO_MINUTE,
      registers,
    }),
    opportunities: opportunityCounter(registers),
    alerts: new Counter({
      name: 'arb_alerts_dispatched_total',
      help: 'Events that the alert workers took from the queue, by event type.',
      labelNames: ['type'],
      registers,
    }),
    alert_latency: new Histogram({
      name: 'arb_alert_dispatch_seconds',
      help: 'From the event to its dispatch by an alert worker.',
      buckets: MILLISECONDS_TO_MINUTE,
      registers,
    }),
    ...deliveryMetrics(registers, sources),
  }
}

function deliveryMetrics(registers: Registry[], { deliveries_waiting }: MetricSources) {
  new Gauge({
    name: 'arb_deliveries_waiting',
    help: 'Webhook deliveries that wait: for a worker, for their turn, for the next attempt.',
    registers,
    collect() {
      this.set(deliveries_waiting())
    },
  })
  const delivery_attempts = new Counter({
    name: 'arb_delivery_attempts_total',
    help: 'Attempts to deliver a webhook, by result: success, failure, expired, missed.',
    labelNames: ['result'],
    registers,
  })
  for (const result of ATTEMPT_RESULTS) delivery_attempts.inc({ result }, 0)
  const delivery_latency = new Histogram({
    name: 'arb_delivery_seconds',
    help: 'From the event, or the end of its min_interval_ms, to the 2xx of the receiver.',
    buckets: MILLISECONDS_TO_MINUTE,
    registers,
  })
  return { delivery_attempts, delivery_latency }
}

/** Each kind counts from zero: a rate over a counter that appears out of nothing misses its first. */
function opportunityCounter(registers: Registry[]): Counter<'kind'> {
  const counter = new Counter({
    name: 'arb_opportunities_total',
    help: 'Opportunity events published, by kind: detected, updated, expired, measured.',
    labelNames: ['kind'],
    registers,
  })
  for (const kind of ['detected', 'updated', 'expired', 'measured']) counter.inc({ kind }, 0)
  return counter
}

type FeedTotal = 'messages_total' | 'gaps_total' | 'resyncs_total' | 'reconnects_total'

function feedTotals(registers: Registry[], { exchanges, slow_frames }: MetricSources): void {
  const totals: readonly [name: string, help: string, field: FeedTotal][] = [
    ['arb_feed_frames_total', 'Frames received.', 'messages_total'],
    ['arb_feed_gaps_total', 'Breaks in the sequence of a market.', 'gaps_total'],
    ['arb_feed_resyncs_total', 'Books that were built again.', 'resyncs_total'],
    ['arb_feed_reconnects_total', 'Connections opened again.', 'reconnects_total'],
  ]
  for (const [name, help, field] of totals) {
    new Counter({
      name,
      help,
      labelNames: ['exchange'],
      registers,
      collect() {
        this.reset()
        for (const status of exchanges()) this.inc({ exchange: status.id }, status[field])
      },
    })
  }
  new Counter({
    name: 'arb_feed_slow_path_total',
    help: 'Frames that were read through a JSON tree instead of byte by byte.',
    labelNames: ['exchange'],
    registers,
    collect() {
      this.reset()
      for (const { exchange, frames } of slow_frames()) this.inc({ exchange }, frames)
    },
  })
}

function feedQuality(registers: Registry[], { exchanges, books }: MetricSources): void {
  new Counter({
    name: 'arb_feed_checksums_total',
    help: 'Checksums compared with the exchange, by result.',
    labelNames: ['exchange', 'result'],
    registers,
    collect() {
      this.reset()
      for (const { id, checksums_ok, checksums_failed } of exchanges()) {
        this.inc({ exchange: id, result: 'ok' }, checksums_ok)
        this.inc({ exchange: id, result: 'failed' }, checksums_failed)
      }
    },
  })
  new Counter({
    name: 'arb_feed_audits_total',
    help: 'Books compared with what the exchange tells by REST, by result.',
    labelNames: ['exchange', 'result'],
    registers,
    collect() {
      this.reset()
      for (const { id, audits_ok = 0, audits_failed = 0 } of exchanges()) {
        this.inc({ exchange: id, result: 'ok' }, audits_ok)
        this.inc({ exchange: id, result: 'failed' }, audits_failed)
      }
    },
  })
  new Gauge({
    name: 'arb_feed_age_seconds',
    help: 'Since the last frame of any connection.',
    labelNames: ['exchange'],
    registers,
    collect() {
      this.reset()
      for (const { id, last_message_age_ms } of exchanges()) {
        if (last_message_age_ms !== null) this.set({ exchange: id }, last_message_age_ms / 1_000)
      }
    },
  })
  new Gauge({
    name: 'arb_feed_connected',
    help: '1 while a connection is open and speaking.',
    labelNames: ['exchange'],
    registers,
    collect() {
      this.reset()
      for (const { id, connected } of exchanges()) this.set({ exchange: id }, connected ? 1 : 0)
    },
  })
  new Gauge({
    name: 'arb_book_state',
    help: 'Number of order books, by exchange and state.',
    labelNames: ['exchange', 'state'],
    registers,
    collect() {
      this.reset()
      for (const { exchange, state } of books()) this.inc({ exchange, state })
    },
  })
}

function detectionMetrics(
  registers: Registry[],
  { rejected, near_misses, outbox }: MetricSources,
): void {
  new Counter({
    name: 'arb_candidates_rejected_total',
    help: 'Chains that looked profitable and were refused, by guard.',
    labelNames: ['guard'],
    registers,
    collect() {
      this.reset()
      for (const [guard, count] of Object.entries(rejected())) this.inc({ guard }, count)
    },
  })
  new Counter({
    name: 'arb_near_misses_total',
    help: 'Refusals offered for arb:near-misses, by result: stored, throttled, lost.',
    labelNames: ['result'],
    registers,
    collect() {
      this.reset()
      for (const [result, count] of Object.entries(near_misses())) this.inc({ result }, count)
    },
  })
  new Gauge({
    name: 'arb_outbox_depth',
    help: 'Events that wait for Redis.',
    registers,
    collect() {
      this.set(outbox().depth)
    },
  })
  new Counter({
    name: 'arb_outbox_dropped_total',
    help: 'Events that found no room in the outbox.',
    registers,
    collect() {
      this.reset()
      this.inc(outbox().dropped_total)
    },
  })
}

function processMetrics(
  registers: Registry[],
  { build, is_leader, lateness }: MetricSources,
): void {
  new Gauge({
    name: 'arb_event_loop_lag_seconds',
    help: 'How late the event loop turned since the last scrape, by quantile.',
    labelNames: ['quantile'],
    registers,
    collect() {
      for (const quantile of [0.5, 0.99, 1]) {
        this.set({ quantile: String(quantile) }, lateness.quantile_ms(quantile) / 1_000)
      }
      lateness.reset()
    },
  })
  new Gauge({
    name: 'arb_leader',
    help: '1 while this worker leads.',
    registers,
    collect() {
      this.set(is_leader() ? 1 : 0)
    },
  })
  new Gauge({
    name: 'arb_build_info',
    help: 'Always 1; the labels say what runs.',
    labelNames: ['version', 'node', 'environment'],
    registers,
  }).set({ ...build, node: process.version }, 1)
}
