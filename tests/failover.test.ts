/** The failover bench's own promise, in short: two workers are one service, whatever dies in between. */
import { expect, it } from 'vitest'
import { runFailover } from '../bench/failover/run.ts'

/** A market that was given less of its time than this had no time for its workers either. */
const LEAST_STEPS = 0.8

it('two workers tell one story over kills and outages, and lose nothing of it', async () => {
  const result = await runFailover({
    seed: 5,
    symbols: 4,
    rate: 1,
    tears: 3,
    kills: 2,
    redis_down_ms: 3_000,
    postgres_down_ms: 3_000,
    redis_full_ms: 1_000,
  })
  expect(result.wrong).toEqual([])
  expect(result.take_overs_ms).toHaveLength(2)
  expect(result.drain.code).toBe(0)
  expect(result.restarted_empty.live).toBeGreaterThan(0)
  // nothing begins where the market stands still, and late loops tell nothing
  if (result.steps_share < LEAST_STEPS) return
  expect(result.redis.detected_meanwhile).toBeGreaterThan(0)
  expect(result.postgres.detected_meanwhile).toBeGreaterThan(0)
  expect(result.long_gaps).toBeGreaterThan(0)
  expect(result.missed).toEqual([])
})
