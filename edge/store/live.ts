/**
 * What is true now, read from Redis over Upstash's REST API with its own client. It only reads. An
 * entry that is not what the schema says is left out and counted in the log: one bad byte in Redis
 * must not take an endpoint down.
 */
import type { Redis } from '@upstash/redis/cloudflare'
import { z } from 'zod'
import { type Event, eventFromStream } from '../../shared/event.ts'
import { ExchangeStatus, Heartbeat } from '../../shared/health.ts'
import { KEYS, shardKey, workerKey } from '../../shared/keys.ts'
import type { Log } from '../../shared/log.ts'
import { type NearMiss, nearMissFromStream } from '../../shared/near-miss.ts'
import { Opportunity } from '../../shared/opportunity.ts'
import { TopOfBook } from '../../shared/top.ts'
import { WatchedMarket } from '../../shared/watched.ts'
import type { StoreSettings } from '../environment.ts'
import { type Answer, ask } from './answer.ts'
import { redisOver } from './clients.ts'
import { mergeExchanges, mergeHeartbeats } from './shards.ts'

/** Redis replies as they are: without this the client would turn JSON text into objects. */
const Fields = z.array(z.string())
const Entries = z.array(z.tuple([z.string(), Fields]))
const ScanReply = z.tuple([z.coerce.string(), Fields])

/** Enough for a key space a hundred times larger than ours; a limit, not an expectation. */
const SCAN_ROUNDS = 20
const SCAN_COUNT = 1_000
/** The stream is capped: all of it is a few pages. */
const NEAR_MISSES_PAGE = 1_000

/** What is open, as last published. */
export interface LiveSet {
  readonly opportunities: readonly Opportunity[]
  /** false: of some or all of it nobody would tell the end now, because no worker leads there */
  readonly is_led: boolean
}

export interface Live {
  opportunities(): Promise<Answer<LiveSet>>
  opportunity(id: string): Promise<Answer<Opportunity | null>>
  exchanges(): Promise<Answer<readonly ExchangeStatus[]>>
  /** best bid and ask of every watched market; nothing while no worker leads */
  tops(): Promise<Answer<readonly TopOfBook[]>>
  markets(): Promise<Answer<readonly WatchedMarket[]>>
  /** the leader's heartbeat (of several leaders, one of all), else any worker's newest, else null */
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

  /** The fields of a hash that is divided among shards. In one round trip while there is one shard. */
  const sharded = async (name: 'exchanges' | 'top' | 'markets'): Promise<string[]> => {
    const [count, first] = await redis()
      .pipeline()
      .get(KEYS.shards)
      .hgetall(shardKey(name, 0))
      .exec<[unknown, unknown]>()
    const rest = otherShards(count)
    if (rest.length === 0) return hashValues(first)
    const asked = redis().pipeline()
    for (const shard of rest) asked.hgetall(shardKey(name, shard))
    const replies = await asked.exec<unknown[]>()
    return [first, ...replies].flatMap((reply) => hashValues(reply))
  }

  const newestHeartbeat = async (): Promise<Heartbeat | null> => {
    const [count, leader] = await redis()
      .pipeline()
      .get(KEYS.shards)
      .get(KEYS.lease)
      .exec<[unknown, string | null]>()
    const others = otherShards(count).map((shard) => shardKey('lease', shard))
    const holders = others.length === 0 ? [] : await redis().mget<(string | null)[]>(...others)
    const leaders = [leader, ...holders].filter((one) => one !== null)
    const keys = [...new Set(leaders)].map(workerKey)
    const texts = keys.length === 0 ? [] : await redis().mget<(string | null)[]>(...keys)
    const beats = entries(KEYS.worker, Heartbeat, present(texts))
    const is_whole = leaders.length === 1 + others.length && beats.length === keys.length
    if (beats.length > 0) return mergeHeartbeats(beats, is_whole)
    const found = entries(KEYS.worker, Heartbeat, await scannedHeartbeats(redis()))
    return found.sort((a, b) => Date.parse(b.sent_at) - Date.parse(a.sent_at))[0] ?? null
  }

  return {
    opportunities: () =>
      query(async () => {
        const [live, count, leader] = await redis()
          .pipeline()
          .hgetall(KEYS.live)
          .get(KEYS.shards)
          .get(KEYS.lease)
          .exec<[unknown, unknown, string | null]>()
        const others = otherShards(count).map((shard) => shardKey('lease', shard))
        const holders = others.length === 0 ? [] : await redis().mget<(string | null)[]>(...others)
        return {
          opportunities: entries(KEYS.live, Opportunity, hashValues(live)),
          is_led: ![leader, ...holders].includes(null),
        }
      }),
    opportunity: (id) =>
      query(async () => {
        const text = await redis().hget<string>(KEYS.live, id)
        return text === null ? null : (entries(KEYS.live, Opportunity, [text])[0] ?? null)
      }),
    exchanges: () =>
      query(async () => {
        const texts = await sharded('exchanges')
        const statuses = mergeExchanges(entries(KEYS.exchanges, ExchangeStatus, texts))
        return statuses.sort((a, b) => (a.id < b.id ? -1 : 1))
      }),
    tops: () => query(async () => entries(KEYS.top, TopOfBook, await sharded('top'))),
    markets: () =>
      query(async () => entries(KEYS.markets, WatchedMarket, await sharded('markets'))),
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
  return present(await redis.mget(...keys))
}

function present(texts: unknown): string[] {
  const known = z.array(z.string().nullable()).parse(texts)
  return known.filter((text) => text !== null)
}

/** The shards besides the first, by what `arb:shards` says. */
function otherShards(count: unknown): number[] {
  return Array.from({ length: Math.max(0, Number(count ?? 1) - 1) }, (_, i) => i + 1)
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
