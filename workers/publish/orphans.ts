/**
 * What a former leader left in the live set when it died. Nobody watches those opportunities any
 * more, so the next leader ends them; it claims nothing about when they really closed, nor about
 * markouts that nobody took.
 */
import type { Redis } from 'ioredis'
import { type Clock, timestamp } from '../../shared/clock.ts'
import type { Draft } from '../../shared/event.ts'
import { KEYS } from '../../shared/keys.ts'
import type { Log } from '../../shared/log.ts'
import { isMeasured, Opportunity } from '../../shared/opportunity.ts'
import { completed } from '../lifecycle/markouts.ts'

/** The last words on each entry of the live set. @throws when Redis does not answer. */
export async function expireOrphans(redis: Redis, clock: Clock, log: Log): Promise<Draft[]> {
  const live = await redis.hgetall(KEYS.live)
  const drafts: Draft[] = []
  for (const [id, text] of Object.entries(live)) {
    const opportunity = parse(text)
    if (opportunity === null) {
      log.warn('the live set held something that is not an opportunity: removed', { id, text })
      await redis.hdel(KEYS.live, id)
      continue
    }
    const expired = expire(opportunity, clock.wall_ms())
    drafts.push({ type: 'opportunity.expired', timestamp: expired.updated_at, data: expired })
    if (isMeasured(expired)) continue
    const measured = { ...expired, markouts: completed(expired.markouts) }
    drafts.push({ type: 'opportunity.measured', timestamp: expired.updated_at, data: measured })
  }
  return drafts
}

function expire(opportunity: Opportunity, now_ms: number): Opportunity {
  const expired_at = timestamp(now_ms)
  return {
    ...opportunity,
    status: 'expired',
    updated_at: expired_at,
    expired_at,
    duration_ms: Math.max(0, now_ms - Date.parse(opportunity.detected_at)),
    expiry_reason: 'disconnected',
  }
}

function parse(text: string): Opportunity | null {
  try {
    return Opportunity.parse(JSON.parse(text))
  } catch {
    return null
  }
}
