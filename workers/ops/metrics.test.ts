import { expect, it } from 'vitest'
import { silentLog } from '../../shared/log.ts'
import { ATTEMPT_RESULTS } from '../../shared/webhook.ts'
import { GUARDS } from '../detection/candidate.ts'
import { Detector } from '../detection/detector.ts'
import { TestBooks } from '../detection/testing.ts'
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

const { registry } = createMetrics({
  build: { version: '0', environment: 'test' },
  exchanges: () => [],
  slow_frames: () => [],
  books: () => [],
  rejected: () => detector.rejected,
  near_misses: () => ({ stored: 0, throttled: 7, lost: 0 }),
  outbox: () => ({ depth: 0, dropped_total: 0 }),
  deliveries_waiting: () => 3,
  is_leader: () => false,
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
