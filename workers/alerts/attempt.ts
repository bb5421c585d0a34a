/**
 * One attempt: the message as the endpoint's format wants it, signed, sent through the wall, and the
 * answer as a verdict. It neither waits nor tries again, but for a connection that broke at once: a
 * kept connection that the receiver has just closed says nothing about the receiver.
 */
import type { Clock } from '../../shared/clock.ts'
import type { Event } from '../../shared/event.ts'
import { sign, signingKey } from '../../shared/signature.ts'
import type { EndpointEvent } from '../../shared/webhook.ts'
import type { Answer, Egress, Post } from './egress.ts'
import type { Endpoint } from './endpoint.ts'
import { render, retryAfterMs } from './formats/index.ts'
import type { Message } from './message.ts'

export interface AttemptOptions {
  readonly egress: Egress
  readonly clock: Clock
  /** where messages for people say that there is more to read; null: nowhere */
  readonly dashboard_url: string | null
}

export interface Outcome {
  readonly success: boolean
  /** it will never want anything again (410) */
  readonly gone: boolean
  /** nothing at all came back in time */
  readonly hung: boolean
  /** it wants to be left alone for so long; null: it does not say */
  readonly hold_ms: number | null
  readonly response_status: number | null
  readonly response_excerpt: string | null
  readonly error: string | null
  readonly duration_ms: number
}

const USER_AGENT = 'Spreadwire-Webhooks/1'
const EXCERPT_LENGTH = 1_000
const AT_ONCE_MS = 1_000
/** Answers that ask for less, even where they do not say for how long. */
const THROTTLING = new Set([429, 502, 504])
const HOLD_MS = 5_000
const HOLD_MIN_MS = 1_000
const HOLD_MAX_MS = 600_000

export type Attempt = (endpoint: Endpoint, message: Message) => Promise<Outcome>

export function createAttempt({ egress, clock, dashboard_url }: AttemptOptions): Attempt {
  const keys = new WeakMap<Endpoint, ReturnType<typeof keysOf>>()
  const signatures = async (endpoint: Endpoint, message: Message, seconds: string) => {
    const known = keys.get(endpoint) ?? keysOf(endpoint)
    keys.set(endpoint, known)
    const { current, previous } = await known
    const { previous_secret_until } = endpoint
    const is_rotating = previous_secret_until !== null && previous_secret_until > clock.wall_ms()
    const valid = previous !== null && is_rotating ? [current, previous] : [current]
    const signed = { id: message.id, timestamp: seconds, body: message.body }
    return (await Promise.all(valid.map((key) => sign(key, signed)))).join(' ')
  }

  const requestFor = async (endpoint: Endpoint, message: Message): Promise<Post> => {
    const headers = { 'user-agent': USER_AGENT }
    if (endpoint.format !== 'standard') {
      // Our own words, which were an event when they were written.
      const event = JSON.parse(message.body) as Event | EndpointEvent
      const context = { dashboard_url, now_ms: clock.wall_ms(), url: endpoint.url }
      const { url, body, content_type } = render(endpoint.format, event, context)
      return { url, body, headers: { ...headers, 'content-type': content_type } }
    }
    const seconds = String(Math.floor(clock.wall_ms() / 1_000))
    return {
      url: endpoint.url,
      body: message.body,
      headers: {
        ...headers,
        'content-type': 'application/json',
        'webhook-id': message.id,
        'webhook-timestamp': seconds,
        'webhook-signature': await signatures(endpoint, message, seconds),
      },
    }
  }

  return async (endpoint, message) => {
    const post = await requestFor(endpoint, message)
    const first = await egress.post(post)
    const broke = first.kind === 'unreachable' && first.duration_ms < AT_ONCE_MS
    return judge(endpoint, broke ? await egress.post(post) : first)
  }
}

async function keysOf({ secret, previous_secret }: Endpoint) {
  const previous = previous_secret === null ? null : await signingKey(previous_secret)
  return { current: await signingKey(secret), previous }
}

function judge({ format }: Endpoint, answer: Answer): Outcome {
  const { duration_ms } = answer
  if (answer.kind !== 'answered') {
    return {
      success: false,
      gone: false,
      hung: answer.kind === 'timeout',
      hold_ms: null,
      response_status: null,
      response_excerpt: null,
      error: answer.error,
      duration_ms,
    }
  }
  const { status, headers, body } = answer
  const asked_ms = retryAfterMs(format, status, headers, body)
  const holds = asked_ms !== null || THROTTLING.has(status)
  return {
    success: status >= 200 && status < 300,
    gone: status === 410,
    hung: false,
    hold_ms: holds ? Math.min(Math.max(asked_ms ?? HOLD_MS, HOLD_MIN_MS), HOLD_MAX_MS) : null,
    response_status: status,
    response_excerpt: storable(body),
    error: status >= 300 && status < 400 ? 'a redirect is not followed' : null,
    duration_ms,
  }
}

/** PostgreSQL stores no NUL, and half of a character is none. */
function storable(text: string): string {
  return text.slice(0, EXCERPT_LENGTH).replaceAll('\0', '').toWellFormed()
}
