/**
 * The simulation, short: some hundred seeds keep every promise and visit every state that matters,
 * the same seed always makes the same events, and each fault made on purpose is seen and told in a
 * short story.
 */
import { describe, expect, it } from 'vitest'
import { MUTATIONS } from './mutations.ts'
import { shorten, simulate, storyOfSeed, tellFailure } from './simulate.ts'
import { Tally } from './tally.ts'

const SEEDS = 200
/** A fault must show within so many seeds, in a story of no more steps. */
const MOST_SEEDS = 250
const MOST_STEPS = 8

const VISITED = [
  ...['cut', 'mute', 'hold', 'lose', 'double', 'swap', 'rest', 'clock', 'stall', 'takeover'],
].map((kind) => `step: ${kind}`)
const REACHED = [
  ...['sequence', 'checksum', 'crossed'].map((cause) => `lost: ${cause}`),
  ...['stale', 'skew', 'backlog', 'quarantine', 'crossed', 'halted', 'identity'].map(
    (guard) => `guard: ${guard}`,
  ),
  ...['implausible', 'fee_unknown', 'below_minimum'].map((guard) => `guard: ${guard}`),
  ...['closed', 'stale', 'halted', 'gap', 'disconnected'].map((reason) => `expired: ${reason}`),
  ...['cross_exchange of 2', 'cross_exchange of 3', 'triangular of 3', 'multi_leg of 3'].map(
    (type) => `found: ${type}`,
  ),
  ...['detected', 'updated', 'expired', 'measured'].map((type) => `opportunity.${type}`),
  ...['resyncs', 'disconnects', 'hand-overs', 'maintenances'],
]

it('keeps every promise, wherever it comes', { timeout: 240_000 }, async () => {
  const tally = new Tally()
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { failure } = await simulate(seed, tally)
    if (failure !== null) throw new Error(await tellFailure(seed, failure))
  }
  const never = [...VISITED, ...REACHED].filter((what) => tally.of(what) === 0)
  expect(never).toEqual([])
  expect(tally.of('lived twice')).toBeGreaterThan(5)
})

describe('sees', () => {
  it.each(Object.entries(MUTATIONS))(
    '%s',
    { timeout: 240_000 },
    async (_, [mutation, ...promises]) => {
      for (let seed = 1; seed <= MOST_SEEDS; seed++) {
        const { failure } = await simulate(seed, new Tally(), mutation)
        if (failure === null) continue
        expect(promises).toContain(failure.promise)
        const { story } = await shorten(storyOfSeed(seed), failure, mutation)
        expect(story.steps.length).toBeLessThanOrEqual(MOST_STEPS)
        return
      }
      throw new Error(`nobody saw it in ${MOST_SEEDS} seeds`)
    },
  )
})
