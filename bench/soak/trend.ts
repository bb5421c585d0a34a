/**
 * Whether something grows: a line through what was seen, how sure its slope is, and what that makes
 * over the whole run. Samples are taken together in blocks first, because neighbours resemble each
 * other and memory goes up and down with the collector; what resemblance is left widens the bounds.
 */

export interface Sample {
  readonly at_ms: number
  readonly mb: number
}

type Verdict = 'flat' | 'growing' | 'shrinking' | 'too short'

export interface Trend {
  readonly blocks: number
  readonly slope_mb_per_hour: number
  /** the slope is within so much of it, in 19 of 20 runs */
  readonly uncertainty_mb_per_hour: number
  /** medians of the first and the last quarter of the samples */
  readonly first_mb: number
  readonly last_mb: number
  /** a slope beyond this would not have been called flat */
  readonly shows_from_mb_per_hour: number
  readonly verdict: Verdict
}

const BLOCKS_MAX = 30
const BLOCKS_MIN = 6
const SAMPLES_A_BLOCK = 3
const HOUR_MS = 3_600_000
/** neighbours that are all alike would leave nothing to be sure of */
const RESEMBLANCE_MAX = 0.9

/**
 * Flat is what the slope cannot be told from zero, or what makes less over the run than the blocks
 * differ from their line anyway.
 */
export function trendOf(samples: readonly Sample[]): Trend {
  const blocks = blocksOf(samples)
  const quarter = Math.ceil(samples.length / 4)
  const middle = (some: readonly Sample[]) => median(some.map(({ mb }) => mb))
  const first_mb = middle(samples.slice(0, quarter))
  const last_mb = middle(samples.slice(-quarter))
  if (blocks.length < BLOCKS_MIN) {
    const unknown = {
      slope_mb_per_hour: Number.NaN,
      uncertainty_mb_per_hour: Number.NaN,
      shows_from_mb_per_hour: Number.NaN,
    }
    return { blocks: blocks.length, ...unknown, first_mb, last_mb, verdict: 'too short' }
  }
  const line = leastSquares(blocks)
  const hours = ((samples.at(-1)?.at_ms ?? 0) - (samples[0]?.at_ms ?? 0)) / HOUR_MS
  const shows_from_mb_per_hour = Math.max(line.uncertainty, line.spread_mb / hours)
  const is_flat = Math.abs(line.slope) <= shows_from_mb_per_hour
  return {
    blocks: blocks.length,
    slope_mb_per_hour: line.slope,
    uncertainty_mb_per_hour: line.uncertainty,
    first_mb,
    last_mb,
    shows_from_mb_per_hour,
    verdict: is_flat ? 'flat' : line.slope > 0 ? 'growing' : 'shrinking',
  }
}

function blocksOf(samples: readonly Sample[]): Sample[] {
  const count = Math.min(BLOCKS_MAX, Math.floor(samples.length / SAMPLES_A_BLOCK))
  return Array.from({ length: count }, (_, i) => {
    const edge = (block: number) => Math.round((block * samples.length) / count)
    const block = samples.slice(edge(i), edge(i + 1))
    const values = block.map(({ mb }) => mb)
    const mb = median(values)
    return { at_ms: mean(block.map(({ at_ms }) => at_ms)), mb }
  })
}

/** Per hour; the uncertainty is the half width of the 95 % interval. */
function leastSquares(blocks: readonly Sample[]) {
  const hours = blocks.map(({ at_ms }) => at_ms / HOUR_MS)
  const [mean_hours, mean_mb] = [mean(hours), mean(blocks.map(({ mb }) => mb))]
  let [sum_xx, sum_xy] = [0, 0]
  for (const [i, { mb }] of blocks.entries()) {
    const x = (hours[i] ?? 0) - mean_hours
    sum_xx += x * x
    sum_xy += x * (mb - mean_mb)
  }
  const slope = sum_xy / sum_xx
  const rests = blocks.map(({ mb }, i) => mb - mean_mb - slope * ((hours[i] ?? 0) - mean_hours))
  const freedom = blocks.length - 2
  const squares = rests.reduce((sum, rest) => sum + rest * rest, 0)
  const spread_mb = Math.sqrt(squares / freedom)
  const alike = resemblance(rests, squares)
  const widened = Math.sqrt((1 + alike) / (1 - alike))
  const uncertainty = (studentsT(freedom) * widened * spread_mb) / Math.sqrt(sum_xx)
  return { slope, uncertainty, spread_mb }
}

/** How much each rest tells of the next one, from 0 to RESEMBLANCE_MAX. */
function resemblance(rests: readonly number[], squares: number): number {
  if (squares === 0) return 0
  const products = rests.slice(1).reduce((sum, rest, i) => sum + rest * (rests[i] ?? 0), 0)
  return Math.min(RESEMBLANCE_MAX, Math.max(0, products / squares))
}

/** The 97.5th percentile of Student's distribution, to 2 % for the freedom of BLOCKS_MIN and more. */
function studentsT(freedom: number): number {
  return 1.96 + 2.4 / freedom + 3.7 / freedom ** 2
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
