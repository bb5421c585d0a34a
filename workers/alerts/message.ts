/**
 * What is delivered: an event as the text that is signed, stored and sent, of at most 20 kB. The
 * lists that make an event longer than that, the levels its legs would take and the markets an
 * exchange refuses, are cut at their end, and `fills_cut` or `refused_cut` says by how many entries.
 */
import { z } from 'zod'
import type { Event } from '../../shared/event.ts'
import type { EndpointEvent } from '../../shared/webhook.ts'

/** Of the Standard Webhooks specification. */
const BODY_MAX_BYTES = 20_000

export const Message = z.object({
  /** the webhook-id: the event's, the same on every attempt */
  id: z.string(),
  type: z.string(),
  /** when it happened */
  timestamp: z.string(),
  /** exactly as it is signed */
  body: z.string(),
})
export type Message = z.infer<typeof Message>

/** @throws Error when no list can be cut that would make it short enough */
export function messageOf(event: Event | EndpointEvent): Message {
  const { id, type, timestamp } = event
  return { id, type, timestamp, body: bodyOf(event) }
}

function bodyOf(event: Event | EndpointEvent): string {
  const whole = bodyWith(event, Number.POSITIVE_INFINITY)
  if (fits(whole)) return whole
  for (let kept = longestList(event); kept > 0; ) {
    kept = Math.floor(kept / 2)
    const body = bodyWith(event, kept)
    if (fits(body)) return body
  }
  throw new Error(`the event ${event.id} is longer than ${BODY_MAX_BYTES} bytes`)
}

const fits = (body: string) => Buffer.byteLength(body) <= BODY_MAX_BYTES

/** The event with at most `kept` entries in each list that may be cut. */
function bodyWith({ id, type, timestamp, data }: Event | EndpointEvent, kept: number): string {
  return JSON.stringify({ id, type, timestamp, data: cutData(data, kept) })
}

function cutData(data: (Event | EndpointEvent)['data'], kept: number): object {
  if ('legs' in data) {
    const legs = data.legs.map((leg) => {
      const fills_cut = leg.fills.length - kept
      return fills_cut > 0 ? { ...leg, fills: leg.fills.slice(0, kept), fills_cut } : leg
    })
    return { ...data, legs }
  }
  if ('refused' in data && data.refused.length > kept) {
    const refused_cut = data.refused.length - kept
    return { ...data, refused: data.refused.slice(0, kept), refused_cut }
  }
  return data
}

function longestList({ data }: Event | EndpointEvent): number {
  if ('legs' in data) return Math.max(...data.legs.map(({ fills }) => fills.length))
  return 'refused' in data ? data.refused.length : 0
}
