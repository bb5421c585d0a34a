/**
 * The one home of time. Ages are differences of `monotonic_ms`, which no clock step can bend;
 * `wall_ms` is only for what people and other machines read. Tests and replay pass their own clock.
 */

export interface Clock {
  /** milliseconds with fraction since some fixed moment; never goes back */
  monotonic_ms(): number
  /** milliseconds since 1970 UTC */
  wall_ms(): number
}

export const systemClock: Clock = {
  monotonic_ms: () => performance.now(),
  wall_ms: () => Date.now(),
}

/** RFC 3339 UTC with milliseconds. */
export function timestamp(wall_ms: number): string {
  return new Date(wall_ms).toISOString()
}
