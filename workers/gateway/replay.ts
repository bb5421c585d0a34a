/**
 * What came after an event, page by page from the stream in Redis, or, where it is no longer kept,
 * everything that is live now. It follows nothing.
 */
import type { Redis } from 'ioredis'
import { compareEventIds, type Event } from '../../shared/event.ts'
import { KEYS } from '../../shared/keys.ts'
import type { Log } from '../../shared/log.ts'
import { Opportunity } from '../../shared/opportunity.ts'
import { eventsOf } from '../publish/entries.ts'
import { type RawEntry, streamEntry } from './entry.ts'

/** The position before every event. */
export const BEGINNING = '0-0'

/** What came after a position, oldest first; `more`: there is yet more after the new position. */
interface Page {
  readonly kind: 'page'
  readonly events: readonly Event[]
  readonly position: string
  readonly more: boolean
}

/** Events between are gone: this is everything that is live at `position`. */
export interface Reset {
  readonly kind: 'reset'
  readonly position: string
  readonly opportunities: readonly Opportunity[]
}

export type Replay = Page | Reset

const PAGE = 200

/** @throws while Redis does not answer */
export async function replay(redis: Redis, position: string, log: Log): Promise<Replay> {
  const replies = await redis
    .pipeline()
    .xrange(KEYS.events, `(${position}`, '+', 'COUNT', PAGE)
    .xrange(KEYS.events, '-', '+', 'COUNT', 1)
    .xrevrange(KEYS.events, '+', '-', 'COUNT', 1)
    .exec()
  const [page = [], oldest = [], newest = []] = (replies ?? []).map(([error, reply]) => {
    if (error !== null) throw error
    return reply as RawEntry[]
  })
  // the bounds were read after the page: a position within them proves that nothing was missed
  if (isLost(position, oldest[0]?.[0], newest[0]?.[0])) return resetNow(redis, log)
  return {
    kind: 'page',
    events: eventsOf(page.map(streamEntry), log),
    position: page.at(-1)?.[0] ?? position,
    more: page.length === PAGE,
  }
}

/** @throws while Redis does not answer */
export async function newestId(redis: Redis): Promise<string> {
  const [newest] = await redis.xrevrange(KEYS.events, '+', '-', 'COUNT', 1)
  return newest?.[0] ?? BEGINNING
}

/** The position is read before the live set: an event twice is harmless, a missing one is not. */
async function resetNow(redis: Redis, log: Log): Promise<Reset> {
  const position = await newestId(redis)
  const texts = await redis.hvals(KEYS.live)
  const opportunities = texts.flatMap((text) => {
    const parsed = Opportunity.safeParse(json(text))
    if (parsed.success) return [parsed.data]
    log.error('the live set held what is no opportunity: left out')
    return []
  })
  return { kind: 'reset', position, opportunities }
}

/** Trimmed away, or from before the stream was lost. The beginning is never lost. */
function isLost(position: string, oldest: string | undefined, newest: string | undefined): boolean {
  if (position === BEGINNING) return false
  if (oldest === undefined || newest === undefined) return true
  return compareEventIds(position, oldest) < 0 || compareEventIds(position, newest) > 0
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
