/**
 * Webhook subscriptions: what an owner asks for, what is shown of it, and what became of each attempt
 * to deliver. A secret is shown when it is made and never again.
 */
import { z } from 'zod'
import { randomBytes, randomId } from './base62.ts'
import { EVENT_TYPES, EventType } from './event.ts'
import { Filters } from './filters.ts'
import { Timestamp } from './opportunity.ts'

const list = (values: readonly string[]) => values.join(', ')

/** `standard` is the event itself, signed; the others are messages for people. */
export const WEBHOOK_FORMATS = ['standard', 'slack', 'discord', 'telegram'] as const
export const WebhookFormat = z.enum(WEBHOOK_FORMATS, `one of ${list(WEBHOOK_FORMATS)}`)
export type WebhookFormat = z.infer<typeof WebhookFormat>

export const WEBHOOK_ID = /^wh_[0-9A-Za-z]{22}$/
/** A message that is no event of the stream has an id of its own (`newMessageId`). */
export const MESSAGE_ID = /^(\d{1,20}-\d{1,20}|msg_[0-9A-Za-z]{22})$/
/** Endpoints of one key. */
export const WEBHOOKS_MAX = 100
const INTERVAL_MAX_MS = 86_400_000
const SECRET_BYTES = 32

const WebhookEventTypes = z
  .array(EventType, `a list of ${list(EVENT_TYPES)}`)
  .min(1, `one or more of ${list(EVENT_TYPES)}`)
  .refine((types) => new Set(types).size === types.length, 'each type once')

const asked = {
  /** judged by shared/egress.ts, and again at every dial */
  url: z
    .string('an absolute URL, such as https://example.com/hooks')
    .describe('where to; for slack, discord and telegram the address that they gave you'),
  event_types: WebhookEventTypes.describe('what about'),
  filters: Filters.describe('only what passes all of them, as in /v1/opportunities'),
  format: WebhookFormat.describe('the event itself, signed, or a message for people'),
  min_interval_ms: z
    .int(`a whole number from 0 to ${INTERVAL_MAX_MS}`)
    .min(0, `a whole number from 0 to ${INTERVAL_MAX_MS}`)
    .max(INTERVAL_MAX_MS, `a whole number from 0 to ${INTERVAL_MAX_MS}`)
    .describe('at most one alert about the same legs in it, with the newest state; 0: every one'),
  enabled: z.boolean('true or false').describe('false: nothing is sent'),
}

export const NewWebhook = z.strictObject({
  ...asked,
  event_types: asked.event_types.default(['opportunity.detected']),
  filters: asked.filters.default({}),
  format: asked.format.default('standard'),
  min_interval_ms: asked.min_interval_ms.default(0),
  enabled: asked.enabled.default(true),
})
export type NewWebhook = z.infer<typeof NewWebhook>

/** Only what is given changes; `filters` changes as a whole. */
export const WebhookChange = z.strictObject(asked).partial()
export type WebhookChange = z.infer<typeof WebhookChange>

/** Why an endpoint is off: its owner, five days of failure, or its own answer 410. */
const DisabledReason = z.enum(['owner', 'failing', 'gone'])
export type DisabledReason = z.infer<typeof DisabledReason>

