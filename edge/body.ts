/** How large a body may be. Nothing here is asked with more than a few kilobytes. */
import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Edge } from './edge.ts'
import { refuse } from './problems.ts'

const BODY_MAX_BYTES = 64 * 1_024

/** Refuses a larger one as soon as that is known, whatever its sender says of it. */
export const limitedBody: MiddlewareHandler<Edge> = bodyLimit({
  maxSize: BODY_MAX_BYTES,
  onError: (c) => refuse(c, 'too_large', `at most ${BODY_MAX_BYTES} bytes are read`),
})
