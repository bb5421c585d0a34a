/**
 * What is true now, read from Redis over Upstash's REST API with its own client. It only reads. An
 * entry that is not what the schema says is left out and counted in the log: one bad byte in Redis
 * must not take an endpoint down.
 */
import type { Redis } from '@upstash/redis/cloudflare'
import { z } from 'zod'
import { type Event, eventFromStream } from '../../shared/event.ts'
import { ExchangeStatus, Heartbeat } from '../../shared/health.ts'
import { KEYS, workerKey } from '../../shared/keys.ts'
import type { Log } from '../../shared/log.ts'
import { type NearMiss, nearMissFromStream } from '../../shared/near-miss.ts'
import { Opportunity } from '../../shared/opportunity.ts'
import { TopOfBook } from '../../shared/top.ts'
import { WatchedMarket } from '../../shared/watched.ts'
import type { StoreSettings } from '../environment.ts'
import { type Answer, ask } from './answer.ts'
import { redisOver } from './clients.ts'

/** Redis replies as they are: without this the client would turn JSON text into objects. */
const Fields = z.array(z.string())
const Entries = z.array(z.tuple([z.string(), Fields]))
const ScanReply = z.tuple([z.coerce.string(), Fields])

/** Enough for a key space a hundred times larger than ours; a limit, not an expectation. */
const SCAN_ROUNDS = 20
const SCAN_COUNT = 1_000
/** The stream is capped: all of it is a few pages. */
const NEAR_MISSES_PAGE = 1_000

export interface Live {
  opportunities(): Promise<Answer<Opportunity[]>>
  opportunity(id: string): Promise<Answer<Opportunity | null>>
  exchanges(): Promise<Answer<ExchangeStatus[]>>
  /** best bid and ask of every watched market; nothing while no worker leads */
  tops(): Promise<Answer<TopOfBook[]>>
  markets(): Promise<Answer<WatchedMarket[]>>
  /** the leader's heartbeat, else the newest of any worker, else null */
  heartbeat(): Promise<Answer<Heartbeat | null>>
  /** newest first, up to `limit` that are wanted */
  nearMisses(wanted: (one: NearMiss) => boolean, limit: number): Promise<Answer<NearMiss[]>>
  streamBounds(): Promise<Answer<StreamBounds>>
  /** the newest events, oldest first; those before them may be gone */
  newestEvents(count: number): Promise<Answer<readonly Event[]>>
  /** up to `count` events after the position, in one round trip */
  eventsAfter(position: string, count: number): Promise<Answer<EventPage>>
}

/** Ids of the oldest and the newest entry; null while the stream is empty. */
export type StreamBounds = { readonly first: string; readonly last: string } | null

interface EventPage {
  /** oldest first */
  readonly events: Event[]
  /** where to go on; the position asked for when nothing came after it */
  readonly position: string
  readonly more: boolean
  /** read after the page, so a position within them proves that nothing was missed */
  readonly bounds: StreamBounds
}