export const Webhook = z.object({
  id: z.string().regex(WEBHOOK_ID),
  ...asked,
  disabled_reason: DisabledReason.nullable().describe(
    'why it is off: its owner, five days of failure, or its own answer 410',
  ),
  failing_since: Timestamp.nullable().describe(
    'the first failure since the last success; null while deliveries succeed',
  ),
  previous_secret_until: Timestamp.nullable().describe(
    'until then the secret before the last rotation signs too',
  ),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export type Webhook = z.infer<typeof Webhook>

/** A webhook with its secret, shown when that is made. */
export const MadeWebhook = Webhook.extend({
  secret: z.string().describe('signs every delivery; shown this once'),
})
export type MadeWebhook = z.infer<typeof MadeWebhook>

const about_endpoint = {
  webhook_id: z.string().regex(WEBHOOK_ID),
  /** the host of its url, of which the rest may be a secret */
  url_host: z.string(),
}

/** About an endpoint and not about a market; nobody subscribes to it. The envelope is the events'. */
export const EndpointEvent = z.discriminatedUnion('type', [
  /** to the owner's other endpoints */
  z.object({
    id: z.string().regex(MESSAGE_ID),
    type: z.literal('endpoint.disabled'),
    timestamp: Timestamp,
    data: z.object({
      ...about_endpoint,
      reason: DisabledReason.exclude(['owner']),
      failing_since: Timestamp.nullable(),
    }),
  }),
  /** to the endpoint itself, when its owner wants to see one */
  z.object({
    id: z.string().regex(MESSAGE_ID),
    type: z.literal('endpoint.test'),
    timestamp: Timestamp,
    data: z.object(about_endpoint),
  }),
])
export type EndpointEvent = z.infer<typeof EndpointEvent>

/**
 * `failure`: it is tried again while there is time. `expired`: nobody took it in time, and it is not
 * tried again. `missed`: the endpoint was off when it happened; it can be replayed.
 */
export const ATTEMPT_RESULTS = ['success', 'failure', 'expired', 'missed'] as const
export const AttemptResult = z.enum(ATTEMPT_RESULTS, `one of ${list(ATTEMPT_RESULTS)}`)
export type AttemptResult = z.infer<typeof AttemptResult>

export const WebhookAttempt = z.object({
  message_id: z
    .string()
    .describe('the webhook-id that the receiver saw, on every attempt the same'),
  event_type: z.string(),
  attempt: z.int().min(0).describe('from 1; 0 where nothing was sent'),
  result: AttemptResult.describe(
    'success; failure: tried again while there is time; expired: nobody took it in time; missed: ' +
      'the webhook was off',
  ),
  response_status: z.int().nullable(),
  response_excerpt: z.string().nullable().describe('how the answer began'),
  error: z.string().nullable(),
  duration_ms: z.int().nullable(),
  attempted_at: Timestamp,
})
export type WebhookAttempt = z.infer<typeof WebhookAttempt>

/** A replay of a time covers at most so much of it, and any replay at most so many messages. */
export const REPLAY_RANGE_MAX_MS = 7 * 86_400_000
export const REPLAY_MESSAGES_MAX = 10_000

/** What is to be delivered once more, as its owner asks for it. */
export type ReplayRequest =
  | { readonly message_id: string }
  /** RFC 3339 times of events: from this one on, and before that one */
  | { readonly from: string; readonly to: string }
  /** what happened while the endpoint was off, and was not delivered since */
  | { readonly missed: true }

/** The sample's webhook-id, by which its attempts are found. */
export const Testing = z.object({ message_id: z.string() })
export type Testing = z.infer<typeof Testing>

export const Replaying = z.object({
  replay_id: z.string(),
  /** as many as there were when it was asked */
  message_count: z.int().min(0),
})
export type Replaying = z.infer<typeof Replaying>

/** What the edge asks of the worker, through the stream KEYS.webhook_commands (field `data`, JSON). */
export const WebhookCommand = z.discriminatedUnion('kind', [
  /** a sample of the first subscribed type, or `endpoint.test` where there is none */
  z.object({ kind: z.literal('test'), webhook_id: z.string(), message_id: z.string() }),
  /** once more, with the ids they had: one message, a time (of the event), or all that were missed */
  z.object({
    kind: z.literal('replay'),
    webhook_id: z.string(),
    replay_id: z.string(),
    what: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('message'), message_id: z.string() }),
      z.object({ kind: z.literal('range'), from: Timestamp, to: Timestamp }),
      z.object({ kind: z.literal('missed') }),
    ]),
  }),
])
export type WebhookCommand = z.infer<typeof WebhookCommand>

/** PostgreSQL's channel on which every change of webhook_endpoints is notified, with its id. */
export const WEBHOOKS_CHANNEL = 'webhook_endpoints'

export function newWebhookId(): string {
  return randomId('wh_')
}

export function newMessageId(): string {
  return randomId('msg_')
}

/** whsec_ and base64 of 32 random bytes (Standard Webhooks: 24 to 64). */
export function newWebhookSecret(): string {
  return `whsec_${btoa(String.fromCharCode(...randomBytes(SECRET_BYTES)))}`
}
