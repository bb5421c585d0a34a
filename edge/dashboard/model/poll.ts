/**
 * Asks a resource again and again, gently: not while the page is hidden, more slowly while it
 * fails, and never before the time the server asked for. One request at a time.
 */

import { Refused, reason, retryAfter_ms } from '../../../client/refused.ts'
import { problemOf } from './answers.ts'

interface PollOptions<T> {
  /** asked together: the answer is that of all of them, or none */
  readonly urls: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  /** null: once, and again only when told or when it failed */
  readonly every_ms: number | null
  /** What the bodies say, whatever the status (`/health` speaks at 503 too); null: not an answer. */
  readonly read: (...bodies: unknown[]) => T | null
  readonly onAnswer: (answer: T) => void
  readonly onFailure: (reason: string, error: unknown) => void
}

export interface Poll {
  /** Asks at once. */
  now(): void
  stop(): void
}

/** What is asked once is tried again this long after a failure. */
const RETRY_MS = 5_000
const BACKOFF_MAX_MS = 60_000
const ANSWER_WITHIN_MS = 10_000

export function poll<T>(options: PollOptions<T>): Poll {
  const { every_ms } = options
  const stopping = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  let failures = 0
  let asking = false
  let again = false

  async function ask(): Promise<void> {
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(ANSWER_WITHIN_MS)])
    const { headers = {} } = options
    const responses = await Promise.all(
      options.urls.map((url) => fetch(url, { cache: 'no-store', signal, headers })),
    )
    const bodies = await Promise.all(
      responses.map((response): Promise<unknown> => response.json().catch(() => null)),
    )
    const answer = options.read(...bodies)
    if (answer === null) throw refusalOf(responses, bodies)
    if (!stopping.signal.aborted) options.onAnswer(answer)
  }

  async function turn(): Promise<void> {
    clearTimeout(timer)
    // The answer on its way may be older than the reason to ask.
    again = asking
    if (asking || document.hidden || stopping.signal.aborted) return
    asking = true
    let wait_ms = every_ms
    try {
      await ask()
      failures = 0
      answered = true
    } catch (error) {
      if (stopping.signal.aborted) return
      failures++
      options.onFailure(reason(error), error)
      const backoff_ms = Math.min((every_ms ?? RETRY_MS) * 2 ** failures, BACKOFF_MAX_MS)
      // A request that is wrong as it stands would only be refused again.
      const is_wrong = every_ms === null && error instanceof Refused && error.is_final
      wait_ms = is_wrong ? null : Math.max(backoff_ms, retryAfter_ms(error))
    }
    asking = false
    if (stopping.signal.aborted) return
    if (again) timer = setTimeout(turn, 0)
    else if (wait_ms !== null) timer = setTimeout(turn, wait_ms)
  }

  // What is asked once is not asked again because somebody looked away meanwhile.
  let answered = false
  function look(): void {
    if (every_ms !== null || !answered) void turn()
  }

  document.addEventListener('visibilitychange', look)
  void turn()
  return {
    now: () => void turn(),
    stop() {
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', look)
      stopping.abort(new Error('nobody asks any more'))
    },
  }
}

/** The first that was refused speaks for all. */
function refusalOf(responses: readonly Response[], bodies: readonly unknown[]): Error {
  const index = Math.max(
    responses.findIndex(({ ok }) => !ok),
    0,
  )
  const response = responses[index]
  return response === undefined
    ? new RangeError('nothing was asked')
    : new Refused(response, problemOf(bodies[index]))
}
