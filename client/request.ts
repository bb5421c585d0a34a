/**
 * One request, asked again when the server is busy or cannot be heard and asking again cannot do
 * anything twice: a read, a change that says how things shall be, or a POST, which carries an
 * Idempotency-Key of its own.
 */
import { randomId } from '../shared/base62.ts'
import { isObject, list } from './answers.ts'
import { Refused, refusal, retryAfter_ms } from './refused.ts'

/** A busy server is asked so often in all. */
const ATTEMPTS = 3
const RETRY_FIRST_MS = 250
const RETRY_LAST_MS = 10_000

export interface Requester {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly fetch: typeof fetch
  /** uniform in [0, 1) */
  readonly random: () => number
}

export interface Asking {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly query?: object | undefined
  /** sent as JSON */
  readonly body?: object | undefined
}

/** @throws Refused, or TypeError when the server cannot be reached */
export async function request(
  requester: Requester,
  path: string,
  { method = 'GET', query = {}, body }: Asking = {},
): Promise<Response> {
  const url = address(requester.url, path, query)
  const headers: Record<string, string> = { ...requester.headers }
  if (body !== undefined) headers['content-type'] = 'application/json'
  if (method === 'POST') headers['idempotency-key'] = randomId('')
  const content = body === undefined ? {} : { body: JSON.stringify(body) }
  for (let attempt = 1; ; attempt++) {
    const answer = await requester.fetch(url, { method, headers, ...content }).catch(lost)
    const is_lost = answer instanceof TypeError
    if (!is_lost && answer.ok) return answer
    const error = is_lost ? answer : await refusal(answer)
    // what is gone now was there when it was asked first
    if (method === 'DELETE' && attempt > 1 && error instanceof Refused && error.status === 404) {
      return new Response(null, { status: 204 })
    }
    if ((error instanceof Refused && error.is_final) || attempt === ATTEMPTS) throw error
    const backoff_ms = RETRY_FIRST_MS * 2 ** attempt * (0.5 + requester.random() / 2)
    const wait_ms = Math.max(backoff_ms, retryAfter_ms(error))
    if (wait_ms > RETRY_LAST_MS) throw error
    await new Promise((resolve) => setTimeout(resolve, wait_ms))
  }
}

/** The server cannot be heard, whatever it did; anything else is a mistake of ours. */
function lost(error: unknown): TypeError {
  if (error instanceof TypeError) return error
  throw error
}

/** Everything of a list, page by page as it is read. @throws as request */
export async function* pages<T>(
  requester: Requester,
  path: string,
  query: object | undefined,
): AsyncGenerator<T, void> {
  for (let cursor: string | undefined; ; ) {
    const page = await (await request(requester, path, { query: { ...query, cursor } })).json()
    const found = list<T>(page)
    if (found === null) throw new TypeError(`${requester.url}${path} did not answer with a list`)
    yield* found
    const next = isObject(page) ? page.next_cursor : null
    if (typeof next !== 'string') return
    cursor = next
  }
}

/** Null where there is none. @throws whatever else came of it */
export async function orNothing<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null
    throw error
  }
}

export function address(base: string, path: string, query: object): string {
  const url = new URL(path, base)
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value))
  }
  return url.href
}
