/**
 * How long a receiver asks us to wait, in the words of its vendor. A wait that nobody can mean is cut;
 * whether it is honoured is not decided here.
 */
import { systemClock } from '../../../shared/clock.ts'
import type { WebhookFormat } from '../../../shared/webhook.ts'

export type Headers = Readonly<Record<string, string | string[] | undefined>>

const HTTP_DATE = /^[A-Z][a-z]{2,8}, .+ GMT$/
const LONGEST_MS = 24 * 3_600_000

/**
 * Milliseconds; null when it does not ask. Names of headers are lower case, as clients give them.
 * Discord: https://docs.discord.com/developers/topics/rate-limits
 * Telegram: https://core.telegram.org/bots/api#responseparameters
 */
export function retryAfterMs(
  format: WebhookFormat,
  status: number,
  headers: Headers,
  body: string,
): number | null {
  if (status < 400) return null
  const header = fromHeader(headers)
  switch (format) {
    case 'standard':
    case 'slack':
      return header
    case 'discord':
      // the body is to the millisecond; without one the way to Discord itself refused us
      return (
        seconds(field(json(body), 'retry_after')) ??
        header ??
        seconds(first(headers['x-ratelimit-reset-after']))
      )
    case 'telegram':
      return seconds(field(field(json(body), 'parameters'), 'retry_after')) ?? header
  }
}

/** Seconds, or a date by the receiver's own clock. https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 */
function fromHeader(headers: Headers): number | null {
  const value = first(headers['retry-after'])
  if (value === undefined) return null
  const wait_ms = seconds(value)
  if (wait_ms !== null) return wait_ms
  const until_ms = HTTP_DATE.test(value) ? Date.parse(value) : Number.NaN
  if (Number.isNaN(until_ms)) return null
  const theirs_ms = Date.parse(first(headers.date) ?? '')
  const now_ms = Number.isNaN(theirs_ms) ? systemClock.wall_ms() : theirs_ms
  return limited(until_ms - now_ms)
}

function seconds(value: unknown): number | null {
  const text = typeof value === 'number' ? String(value) : value
  if (typeof text !== 'string' || !/^\s*\d+(\.\d+)?\s*$/.test(text)) return null
  return limited(Number(text) * 1_000)
}

/** Rounded up: a moment too early is refused again. */
function limited(wait_ms: number): number {
  return Math.min(Math.max(Math.ceil(wait_ms), 0), LONGEST_MS)
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)[name]
    : undefined
}
