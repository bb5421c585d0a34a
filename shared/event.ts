/** Everything that is announced: one envelope in the Redis stream, SSE, webhooks and Socket.IO. */
import { z } from 'zod'
import { ExchangeStatus } from './health.ts'
import { isMeasured, Opportunity, Timestamp } from './opportunity.ts'

/**
 * `opportunity.measured` comes once for every opportunity, when its last markout is known: about a
 * second after the detection, whether it is still open or not, with all that is known of it.
 */
const OPPORTUNITY_EVENTS = [
  'opportunity.detected',
  'opportunity.updated',
  'opportunity.expired',
  'opportunity.measured',
] as const

export const EVENT_TYPES = [...OPPORTUNITY_EVENTS, 'exchange.status'] as const
export const EventType = z.enum(EVENT_TYPES)
export type EventType = z.infer<typeof EventType>

/**
 * A Redis stream id: it orders events and is what Last-Event-ID carries. Redis gives none that is no
 * exact number here, and refuses to read after its greatest.
 */
export const EventId = z
  .string()
  .regex(/^\d{1,15}-\d{1,15}$/, 'expected a stream id, such as 1700000000000-0')

export const Event = z.discriminatedUnion('type', [
  z.object({
    id: EventId,
    type: z.enum(OPPORTUNITY_EVENTS),
    timestamp: Timestamp,
    data: Opportunity,
  }),
  z.object({
    id: EventId,
    type: z.literal('exchange.status'),
    timestamp: Timestamp,
    data: ExchangeStatus,
  }),
])
export type Event = z.infer<typeof Event>

/** An event before Redis gave it its id. */
export type Draft =
  | { type: (typeof OPPORTUNITY_EVENTS)[number]; timestamp: string; data: Opportunity }
  | { type: 'exchange.status'; timestamp: string; data: ExchangeStatus }

/** True when nothing more follows about this opportunity: it has expired and it is measured. */
export function isLastWord({ type, data }: Pick<Draft, 'type' | 'data'>): boolean {
  if (type === 'exchange.status' || !('markouts' in data)) return false
  if (type === 'opportunity.measured') return data.status === 'expired'
  return type === 'opportunity.expired' && isMeasured(data)
}

/** Puts an event together from a stream entry, whose fields are `type`, `timestamp` and `data` (JSON). @throws when the entry is not an event. */
export function eventFromStream(id: string, fields: Record<string, string>): Event {
  return Event.parse({
    id,
    type: fields.type,
    timestamp: fields.timestamp,
    data: JSON.parse(fields.data ?? 'null'),
  })
}

/** Orders two stream ids: negative when `a` is older. */
export function compareEventIds(a: string, b: string): number {
  const [a_ms = '0', a_seq = '0'] = a.split('-')
  const [b_ms = '0', b_seq = '0'] = b.split('-')
  return Number(a_ms) - Number(b_ms) || Number(a_seq) - Number(b_seq)
}
