/**
 * Tells our own answers from anything else that may come back from the same address: a problem
 * document, a proxy's error page, nothing. Our own answers are trusted in their details.
 */

/** `{"data":[…]}` → the list; null when it is something else. */
export function list<T>(body: unknown): T[] | null {
  return isObject(body) && Array.isArray(body.data) ? body.data : null
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
