/**
 * What the history page makes of past opportunities: ranges of time, counts over time, and how long
 * they lived. Pure; the moment "now" is given. It never mixes a sample with a total: whoever draws
 * one is told which it is.
 */
import type { Opportunity } from '../../../shared/opportunity.ts'
import type { Criteria } from '../../../shared/passes.ts'
import type { StatsAnswer, StatsRow } from '../../../shared/stats.ts'
import { FILTERS } from './filters.ts'

const MINUTE_MS = 60_000
export const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

export const RANGES = [
  { id: '1h', name: '1 hour', length_ms: HOUR_MS, bin_ms: 5 * MINUTE_MS },
  { id: '24h', name: '24 hours', length_ms: DAY_MS, bin_ms: HOUR_MS },
  { id: '7d', name: '7 days', length_ms: 7 * DAY_MS, bin_ms: HOUR_MS },
  { id: '30d', name: '30 days', length_ms: 30 * DAY_MS, bin_ms: HOUR_MS },
] as const
export type Range = (typeof RANGES)[number]

export function rangeOf(params: URLSearchParams): Range {
  const [, day] = RANGES
  return RANGES.find(({ id }) => id === params.get('range')) ?? day
}

export interface Span {
  readonly from_ms: number
  readonly to_ms: number
}

export function spanOf(range: Range, to_ms: number): Span {
  return { from_ms: to_ms - range.length_ms, to_ms }
}

/** The parameters that /v1/history and /v1/stats have in common. */
export function queryOf(filters: Criteria, { from_ms, to_ms }: Span): URLSearchParams {
  const query = new URLSearchParams()
  for (const name of FILTERS) {
    const value = filters[name]
    if (value !== undefined) query.set(name, value)
  }
  query.set('from', new Date(from_ms).toISOString())
  query.set('to', new Date(to_ms).toISOString())
  return query
}

/** What there was from a moment for the length of a bin. */
export interface Bin {
  readonly from_ms: number
  readonly count: number
  /** net of fees; null: there was nothing */
  readonly median_percent: string | null
}

/** Hours as the API sums them up, with those in between in which nothing was. */
export function hourBins(
  rows: readonly Pick<StatsRow, 'hour' | 'count' | 'median_profit_percent'>[],
  { from_ms, to_ms }: Span,
): Bin[] {
  const known = new Map(rows.map((row) => [Date.parse(row.hour ?? ''), row]))
  return starts(from_ms, to_ms, HOUR_MS).map((at) => {
    const row = known.get(at)
    return {
      from_ms: at,
      count: row?.count ?? 0,
      median_percent: row?.median_profit_percent ?? null,
    }
  })
}

/** Parts of a span for bins finer than the API has them: each is asked for by itself. */
export function partsOf({ from_ms, to_ms }: Span, bin_ms: number): Span[] {
  return starts(from_ms, to_ms, bin_ms).map((at) => ({
    from_ms: Math.max(at, from_ms),
    to_ms: Math.min(at + bin_ms, to_ms),
  }))
}

/** A bin for each part, from its sum. */
export function partBins(sums: readonly StatsAnswer[], bin_ms: number): Bin[] {
  return sums.map(({ from, total }) => ({
    from_ms: Math.floor(Date.parse(from) / bin_ms) * bin_ms,
    count: total?.count ?? 0,
    median_percent: total?.median_profit_percent ?? null,
  }))
}

function starts(from_ms: number, to_ms: number, bin_ms: number): number[] {
  const first = Math.floor(from_ms / bin_ms) * bin_ms
  const length = Math.max(Math.ceil((to_ms - first) / bin_ms), 0)
  return Array.from({ length }, (_, index) => first + index * bin_ms)
}

const LIFETIME_EDGES_MS = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000]

export interface LifetimeBin {
  /** shorter than this; null: no limit */
  readonly below_ms: number | null
  readonly from_ms: number
  readonly count: number
}

/** How many lived how long; the bins grow with the time, as lifetimes do. */
export function lifetimes(
  opportunities: readonly Pick<Opportunity, 'duration_ms'>[],
): LifetimeBin[] {
  const durations = opportunities.flatMap(({ duration_ms }) => duration_ms ?? [])
  return [...LIFETIME_EDGES_MS, null].map((below_ms, index) => {
    const from_ms = LIFETIME_EDGES_MS[index - 1] ?? 0
    const count = durations.filter((ms) => ms >= from_ms && (below_ms === null || ms < below_ms))
    return { below_ms, from_ms, count: count.length }
  })
}
