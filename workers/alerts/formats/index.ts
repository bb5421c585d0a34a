/**
 * Alerts as messages for people: one event, one request to a chat vendor. Pure: it sends nothing, and
 * whatever an event holds, the request is one that the vendor accepts.
 */
import type { Event } from '../../../shared/event.ts'
import type { EndpointEvent, WebhookFormat } from '../../../shared/webhook.ts'
import { describe } from './describe.ts'
import { discord } from './discord.ts'
import type { Context, Request } from './message.ts'
import { slack } from './slack.ts'
import { telegram } from './telegram.ts'

export { retryAfterMs } from './retry-after.ts'

const FORMATS = { slack, discord, telegram } satisfies Record<
  Exclude<WebhookFormat, 'standard'>,
  unknown
>

/** `url` is the subscription's. @throws TypeError when it, or `dashboard_url`, is no URL */
export function render(
  format: keyof typeof FORMATS,
  event: Event | EndpointEvent,
  context: Context & { readonly url: string },
): Request {
  return FORMATS[format](describe(event, context), context.url)
}
