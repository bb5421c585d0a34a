/** How long an answer may be kept, in one place. A private answer would be no-store. */
import { etag, RETAINED_304_HEADERS } from 'hono/etag'

export const CACHE = {
  /** lists and whatever still changes */
  brief: 'public, max-age=1, stale-while-revalidate=5',
  /** sums, which one more hardly changes */
  summary: 'public, max-age=15, stale-while-revalidate=60',
  /** what has ended and is measured never changes again */
  forever: 'public, max-age=31536000, immutable',
  never: 'no-store',
  stream: 'no-cache, no-transform',
} as const

/** Weak tags, because compression on the way changes bytes. A 304 stays readable across origins. */
export const entityTag = () =>
  etag({
    weak: true,
    retainedHeaders: [
      ...RETAINED_304_HEADERS,
      'access-control-allow-origin',
      'access-control-expose-headers',
    ],
  })
