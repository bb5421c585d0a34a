/**
 * What a caller is told of its limits: the fields of the current draft, and Retry-After.
 * https://www.ietf.org/archive/id/draft-ietf-httpapi-ratelimit-headers-10.html
 */
import type { Context } from 'hono'
import type { Edge } from './edge.ts'
import { type Verdict, WINDOW_S } from './limits.ts'
import { refuse } from './problems.ts'

export function setRateHeaders(headers: Headers, verdict: Verdict): void {
  headers.set('ratelimit-policy', `"${verdict.name}";q=${verdict.quota};w=${WINDOW_S}`)
  setRate(headers, verdict)
}

/** What is left, where the policy is said already. */
export function setRate(headers: Headers, { name, remaining, reset_s }: Verdict): void {
  headers.set('ratelimit', `"${name}";r=${remaining};t=${reset_s}`)
}

export function refuseTooMany(c: Context<Edge>, verdict: Verdict): Response {
  const { name, quota, reset_s } = verdict
  const what = name.replace('-', ' ')
  const detail = `${what}: at most ${quota} in ${WINDOW_S} s; try again in ${reset_s} s`
  const response = refuse(c, 'rate_limited', detail)
  setRateHeaders(response.headers, verdict)
  response.headers.set('retry-after', String(reset_s))
  return response
}
