/** Lateness of a real event loop, which the tests make late by sleeping in it. */
import { expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import { watchLateness } from './lateness.ts'

const WAIT = { timeout: 10_000, interval: 5 }

/** Keeps the loop from turning, without heating anything. */
const sleepSynchronously = (duration_ms: number) =>
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, duration_ms)

function watched() {
  let caught_up = 0
  const lateness = watchLateness(systemClock, () => caught_up++)
  onTestFinished(() => lateness.stop())
  return { lateness, caughtUp: () => caught_up }
}

const turnOfTimers = () => new Promise((resolve) => setTimeout(resolve, 1))

it('is late at once, stays so through the turn after, and says when it has caught up', async () => {
  const { lateness, caughtUp } = watched()
  await expect.poll(() => lateness.late(), WAIT).toBe(false)
  const before = caughtUp()
  sleepSynchronously(300)
  expect(lateness.late()).toBe(true)
  await turnOfTimers()
  expect(lateness.late()).toBe(true)
  await expect.poll(() => caughtUp(), WAIT).toBe(before + 1)
  expect(lateness.late()).toBe(false)
})

it('keeps how late turns were until it is reset', async () => {
  const { lateness } = watched()
  await expect.poll(() => lateness.quantile_ms(1), WAIT).toBeGreaterThan(0)
  sleepSynchronously(300)
  await expect.poll(() => lateness.quantile_ms(1), WAIT).toBeGreaterThan(200)
  lateness.reset()
  expect(lateness.quantile_ms(1)).toBeLessThan(200)
})
