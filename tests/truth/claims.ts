/** What was announced, event by event, as the opportunities that were claimed to be there. */
import type { Event } from '../../shared/event.ts'
import type { Opportunity } from '../../shared/opportunity.ts'
import type { Claim } from './judge.ts'

/** Every opportunity that was ever announced, from its beginning to its end, as the events date them. */
export function claimsOf(events: readonly Event[]): Claim[] {
  const claims = new Map<string, Claim>()
  for (const { type, timestamp, data } of events) {
    if (type === 'exchange.status' || !('legs' in data)) continue
    const known = claims.get(data.id) ?? begun(data, Date.parse(timestamp))
    const ends = type === 'opportunity.expired'
    claims.set(data.id, ends ? { ...known, expired_ms: Date.parse(timestamp) } : known)
  }
  return [...claims.values()]
}

function begun({ id, type, legs }: Opportunity, detected_ms: number): Claim {
  return {
    id,
    type,
    legs: legs.map(({ exchange, symbol, side }) => ({
      exchange,
      symbol,
      side,
    })),
    detected_ms,
    expired_ms: Number.POSITIVE_INFINITY,
  }
}
