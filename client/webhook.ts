/**
 * Checks that a webhook came from us and is fresh, by the Standard Webhooks specification.
 * `webhook-signature` holds two signatures while a secret rotates. Give it the body exactly as it
 * was received: JSON that was parsed and written again differs.
 */
import { type Clock, systemClock } from '../shared/clock.ts'
import type { Event } from '../shared/event.ts'
import { isSigned, signingKey } from '../shared/signature.ts'
import type { EndpointEvent } from '../shared/webhook.ts'

/** Older or newer messages are refused: somebody may send a recorded one again. */
const TOLERANCE_MS = 5 * 60_000

export class WebhookRefused extends Error {
  override name = 'WebhookRefused'
}

export interface Received {
  /** the request's headers, names in any case */
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: string
  /** whsec_… as it was shown */
  readonly secret: string
  readonly clock?: Pick<Clock, 'wall_ms'>
}

/** What was sent, an event or a word about a webhook of yours. @throws WebhookRefused when it was not sent by us, or not now */
export async function verifyWebhook(webhook: Received): Promise<Event | EndpointEvent> {
  const { body, clock = systemClock } = webhook
  const id = header(webhook, 'webhook-id')
  const timestamp = header(webhook, 'webhook-timestamp')
  const sent_ms = /^\d{1,12}$/.test(timestamp) ? Number(timestamp) * 1_000 : Number.NaN
  if (!(Math.abs(clock.wall_ms() - sent_ms) <= TOLERANCE_MS)) {
    throw new WebhookRefused('webhook-timestamp is not within five minutes of now')
  }
  const key = await signingKey(webhook.secret)
  if (await isSigned(key, { id, timestamp, body }, header(webhook, 'webhook-signature'))) {
    return JSON.parse(body)
  }
  throw new WebhookRefused('no signature in webhook-signature is right for this body and secret')
}

function header({ headers }: Received, name: string): string {
  const value =
    headers instanceof Headers
      ? headers.get(name)
      : Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1]
  if (typeof value !== 'string' || value === '') throw new WebhookRefused(`${name} is missing`)
  return value
}
