/**
 * How long to wait before the next attempt: exponential with full jitter, so that a thousand
 * clients cut off at once do not come back at once. Randomness comes from the caller.
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */

/** 0 up to but not including 1 */
export type Random = () => number

export interface Backoff {
  readonly base_ms: number
  readonly cap_ms: number
}

/** `attempt` counts from 0. Uniform in [0, min(cap, base x 2^attempt)). */
export function backoff_ms(attempt: number, { base_ms, cap_ms }: Backoff, random: Random): number {
  return random() * Math.min(cap_ms, base_ms * 2 ** attempt)
}

/** Exchanges that refuse our address say so for a reason that no retry changes: ask rarely. */
export const BLOCKED_RETRY_MS = 600_000
/** The wait after 429 or 418 when the answer names none. */
export const THROTTLED_RETRY_MS = 60_000

/** HTTP 451, or 403: the exchange does not serve this address. */
export function isBlocked(status: number | undefined): boolean {
  return status === 451 || status === 403
}

/** HTTP 429, or Binance's 418 ("auto-banned for continuing to send requests after 429"). */
export function isThrottled(status: number | undefined): boolean {
  return status === 429 || status === 418
}

/** `Retry-After` in seconds, as exchanges send it; the date form is not used by any. */
export function retryAfter_ms(header: string | null | undefined): number {
  const seconds = Number(header ?? Number.NaN)
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : THROTTLED_RETRY_MS
}
