/**
 * The live set as a former leader left it, read by the next one before anything of its own can be in
 * it. It judges nothing; only what is no opportunity at all is taken out.
 */
import type { Redis } from 'ioredis'
import { KEYS } from '../../shared/keys.ts'
import type { Log } from '../../shared/log.ts'
import { Opportunity } from '../../shared/opportunity.ts'

/** @throws when Redis does not answer. */
export async function readLiveSet(redis: Redis, log: Log): Promise<Opportunity[]> {
  const live = await redis.hgetall(KEYS.live)
  const found: Opportunity[] = []
  for (const [id, text] of Object.entries(live)) {
    const opportunity = parse(text)
    if (opportunity !== null) found.push(opportunity)
    else {
      log.warn('the live set held something that is not an opportunity: removed', { id, text })
      await redis.hdel(KEYS.live, id)
    }
  }
  return found
}

function parse(text: string): Opportunity | null {
  try {
    return Opportunity.parse(JSON.parse(text))
  } catch {
    return null
  }
}
