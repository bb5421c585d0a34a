/**
 * One Upstash subscription: `POST /subscribe/<channel>` answered as an event stream of
 * `data: subscribe,<channel>,<count>` and `data: message,<channel>,<payload>`.
 * https://upstash.com/docs/redis/features/restapi#subscribe-command
 * It does not reconnect: whoever reads it knows what to replay, it does not.
 */
import type { StoreSettings } from '../environment.ts'
import { STORE_TIMEOUT_MS } from '../store/answer.ts'

/** The server will never serve this subscription: do not ask again, poll. */
export class SubscriptionRefused extends Error {}

interface Messages extends AsyncIterator<string, void> {
  close(): void
}
/** Resolves once the server has confirmed, so nothing published afterwards is missed. */
export type Subscribe = (channel: string, signal: AbortSignal) => Promise<Messages>

/** No event comes near this; a server that sends no line ends must not fill the memory. */
const LINE_MAX = 1_000_000

export function upstashSubscribe(settings: StoreSettings): Subscribe {
  return async (channel, signal) => {
    const own = new AbortController()
    const timer = setTimeout(() => own.abort(), STORE_TIMEOUT_MS)
    try {
      const base = settings.UPSTASH_REDIS_REST_URL.replace(/\/$/, '')
      const response = await fetch(`${base}/subscribe/${encodeURIComponent(channel)}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${settings.UPSTASH_REDIS_REST_TOKEN}`,
          accept: 'text/event-stream',
        },
        signal: AbortSignal.any([signal, own.signal]),
      })
      const body = await eventStream(response)
      const payloads = messages(lines(body), channel)
      const first = await payloads.next()
      if (first.done === true) throw new Error('the subscription ended before it began')
      return Object.assign(payloads, { close: () => own.abort() })
    } catch (error) {
      own.abort()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }
}

async function eventStream(response: Response): Promise<ReadableStream<Uint8Array>> {
  const type = response.headers.get('content-type') ?? ''
  if (response.ok && response.body !== null && type.startsWith('text/event-stream')) {
    return response.body
  }
  await response.body?.cancel()
  const refused = response.ok || (response.status >= 400 && response.status < 500)
  const what = `HTTP ${response.status} ${type}`
  throw refused ? new SubscriptionRefused(what) : new Error(what)
}

/** First the empty text when the server confirms, then each payload. */
async function* messages(
  source: AsyncIterable<string>,
  channel: string,
): AsyncGenerator<string, void> {
  const message = `data: message,${channel},`
  for await (const line of source) {
    if (line.startsWith(`data: subscribe,${channel},`)) yield ''
    else if (line.startsWith(message)) yield line.slice(message.length)
  }
}

async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder()
  const reader = body.getReader()
  let rest = ''
  try {
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return
      const parts = (rest + decoder.decode(value, { stream: true })).split('\n')
      rest = parts.pop() ?? ''
      if (rest.length > LINE_MAX) throw new Error('a line of the subscription is too long')
      yield* parts
    }
  } finally {
    reader.cancel().catch(() => undefined)
  }
}
