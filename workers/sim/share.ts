/** One thread of the simulation (lanes.ts): every so many-th seed, until they or the time are over. */
import { setImmediate as turn } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock as clock } from '../../shared/clock.ts'
import type { Outcome, Share } from './lanes.ts'
import { simulate, tellFailure } from './simulate.ts'
import { Tally } from './tally.ts'

const { first, step, seeds, lasts_ms } = workerData as Share
const tally = new Tally()
const end_ms = clock.monotonic_ms() + lasts_ms
let lived = 0
let failed: Outcome['failed'] = null
let is_told_to_end = false
parentPort?.once('message', () => {
  is_told_to_end = true
})
while (failed === null && !is_told_to_end && lived < seeds && clock.monotonic_ms() < end_ms) {
  const seed = first + lived * step
  const { failure } = await simulate(seed, tally)
  lived++
  if (failure !== null) failed = { seed, story: await tellFailure(seed, failure) }
  await turn()
}
const outcome: Outcome = { lived, counts: tally.all(), failed }
parentPort?.postMessage(outcome)
parentPort?.close()
