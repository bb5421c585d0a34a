/** An HTTP answer that is not what was asked for, and how long the server wants to be left alone. */
import type { Problem } from '../shared/problem.ts'

/** A server that asks for more is not believed: people would think that their program hangs. */
const RETRY_AFTER_MAX_MS = 300_000
/** These may pass by themselves; every other refusal says that the request itself is wrong. */
const PASSING = [408, 425, 429]

export class Refused extends Error {
  override name = 'Refused'
  readonly status: number
  readonly retry_after_ms: number
  /** what the API said, where it was the API that answered */
  readonly problem: Problem | null

  constructor(response: Response, problem: Problem | null = null) {
    super(problem === null ? `the server answered ${response.status}` : describe(problem))
    this.status = response.status
    this.problem = problem
    // `Retry-After` may also be a date, which our own server never sends.
    const seconds = Number(response.headers.get('retry-after'))
    this.retry_after_ms = Number.isFinite(seconds)
      ? Math.min(seconds * 1_000, RETRY_AFTER_MAX_MS)
      : 0
  }

  /** Asking again as it is would be refused again. */
  get is_final(): boolean {
    // the same request, sent before, is still being worked on
    if (this.status === 409 && this.retry_after_ms > 0) return false
    return this.status >= 400 && this.status < 500 && !PASSING.includes(this.status)
  }
}

/** Reads what the server says of its refusal. */
export async function refusal(response: Response): Promise<Refused> {
  const is_problem = response.headers.get('content-type')?.startsWith('application/problem+json')
  const body: unknown = is_problem ? await response.json().catch(() => null) : null
  if (body === null) await response.body?.cancel().catch(() => undefined)
  return new Refused(response, body as Problem | null)
}

export function retryAfter_ms(error: unknown): number {
  return error instanceof Refused ? error.retry_after_ms : 0
}

/** For people: what went wrong. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function describe({ title, detail, errors = [] }: Problem): string {
  const fields = errors.map(
    ({ field, value, expected }) => `${field} (${JSON.stringify(value)}): ${expected}`,
  )
  return [`${title}: ${detail}`, ...fields].join('; ')
}
