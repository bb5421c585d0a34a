/** What was announced, event by event, as the opportunities that were claimed to be there. */
import type { Event } from '../../shared/event.ts'
import type { Opportunity } from '../../shared/opportunity.ts'
import type { Claim } from './judge.ts'

/** Every opportunity that was ever announced, from its beginning to its end. */
export function claimsOf(events: readonly Event[]): Claim[] {
  const claims = new Map<string, Claim>()
  for (const event of events) {
    if (event.type !== 'exchange.status') claims.set(event.data.id, claimOf(event.data))
  }
  return [...claims.values()]
}

function claimOf({ id, type, legs, detected_at, expired_at }: Opportunity): Claim {
  return {
    id,
    type,
    legs: legs.map(({ exchange, symbol, side }) => ({
      exchange,
      symbol,
      side,
    })),
    detected_ms: Date.parse(detected_at),
    expired_ms: expired_at === null ? Number.POSITIVE_INFINITY : Date.parse(expired_at),
  }
}
