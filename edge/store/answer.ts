/**
 * An answer of a store, or the fact that it could not be had. A store being away is expected, so it
 * is a value; what the driver said goes to the log and never to a client.
 */
import type { Log } from '../../shared/log.ts'

export type StoreName = 'redis' | 'postgres'

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly store: StoreName; readonly reason: string }

/** How long a store may take before it counts as away. */
export const STORE_TIMEOUT_MS = 3_000

export async function ask<T>(
  store: StoreName,
  log: Log,
  question: () => Promise<T>,
): Promise<Answer<T>> {
  try {
    return { ok: true, value: await question() }
  } catch (error) {
    const reason = isTimeout(error) ? `no answer within ${STORE_TIMEOUT_MS} ms` : 'not reachable'
    log.error(`${store} did not answer`, { store, reason, error: describe(error) })
    return { ok: false, store, reason }
  }
}

function isTimeout(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return error.name === 'TimeoutError' || isTimeout(error.cause)
}

/** The first line only: drivers append whole queries and stacks. */
function describe(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  const cause = error instanceof Error && error.cause !== undefined ? describe(error.cause) : ''
  return [text.split('\n', 1)[0], cause].filter(Boolean).join(' <- ').slice(0, 500)
}
