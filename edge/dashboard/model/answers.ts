/** Tells our own answers from anything else that may come back from the same address. */
import { isObject } from '../../../client/answers.ts'
import type { EdgeHealth } from '../../../shared/health.ts'
import type { Opportunity } from '../../../shared/opportunity.ts'
import type { Problem } from '../../../shared/problem.ts'
import type { StatsAnswer } from '../../../shared/stats.ts'

export function healthReport(body: unknown): EdgeHealth | null {
  return isObject(body) && isObject(body.worker) && isObject(body.exchanges)
    ? (body as unknown as EdgeHealth)
    : null
}

export function oneOpportunity(body: unknown): Opportunity | null {
  return isObject(body) && Array.isArray(body.legs) ? (body as unknown as Opportunity) : null
}

export function statsOf(body: unknown): StatsAnswer | null {
  return isObject(body) && Array.isArray(body.data) && 'total' in body
    ? (body as unknown as StatsAnswer)
    : null
}

/** Null when one of them is something else. */
export function allStats(...bodies: unknown[]): StatsAnswer[] | null {
  const sums = bodies.flatMap((body) => statsOf(body) ?? [])
  return sums.length === bodies.length ? sums : null
}

export interface HistoryPage {
  readonly data: readonly Opportunity[]
  readonly next_cursor: string | null
}

export function historyPage(body: unknown): HistoryPage | null {
  return isObject(body) && Array.isArray(body.data) && 'next_cursor' in body
    ? (body as unknown as HistoryPage)
    : null
}

/** What the API says of its refusal; null: it was not the API that answered. */
export function problemOf(body: unknown): Problem | null {
  return isObject(body) && typeof body.title === 'string' && typeof body.detail === 'string'
    ? (body as unknown as Problem)
    : null
}