export function liveStore(settings: StoreSettings, log: Log): Live {
  // Most requests are answered from memory: a client is made by the first that asks Redis.
  let client: Redis | null = null
  const redis = () => (client ??= redisOver(settings))
  const query = <T>(question: () => Promise<T>) => ask('redis', log, question)
  const entries = <T>(key: string, schema: z.ZodType<T>, texts: readonly string[]) =>
    readable(log, key, texts, (text) => schema.parse(JSON.parse(text)))

  const events = (page: z.infer<typeof Entries>) =>
    readable(log, KEYS.events, page, ([id, fields]) =>
      eventFromStream(id, Object.fromEntries(pairs(fields))),
    )

  const newestHeartbeat = async (): Promise<Heartbeat | null> => {
    const leader = await redis().get<string | null>(KEYS.lease)
    const beat = leader === null ? null : await redis().get<string | null>(workerKey(leader))
    const texts = beat === null ? await scannedHeartbeats(redis()) : [beat]
    const beats = entries(KEYS.worker, Heartbeat, texts)
    return beats.sort((a, b) => Date.parse(b.sent_at) - Date.parse(a.sent_at))[0] ?? null
  }

  return {
    opportunities: () =>
      query(async () =>
        entries(KEYS.live, Opportunity, hashValues(await redis().hgetall(KEYS.live))),
      ),
    opportunity: (id) =>
      query(async () => {
        const text = await redis().hget<string>(KEYS.live, id)
        return text === null ? null : (entries(KEYS.live, Opportunity, [text])[0] ?? null)
      }),
    exchanges: () =>
      query(async () => {
        const texts = hashValues(await redis().hgetall(KEYS.exchanges))
        const statuses = entries(KEYS.exchanges, ExchangeStatus, texts)
        return statuses.sort((a, b) => (a.id < b.id ? -1 : 1))
      }),
    tops: () =>
      query(async () => entries(KEYS.top, TopOfBook, hashValues(await redis().hgetall(KEYS.top)))),
    markets: () =>
      query(async () =>
        entries(KEYS.markets, WatchedMarket, hashValues(await redis().hgetall(KEYS.markets))),
      ),
    heartbeat: () => query(newestHeartbeat),
    nearMisses: (wanted, limit) =>
      query(async () => {
        const found: NearMiss[] = []
        for (let end = '+'; found.length < limit; ) {
          const reply: unknown = await redis().xrevrange(
            KEYS.near_misses,
            end,
            '-',
            NEAR_MISSES_PAGE,
          )
          const page = Entries.parse(reply)
          const read = readable(log, KEYS.near_misses, page, ([id, fields]) =>
            nearMissFromStream(id, Object.fromEntries(pairs(fields))),
          )
          found.push(...read.filter(wanted))
          const last = page.at(-1)
          if (page.length < NEAR_MISSES_PAGE || last === undefined) break
          end = `(${last[0]}`
        }
        return found.slice(0, limit)
      }),
    streamBounds: () =>
      query(async () => {
        const [first, last] = await redis()
          .pipeline()
          .xrange(KEYS.events, '-', '+', 1)
          .xrevrange(KEYS.events, '+', '-', 1)
          .exec<[unknown, unknown]>()
        return bounds(first, last)
      }),
    newestEvents: (count) =>
      query(async () => {
        const reply: unknown = await redis().xrevrange(KEYS.events, '+', '-', count)
        return events(Entries.parse(reply)).reverse()
      }),
    eventsAfter: (position, count) =>
      query(async () => {
        const [reply, first, last] = await redis()
          .pipeline()
          .xrange(KEYS.events, `(${position}`, '+', count)
          .xrange(KEYS.events, '-', '+', 1)
          .xrevrange(KEYS.events, '+', '-', 1)
          .exec<[unknown, unknown, unknown]>()
        const page = Entries.parse(reply)
        return {
          events: events(page),
          position: page.at(-1)?.[0] ?? position,
          more: page.length === count,
          bounds: bounds(first, last),
        }
      }),
  }
}

/** SCAN, because KEYS would stop Redis for everybody while it looks. */
async function scannedHeartbeats(redis: Redis): Promise<string[]> {
  const keys: string[] = []
  let cursor = '0'
  for (let round = 0; round < SCAN_ROUNDS; round++) {
    const options = { match: `${KEYS.worker}*`, count: SCAN_COUNT }
    const [next, found] = ScanReply.parse(await redis.scan(cursor, options))
    keys.push(...found)
    cursor = next
    if (cursor === '0') break
  }
  if (keys.length === 0) return []
  const texts: unknown = await redis.mget(...keys)
  return z
    .array(z.string().nullable())
    .parse(texts)
    .filter((text) => text !== null)
}

/** The entries that `read` accepts; how many it did not is said once. */
function readable<S, T>(log: Log, key: string, sources: readonly S[], read: (source: S) => T): T[] {
  const accepted: T[] = []
  for (const source of sources) {
    try {
      accepted.push(read(source))
    } catch {
      // counted below: the entry itself may be anything and does not belong in a log
    }
  }
  const skipped = sources.length - accepted.length
  if (skipped > 0) log.error('unreadable entries in Redis were left out', { key, skipped })
  return accepted
}

function bounds(first: unknown, last: unknown): StreamBounds {
  const [oldest] = Entries.parse(first)
  const [newest] = Entries.parse(last)
  if (oldest === undefined || newest === undefined) return null
  return { first: oldest[0], last: newest[0] }
}

function hashValues(reply: unknown): string[] {
  return pairs(Fields.parse(reply ?? [])).map(([, value]) => value)
}

function pairs(flat: readonly string[]): [string, string][] {
  const result: [string, string][] = []
  for (let i = 0; i + 1 < flat.length; i += 2) result.push([flat[i] ?? '', flat[i + 1] ?? ''])
  return result
}
