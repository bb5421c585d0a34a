/**
 * One lasting subscription to the event stream. It resumes after the last event it saw, backs off
 * with jitter, and drops a link that went silent. `EventSource` does none of the last two: it gives
 * up on any HTTP error and hides the server's heartbeat comments.
 * It does not judge events and keeps none.
 */
import type { Clock } from '../shared/clock.ts'
import type { Event } from '../shared/event.ts'
import type { Opportunity } from '../shared/opportunity.ts'
import { isObject, list } from './answers.ts'
import { Refused, reason, refusal, retryAfter_ms } from './refused.ts'
import { type Frame, frameReader } from './sse.ts'

/** The server comments every 15 s: three missed in a row mean that the link is dead. */
export const SILENCE_MAX_MS = 45_000
/** Waiting times double from the first, or from the server's `retry`, to the last. */
const RETRY_FIRST_MS = 1_000
const RETRY_MAX_MS = 30_000
/** A stream that lived this long ended by the server's own schedule, not because it is ill. */
const HEALTHY_AFTER_MS = 10_000

interface StreamHandlers {
  onOpen?(): void
  /** `retry_at_ms` is wall time; `reason` is for people. */
  onLost?(reason: string, retry_at_ms: number): void
  /** The request itself is refused. Without this handler it is tried again like any other failure. */
  onRefused?(refused: Refused): void
  /** Nothing more is read until it is done. */
  onEvent(event: Event): void | Promise<void>
  /** The server no longer has our place in the stream: this is everything that is live now. */
  onReset(opportunities: Opportunity[]): void | Promise<void>
}

export interface StreamOptions extends StreamHandlers {
  readonly url: string
  /** such as authorization */
  readonly headers?: Readonly<Record<string, string>>
  /** the last event that was seen on an earlier stream */
  readonly last_event_id?: string
  readonly clock: Clock
  /** uniform in [0, 1) */
  readonly random: () => number
  readonly fetch: typeof fetch
}

export interface Stream {
  /** Tries again at once instead of waiting: the network is back, or the page is looked at. */
  retryNow(): void
  close(): void
}

export function openStream(options: StreamOptions): Stream {
  const { clock, random } = options
  const closing = new AbortController()
  let last_event_id = options.last_event_id ?? ''
  let server_retry_ms: number | null = null
  let wake = () => {}

  async function deliver(frame: Frame): Promise<void> {
    const message = parse(frame)
    if (message?.kind === 'event') await options.onEvent(message.event)
    else if (message?.kind === 'reset') await options.onReset(message.opportunities)
  }

  /** Reads one connection to its end. @throws whatever ends it, a clean end included. */
  async function connection(): Promise<never> {
    const link = new AbortController()
    const abort = () => link.abort(closing.signal.reason)
    closing.signal.addEventListener('abort', abort)
    let silence: ReturnType<typeof setTimeout> | undefined
    const heard = () => {
      clearTimeout(silence)
      silence = setTimeout(
        () => link.abort(new Error('the server has been silent for too long')),
        SILENCE_MAX_MS,
      )
    }
    try {
      heard()
      const headers: Record<string, string> = { ...options.headers, accept: 'text/event-stream' }
      if (last_event_id !== '') headers['last-event-id'] = last_event_id
      const response = await options.fetch(options.url, {
        headers,
        cache: 'no-store',
        signal: link.signal,
      })
      if (!response.ok || response.body === null) throw await refusal(response)
      options.onOpen?.()
      const reader = frameReader()
      for await (const chunk of chunks(response.body)) {
        clearTimeout(silence)
        for (const frame of reader.push(chunk)) await deliver(frame)
        last_event_id = reader.lastEventId() ?? last_event_id
        server_retry_ms = reader.retry_ms() ?? server_retry_ms
        heard()
      }
      throw new Error('the server ended the stream')
    } finally {
      clearTimeout(silence)
      closing.signal.removeEventListener('abort', abort)
      // a handler that threw has left it open
      link.abort()
    }
  }

  async function run(): Promise<void> {
    let failures = 0
    while (!closing.signal.aborted) {
      const started_ms = clock.monotonic_ms()
      const error = await connection().catch((thrown: unknown) => thrown)
      if (closing.signal.aborted) return
      if (options.onRefused !== undefined && error instanceof Refused && error.is_final) {
        return options.onRefused(error)
      }
      const healthy = clock.monotonic_ms() - started_ms >= HEALTHY_AFTER_MS
      failures = healthy ? 0 : failures + 1
      const first_ms = server_retry_ms ?? RETRY_FIRST_MS
      const longest_ms = Math.min(first_ms * 2 ** Math.max(failures - 1, 0), RETRY_MAX_MS)
      // At least half of the wait is kept, so that jitter spreads readers but never makes a storm.
      const jittered_ms = healthy ? random() * first_ms : longest_ms * (0.5 + random() / 2)
      const wait_ms = Math.max(jittered_ms, retryAfter_ms(error))
      options.onLost?.(reason(error), clock.wall_ms() + wait_ms)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, wait_ms)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      wake = () => {}
    }
  }

  void run()
  return {
    retryNow: () => wake(),
    close() {
      closing.abort(new Error('closed'))
      wake()
    },
  }
}

/** Safari reads streams but cannot iterate over them. */
async function* chunks(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    yield decoder.decode(value, { stream: true })
  }
}

/** Complete by its type. The list in shared/event.ts would bring every schema into the page. */
const KNOWN: Record<Event['type'], true> = {
  'opportunity.detected': true,
  'opportunity.updated': true,
  'opportunity.expired': true,
  'opportunity.measured': true,
  'exchange.status': true,
}

type Message =
  | { kind: 'event'; event: Event }
  | { kind: 'reset'; opportunities: Opportunity[] }
  | null

/** Null for what this page does not understand: a newer server may say more than we know. */
function parse(frame: Frame): Message {
  let body: unknown
  try {
    body = JSON.parse(frame.data)
  } catch {
    return null
  }
  if (frame.event === 'reset') {
    const opportunities = list<Opportunity>(body)
    return opportunities && { kind: 'reset', opportunities }
  }
  if (!Object.hasOwn(KNOWN, frame.event) || !isObject(body) || !isObject(body.data)) return null
  return { kind: 'event', event: body as unknown as Event }
}
