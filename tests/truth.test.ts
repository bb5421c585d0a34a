/**
 * Known truth, end to end: the real worker against exchanges whose every gap is known, judged by the
 * books that were on the wire. All that it announces must be true, all that was there for more than
 * 50 ms must be found; with faults in the market and in the network, still nothing false.
 */
import { expect, it } from 'vitest'
import { Disturbance, LISTING_FAULTS } from './truth/disturb.ts'
import { judge } from './truth/judge.ts'
import { type Recorded, type RunOptions, recordRun } from './truth/run.ts'
import { report, score, type TypeScore } from './truth/score.ts'

const SEED = 1
const MARKET = {
  exchanges: ['binance', 'bybit', 'coinbase', 'kraken'],
  seed: SEED,
  symbols: 10,
  rate: 1,
  tears: 3,
} as const
const THRESHOLDS = { min_percent: 0.5, min_volume_usd: 1_000 } as const
/** Gaps that are forgiven because the worker's loop was late are few, or the run says nothing. */
const MOST_EXCUSED = 0.3
const FEWEST_GAPS = 5
/** A market that was given less of its time than this was not the one that is known. */
const LEAST_STEPS = 0.8
/** Then the run says nothing and is made again, so often in all. */
const RUNS = 3

type Options = Pick<RunOptions, 'seconds' | 'faults'>

/** A run on a machine that had time for it. */
async function timelyRun(
  title: string,
  options: Options,
  createDisturbance: () => Disturbance | null,
) {
  for (let attempt = 1; ; attempt++) {
    const disturbance = createDisturbance()
    const run: Recorded = await recordRun({
      ...MARKET,
      ...options,
      disturb: async (sandbox, networks) => disturbance?.run(sandbox, networks),
    })
    const share = `the market had time for ${(100 * run.steps_share).toFixed(0)} % of its steps`
    if (run.steps_share >= LEAST_STEPS || attempt === RUNS) {
      expect(run.steps_share, share).toBeGreaterThanOrEqual(LEAST_STEPS)
      process.stdout.write(`${title}: ${share}\n`)
      return { run, disturbance }
    }
    process.stdout.write(`${title}: ${share}: made again\n`)
  }
}

async function scoreRun(
  title: string,
  options: Options,
  createDisturbance: () => Disturbance | null = () => null,
): Promise<TypeScore[]> {
  const { run, disturbance } = await timelyRun(title, options, createDisturbance)
  const judged = judge({
    ...run,
    ...THRESHOLDS,
    tradable: (leg, ts) => disturbance?.doubts.tradable(leg, ts) ?? true,
  })
  const scores = score({
    ...run,
    ...judged,
    touched: (gap) => disturbance?.doubts.touches(gap) ?? false,
    unknowable: (claim) => disturbance?.doubts.isUnknowable(claim) ?? false,
  })
  process.stdout.write(`${report(title, scores)}\n`)
  return scores
}

function expectPerfect(scores: readonly TypeScore[]): void {
  const named = scores.map(({ type, missed, untrue }) => ({
    type,
    missed: missed.map(({ key }) => key),
    untrue: untrue.map(({ key, legs }) => key ?? legs),
  }))
  expect(named).toEqual(scores.map(({ type }) => ({ type, missed: [], untrue: [] })))
  for (const { type, gaps, told_shorter, claims, excused_late } of scores) {
    expect(gaps, `${type}: too few gaps to mean anything`).toBeGreaterThanOrEqual(FEWEST_GAPS)
    expect(excused_late, `${type}: late too often`).toBeLessThanOrEqual(gaps * MOST_EXCUSED)
    // most longer chains are a shorter one in more words: that one is announced instead
    if (type !== 'multi_leg') expect(gaps - told_shorter).toBeGreaterThanOrEqual(FEWEST_GAPS)
    if (type !== 'multi_leg') expect(claims).toBeGreaterThanOrEqual(FEWEST_GAPS)
  }
}

it('finds every true gap of a quiet market and nothing else', async () => {
  expectPerfect(await scoreRun('quiet', { seconds: 24, faults: [] }))
})

it('announces nothing false when market and network fail, and misses nothing else', async () => {
  const options = { seconds: 24, faults: LISTING_FAULTS }
  expectPerfect(await scoreRun('faulted', options, () => new Disturbance()))
})
