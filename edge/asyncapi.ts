/**
 * The AsyncAPI description of what is pushed: the event stream and the webhooks. Its schemas are
 * generated from the ones that every event is held to; it describes nothing that they do not say.
 * https://www.asyncapi.com/docs/reference/specification/v3.0.0
 */
import { z } from 'zod'
import { Event, type EventType } from '../shared/event.ts'
import { ExchangeStatus } from '../shared/health.ts'
import { Opportunity } from '../shared/opportunity.ts'
import { EndpointEvent } from '../shared/webhook.ts'
import { StreamQuery } from './parameters.ts'

/** Draft 7 is what AsyncAPI takes a schema for when it is not told otherwise. */
const TARGET = 'draft-7'

/** What each event means; the compiler asks for a line of every new one. */
const MEANINGS: Readonly<Record<EventType, string>> = {
  'opportunity.detected': 'An opportunity can be taken.',
  'opportunity.updated': 'Its figures have changed.',
  'opportunity.expired': 'It can no longer be taken; `expiry_reason` says why.',
  'opportunity.measured':
    'Its last markout is known, about a second after the detection, open or not: once for each.',
  'exchange.status': 'The state of an exchange has changed.',
}
const ENDPOINT_MEANINGS: Readonly<Record<EndpointEvent['type'], string>> = {
  'endpoint.disabled':
    'Another webhook of yours was switched off: it failed for five days, or answered 410.',
  'endpoint.test': 'You asked for a test of this webhook.',
}

const Reset = z.object({ data: z.array(Opportunity) })

const WebhookHeaders = z.object({
  'content-type': z.literal('application/json'),
  'webhook-id': z.string().describe('id of the message, the same on every retry and replay'),
  'webhook-timestamp': z.string().regex(/^\d+$/).describe('seconds since 1970 of this attempt'),
  'webhook-signature': z
    .string()
    .describe(
      '`v1,` and the base64 HMAC-SHA256 of `{webhook-id}.{webhook-timestamp}.{body}`, keyed by the ' +
        'bytes of the secret after `whsec_`; two, separated by a space, while a secret is rotated',
    ),
})

const pascal = (type: string) =>
  type.replace(/(^|\.)(\w)/g, (_match, _dot, first: string) => first.toUpperCase())
/** Not the name of what it carries: there is an ExchangeStatus already. */
const envelope = (type: string) => `${pascal(type)}Event`
const to = (...path: string[]) => ({ $ref: `#/${path.join('/')}` })

/** Every kind of event with its own envelope. */
const EVENTS = Event.options.flatMap((option) => {
  const { type } = option.shape
  const types: readonly EventType[] = 'options' in type ? type.options : [...type.values]
  return types.map((one) => ({ type: one, schema: option.extend({ type: z.literal(one) }) }))
})

/** What is only sent to webhooks, about them. */
const ENDPOINT_EVENTS = EndpointEvent.options.map((schema) => ({
  type: schema.shape.type.value,
  schema,
}))

/** @param origin of the API, such as https://api.example.com */
export function asyncApi(origin: string) {
  const { host, protocol } = new URL(origin)
  const streamed = [...EVENTS.map(({ type }) => pascal(type)), 'Reset']
  const delivered = [...EVENTS, ...ENDPOINT_EVENTS].map(({ type }) => `${pascal(type)}Webhook`)
  const refs = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, to('components', 'messages', name)]))
  const operation = (channel: string, names: readonly string[], summary: string, http: object) => ({
    action: 'send',
    channel: to('channels', channel),
    summary,
    messages: names.map((name) => to('channels', channel, 'messages', name)),
    bindings: { http: { ...http, bindingVersion: '0.3.0' } },
  })
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Spreadwire events',
      version: '1.0.0',
      description:
        'One event, wherever it arrives: on the stream and in webhooks it is the same object. ' +
        'The requests that can be made are described in /openapi.json.',
    },
    defaultContentType: 'application/json',
    servers: { api: { host, protocol: protocol.replace(':', '') } },
    channels: {
      stream: {
        address: '/v1/stream',
        title: 'Event stream',
        description:
          'Server-Sent Events. `id:` is the id of the event, `event:` its type, `data:` the message. ' +
          'A reader that comes back with `Last-Event-ID` goes on exactly there; a comment comes ' +
          'every 15 seconds, and after about 15 minutes the reader is asked to come back.',
        servers: [to('servers', 'api')],
        messages: refs(streamed),
      },
      webhooks: {
        address: null,
        title: 'Webhooks',
        description:
          'POST to the url of a subscription (/v1/webhooks) in its format `standard`, signed as ' +
          'Standard Webhooks 1.0.0 has it; the formats slack, discord and telegram are messages ' +
          'for people, in those services’ own shapes. 2xx within 15 seconds is success, 410 ' +
          'switches the webhook off, and redirects are not followed. What failed is tried again: ' +
          'an event 2 and 10 seconds after it, because it soon means nothing; `endpoint.*` after ' +
          '5 seconds, 5 and 30 minutes, 2, 5, 10 and 10 hours. Each message comes at least once; ' +
          '`webhook-id` tells whether it came before.',
        messages: refs(delivered),
      },
    },
    operations: {
      sendEvent: operation('stream', streamed, 'Events as they happen', {
        method: 'GET',
        query: schemaOf(StreamQuery),
      }),
      deliverEvent: operation('webhooks', delivered, 'An event that was subscribed to', {
        method: 'POST',
      }),
    },
    components: { messages: messages(), schemas: schemas() },
  }
}

function messages() {
  const payload = (name: string) => to('components', 'schemas', name)
  const headers = payload('WebhookHeaders')
  const message = (type: string, summary: string) => ({
    name: type,
    title: type,
    summary,
    payload: payload(envelope(type)),
  })
  const events = EVENTS.flatMap(({ type }) => {
    const described = message(type, MEANINGS[type])
    return [
      [pascal(type), described],
      [`${pascal(type)}Webhook`, { ...described, headers }],
    ]
  })
  const about_endpoints = ENDPOINT_EVENTS.map(({ type }) => [
    `${pascal(type)}Webhook`,
    { ...message(type, ENDPOINT_MEANINGS[type]), headers },
  ])
  const reset = {
    name: 'reset',
    title: 'reset',
    summary:
      'The events since Last-Event-ID are no longer kept: this is everything that is live and ' +
      'wanted, instead of them.',
    payload: payload('Reset'),
  }
  return { ...Object.fromEntries([...events, ...about_endpoints]), Reset: reset }
}

/** What several messages carry is a component of its own. */
function schemas() {
  const registry = z.registry<{ id: string }>()
  registry.add(Opportunity, { id: 'Opportunity' })
  registry.add(ExchangeStatus, { id: 'ExchangeStatus' })
  registry.add(Reset, { id: 'Reset' })
  registry.add(WebhookHeaders, { id: 'WebhookHeaders' })
  for (const { type, schema } of [...EVENTS, ...ENDPOINT_EVENTS]) {
    registry.add(schema, { id: envelope(type) })
  }
  const uri = (id: string) => `#/components/schemas/${id}`
  const made = z.toJSONSchema(registry, { target: TARGET, io: 'input', uri }).schemas
  return Object.fromEntries(
    Object.entries(made).map(([id, { $schema, $id, ...schema }]) => [id, schema]),
  )
}

function schemaOf(schema: z.ZodType): object {
  const { $schema, ...made } = z.toJSONSchema(schema, { target: TARGET, io: 'input' })
  return made
}
