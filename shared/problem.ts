/** RFC 9457 problems. The list is closed: a client may switch over `type`. */
import { z } from 'zod'

export const PROBLEMS = {
  invalid_request: { status: 400, title: 'The request is not valid' },
  unauthorized: { status: 401, title: 'A valid API key is needed' },
  forbidden: { status: 403, title: 'The API key may not do this' },
  not_found: { status: 404, title: 'There is nothing here' },
  method_not_allowed: { status: 405, title: 'This method is not served here' },
  conflict: { status: 409, title: 'The request does not fit what is there now' },
  too_large: { status: 413, title: 'The body is too large' },
  idempotency_mismatch: {
    status: 422,
    title: 'The Idempotency-Key was used for another request',
  },
  rate_limited: { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'Something broke on our side' },
  unavailable: { status: 503, title: 'A store this answer needs is not reachable' },
} as const
export type ProblemType = keyof typeof PROBLEMS

export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string(),
  /** one entry for each bad field */
  errors: z
    .array(z.object({ field: z.string(), value: z.unknown(), expected: z.string() }))
    .optional(),
})
export type Problem = z.infer<typeof Problem>

/** Every `type` that there is. */
export const PROBLEM_TYPES = Object.keys(PROBLEMS).map((type) => `/problems/${type}`)

/** `type` is relative to the API's origin. */
export function problem(
  type: ProblemType,
  detail: string,
  instance: string,
  errors?: Problem['errors'],
): Problem {
  const { status, title } = PROBLEMS[type]
  const body: Problem = { type: `/problems/${type}`, title, status, detail, instance }
  return errors === undefined ? body : { ...body, errors }
}
