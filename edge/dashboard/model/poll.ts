/**
 * Asks a resource again and again, gently: not while the page is hidden, more slowly while it
 * fails, and never before the time the server asked for. One request at a time.
 */
import { Refused, reason, retryAfter_ms } from '../../../client/refused.ts'

interface PollOptions<T> {
  readonly url: string
  readonly every_ms: number
  /** What the body says, whatever the status (`/health` speaks at 503 too); null: not an answer. */
  readonly read: (body: unknown) => T | null
  readonly onAnswer: (answer: T) => void
  readonly onFailure: (reason: string) => void
}

const BACKOFF_MAX_MS = 60_000
const ANSWER_WITHIN_MS = 10_000

/** @returns a function that asks at once */
export function poll<T>(options: PollOptions<T>): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let failures = 0
  let asking = false
  let again = false

  async function ask(): Promise<void> {
    const response = await fetch(options.url, {
      cache: 'no-store',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    })
    const answer = options.read(await response.json().catch(() => null))
    if (answer === null) throw new Refused(response)
    options.onAnswer(answer)
  }

  async function turn(): Promise<void> {
    clearTimeout(timer)
    // The answer on its way may be older than the reason to ask.
    again = asking
    if (asking || document.hidden) return
    asking = true
    let wait_ms = options.every_ms
    try {
      await ask()
      failures = 0
    } catch (error) {
      failures++
      options.onFailure(reason(error))
      const backoff_ms = Math.min(options.every_ms * 2 ** failures, BACKOFF_MAX_MS)
      wait_ms = Math.max(backoff_ms, retryAfter_ms(error))
    }
    asking = false
    timer = setTimeout(turn, again ? 0 : wait_ms)
  }

  document.addEventListener('visibilitychange', turn)
  void turn()
  return () => void turn()
}
