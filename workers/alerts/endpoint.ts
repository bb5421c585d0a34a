/** An endpoint as its row in PostgreSQL says it is, and which events it wants. */
import { z } from 'zod'
import { type Event, EventType } from '../../shared/event.ts'
import { Filters, mayHavePassed, passes } from '../../shared/filters.ts'
import { WebhookFormat } from '../../shared/webhook.ts'

/** pg gives moments as dates. */
const moment = z.date().transform((date) => date.getTime())

export const Endpoint = z.object({
  id: z.string(),
  /** the owner; null: the operator */
  key_id: z.string().nullable(),
  url: z.string(),
  /** types that this worker does not know are somebody else's news */
  event_types: z
    .array(z.string())
    .transform((types) =>
      types.filter((type): type is EventType => EventType.safeParse(type).success),
    ),
  filters: Filters,
  format: WebhookFormat,
  min_interval_ms: z.int().min(0),
  enabled: z.boolean(),
  secret: z.string(),
  previous_secret: z.string().nullable(),
  previous_secret_until: moment.nullable(),
  failing_since: moment.nullable(),
})
export type Endpoint = z.infer<typeof Endpoint>

export const ENDPOINT_COLUMNS = Object.keys(Endpoint.shape)

/**
 * Whether the filters let the event through. Whoever was told of an opportunity is also told how it
 * goes on, although it no longer reaches the minimum.
 */
export function wants({ filters }: Endpoint, event: Event): boolean {
  if (event.type === 'exchange.status') {
    return filters.exchange === undefined || filters.exchange === event.data.id
  }
  if (passes(event.data, filters)) return true
  return event.type !== 'opportunity.detected' && mayHavePassed(event.data, filters)
}
