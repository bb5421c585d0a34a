/** An HTTP answer that is not what was asked for, and how long the server wants to be left alone. */

/** A server that asks for more is not believed: people would think that the page is broken. */
const RETRY_AFTER_MAX_MS = 300_000

export class Refused extends Error {
  readonly retry_after_ms: number

  constructor(response: Response) {
    super(`the server answered ${response.status}`)
    // `Retry-After` may also be a date, which our own server never sends.
    const seconds = Number(response.headers.get('retry-after'))
    this.retry_after_ms = Number.isFinite(seconds)
      ? Math.min(seconds * 1_000, RETRY_AFTER_MAX_MS)
      : 0
  }
}

export function retryAfter_ms(error: unknown): number {
  return error instanceof Refused ? error.retry_after_ms : 0
}

/** For people: what went wrong. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
