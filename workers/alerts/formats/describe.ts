/** Any event as a message, each text one clean line of bounded length. */
import type { Event } from '../../../shared/event.ts'
import type { EndpointEvent } from '../../../shared/webhook.ts'
import { aboutEndpoint } from './endpoint.ts'
import { aboutExchange } from './exchange.ts'
import type { Context, Message } from './message.ts'
import { aboutOpportunity } from './opportunity.ts'
import { clip, line } from './text.ts'

const HEADLINE_MAX = 160
const LABEL_MAX = 20
/** What exchanges say of themselves has no length of its own. */
const VALUE_MAX = 200

export function describe(event: Event | EndpointEvent, context: Context): Message {
  const { headline, facts, ...rest } = described(event, context)
  return {
    headline: clip(line(headline), HEADLINE_MAX),
    facts: facts.map(({ label, value }) => ({
      label: clip(line(label), LABEL_MAX),
      value: clip(line(value), VALUE_MAX),
    })),
    ...rest,
  }
}

function described(event: Event | EndpointEvent, context: Context): Message {
  switch (event.type) {
    case 'exchange.status':
      return aboutExchange(event.data, context)
    case 'endpoint.disabled':
    case 'endpoint.test':
      return aboutEndpoint(event, context)
    default:
      return aboutOpportunity(event, context)
  }
}
