import { expect, it } from 'vitest'
import { ExchangeStatus } from '../../shared/health.ts'
import { silentLog } from '../../shared/log.ts'
import { ATTEMPT_RESULTS } from '../../shared/webhook.ts'
import { GUARDS } from '../detection/candidate.ts'
import { Detector } from '../detection/detector.ts'
import { TestBooks } from '../detection/testing.ts'
import { exchangeStatus } from '../publish/testing.ts'
import { CATALOGUE } from './catalogue.ts'
import { createMetrics } from './metrics.ts'

const world = new TestBooks()
const detector = new Detector({
  books: world.books,
  clock: world.clock,
  limits: {
    min_percent: 0.5,
    max_percent: 10,
    min_volume_usd: 1_000,
    max_book_age_ms: 3_000,
    max_skew_ms: 2_000,
  },
  is_simulated: () => false,
  log: silentLog,
})

const kraken = ExchangeStatus.parse(exchangeStatus('kraken', true).data)
const store = { ok: true, latency_ms: 2, error: null }

const { registry } = createMetrics({
  build: { version: '0', environment: 'test' },
  exchanges: () => [{ ...kraken, state: 'maintenance', clock_offset_ms: -250, gaps_total: 3 }],
  slow_frames: () => [{ exchange: 'kraken', frames: 4 }],
  books: () => [
    { exchange: 'kraken', state: 'live' },
    { exchange: 'kraken', state: 'live' },
    { exchange: 'kraken', state: 'stale' },
  ],
  rejected: () => detector.rejected,
  near_misses: () => ({ stored: 0, throttled: 7, lost: 0 }),
  outbox: () => ({ depth: 0, dropped_total: 0 }),
  stores: () => ({ redis: store, postgres: { ok: false, latency_ms: null, error: 'away' } }),
  figures: () => ({
    groups: [
      { group: 'archive', lag: 12, pending: 3 },
      { group: 'alerts', lag: null, pending: 0 },
    ],
    queues: [{ queue: 'alerts', state: 'wait', jobs: 5 }],
    memory_bytes: 1_000,
    memory_limit_bytes: 0,
    backup_age_ms: null,
  }),
  sockets: () => ({ open: 2, let_go_total: 1 }),
  deliveries_waiting: () => 3,
  leads: () => [false],
  lateness: { quantile_ms: () => 0, reset: () => {} },
})

it('counts from zero what may happen: every guard, every kind of event', async () => {
  const text = await registry.metrics()
  for (const guard of GUARDS) {
    expect(text).toContain(`arb_candidates_rejected_total{guard="${guard}"} 0`)
  }
  for (const kind of ['detected', 'updated', 'expired', 'measured']) {
    expect(text).toContain(`arb_opportunities_total{kind="${kind}"} 0`)
  }
  for (const result of ATTEMPT_RESULTS) {
    expect(text).toContain(`arb_delivery_attempts_total{result="${result}"} 0`)
  }
  expect(text).toContain('arb_deliveries_waiting 3')
  expect(text).toContain('arb_near_misses_total{result="throttled"} 7')
})

it('registers what the catalogue names, as it says, and nothing else of our own', async () => {
  const own = (await registry.getMetricsAsJSON()).filter(
    ({ name }) => !/^arb_(nodejs|process)_/.test(name),
  )
  expect(own.map(({ name }) => name).toSorted()).toEqual(Object.keys(CATALOGUE).toSorted())
  for (const { name, type, help } of own) {
    const spec = CATALOGUE[name as keyof typeof CATALOGUE]
    expect({ name, type, help }).toEqual({ name, type: spec.type, help: spec.help })
  }
})

it('follows the conventions of Prometheus for names and units', () => {
  for (const [name, { type, labels, help }] of Object.entries(CATALOGUE)) {
    expect(name.endsWith('_total')).toBe(type === 'counter')
    if (type === 'histogram') expect(name).toMatch(/_seconds$/)
    expect(help).toMatch(/\.$/)
    expect(labels).not.toContain('market')
    expect(labels).not.toContain('endpoint')
  }
})

it('reads what others count when it is asked, and shows nothing for what is not known', async () => {
  const text = await registry.metrics()
  for (const line of [
    'arb_feed_gaps_total{exchange="kraken"} 3',
    'arb_feed_slow_path_total{exchange="kraken"} 4',
    'arb_feed_state{exchange="kraken",state="maintenance"} 1',
    'arb_feed_state{exchange="kraken",state="online"} 0',
    'arb_feed_clock_offset_seconds{exchange="kraken"} -0.25',
    'arb_book_state{exchange="kraken",state="live"} 2',
    'arb_book_state{exchange="kraken",state="halted"} 0',
    'arb_store_up{store="postgres"} 0',
    'arb_store_latency_seconds{store="redis"} 0.002',
    'arb_stream_lag{group="archive"} 12',
    'arb_stream_pending{group="alerts"} 0',
    'arb_queue_jobs{queue="alerts",state="wait"} 5',
    'arb_redis_memory_limit_bytes 0',
  ]) {
    expect(text.split('\n')).toContain(line)
  }
  expect(text).not.toContain('arb_stream_lag{group="alerts"}')
  expect(text).not.toContain('arb_store_latency_seconds{store="postgres"}')
  expect(text).not.toMatch(/^arb_backup_age_seconds /m)
})
