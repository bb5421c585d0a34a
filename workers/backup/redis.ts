/**
 * What of Redis belongs into a backup, read in one moment and written back. Only what nobody could
 * rebuild: no prices, heartbeats, leases, caches or rate counters, and no finished jobs. It is kept
 * by value and not as Redis's own dump, which an older or another make of Redis refuses.
 */
import type { ChainableCommander, Redis } from 'ioredis'
import { z } from 'zod'
import type { Clock } from '../../shared/clock.ts'
import { GROUPS, KEYS, QUEUE_PREFIX, QUEUES } from '../../shared/keys.ts'

/**
 * Whether a key, or what begins with it, is kept. A new name in shared/keys.ts does not compile
 * until somebody has decided here.
 */
const IS_KEPT = {
  events: true,
  /** of what is open the next leader tells the end; without it the history would wait for ever */
  live: true,
  channel: false,
  exchanges: false,
  near_misses: true,
  top: false,
  markets: false,
  proofs: false,
  lease: false,
  fence: true,
  /** belongs to a term that is over */
  published: false,
  shards: false,
  members: false,
  watchdog: true,
  backup: false,
  api_key: false,
  rate: false,
  streams: false,
  /** orders of a moment */
  sockets: false,
  /** or a POST that is sent again is done again */
  idempotency: true,
  webhook_commands: true,
  replay_pause: false,
  delivery_log: true,
  alert_window: false,
  worker: false,
} as const satisfies Record<keyof typeof KEYS, boolean>

/** BullMQ's own keys of a queue that say nothing about what is to be done. */
const QUEUE_NOISE = ['completed', 'events', 'meta', 'stalled', 'stalled-check', 'limiter', 'marker']

const NOT_KEPT = [
  ...Object.entries(KEYS).flatMap(([name, key]) =>
    IS_KEPT[name as keyof typeof KEYS] ? [] : [key],
  ),
  ...queueNames().flatMap((queue) => QUEUE_NOISE.map((name) => `${queue}:${name}`)),
]

/**
 * Groups that copy a stream into PostgreSQL are not restored and begin again with the oldest entry:
 * what was copied between the two halves of a backup is then copied again, which changes nothing.
 */
const beginsAgain = (key: string, group: string) =>
  key === KEYS.delivery_log || group === GROUPS.archive

/** Terms that began after the backup was made must not share a token with those to come. */
const FENCE_LEAP = 1_000
/** a key a shard */
const isFence = (key: string) => key === KEYS.fence || key.startsWith(`${KEYS.fence}:`)

function queueNames(): string[] {
  return Object.values(QUEUES).map((queue) => `${QUEUE_PREFIX}:${queue}`)
}

const EXPORT = `
--[[
  Everything that a backup keeps, at one moment; of streams all but their entries.

  ARGV[1] the number n of beginnings that are not kept
  ARGV[2] the number m of queues
  ARGV[3..] n beginnings of keys, then m queues

  Output: a list of {key, type, remaining ms or -1, value}; a value is what GET, HGETALL, LRANGE,
          SMEMBERS or ZRANGE WITHSCORES answer, or of a stream {last id, groups}, where a group is
          {name, last delivered id, pending}, where a pending entry is {id, consumer, idle ms, count}.
]]
local function field(flat, name)
  for i = 1, #flat, 2 do if flat[i] == name then return flat[i + 1] end end
end

local n, m = tonumber(ARGV[1]), tonumber(ARGV[2])
local skipped = {}
for i = 3 + n, 2 + n + m do
  for _, id in ipairs(redis.call('ZRANGE', ARGV[i] .. ':completed', 0, -1)) do
    skipped[ARGV[i] .. ':' .. id] = true
    skipped[ARGV[i] .. ':' .. id .. ':logs'] = true
  end
end

local function is_kept(key)
  if skipped[key] or key:sub(-5) == ':lock' then return false end
  for i = 3, 2 + n do if key:sub(1, #ARGV[i]) == ARGV[i] then return false end end
  return true
end

local function stream(key)
  local groups = {}
  for i, group in ipairs(redis.call('XINFO', 'GROUPS', key)) do
    local name = field(group, 'name')
    local pending = redis.call('XPENDING', key, name, '-', '+', field(group, 'pending') + 1)
    groups[i] = {name, field(group, 'last-delivered-id'), pending}
  end
  return {field(redis.call('XINFO', 'STREAM', key), 'last-generated-id'), groups}
end

local read = {
  string = function(key) return redis.call('GET', key) end,
  hash = function(key) return redis.call('HGETALL', key) end,
  list = function(key) return redis.call('LRANGE', key, 0, -1) end,
  set = function(key) return redis.call('SMEMBERS', key) end,
  zset = function(key) return redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') end,
  stream = stream,
}

local found, seen = {}, {}
for _, pattern in ipairs({'arb:*', '{arb}:*'}) do
  local cursor = '0'
  repeat
    local page = redis.call('SCAN', cursor, 'MATCH', pattern, 'COUNT', 1000)
    cursor = page[1]
    for _, key in ipairs(page[2]) do
      if not seen[key] and is_kept(key) then
        seen[key] = true
        local kind = redis.call('TYPE', key)['ok']
        if read[kind] then
          found[#found + 1] = {key, kind, redis.call('PTTL', key), read[kind](key)}
        end
      end
    end
  until cursor == '0'
end
return found
`

const Flat = z.array(z.string())
const Group = z.tuple([
  z.string(),
  z.string(),
  z.array(z.tuple([z.string(), z.string(), z.number(), z.number()])),
])
const kinds = ['string', 'hash', 'list', 'set', 'zset'] as const
const Plain = z.tuple([z.string(), z.enum(kinds), z.number(), z.union([z.string(), Flat])])
const Stream = z.tuple([
  z.string(),
  z.literal('stream'),
  z.number(),
  z.tuple([z.string(), z.array(Group)]),
])

/** The lines of a backup that are Redis's. */
export const RedisLine = z.union([
  z.object({
    key: z.string(),
    kind: z.enum(kinds),
    value: z.union([z.string(), Flat]),
    expires_at_ms: z.number().nullable(),
  }),
  /** before its groups, so that these find the entries that they hold as pending */
  z.object({ key: z.string(), entries: z.array(z.tuple([z.string(), Flat])) }),
  z.object({ key: z.string(), last_id: z.string(), groups: z.array(Group) }),
])
export type RedisLine = z.infer<typeof RedisLine>

/** Entries a line. */
const PAGE = 500

/**
 * The script blocks Redis for the time that it reads: without the entries of streams and without
 * finished jobs that is little.
 * @throws what Redis says
 */
export async function readKept(redis: Redis): Promise<z.infer<typeof Plain | typeof Stream>[]> {
  const queues = queueNames()
  const found = await redis.eval(EXPORT, 0, NOT_KEPT.length, queues.length, ...NOT_KEPT, ...queues)
  return z.array(z.union([Plain, Stream])).parse(found)
}

/** @throws what Redis says */
export async function* exportRedis(redis: Redis, clock: Clock): AsyncIterable<RedisLine> {
  const now_ms = clock.wall_ms()
  for (const found of await readKept(redis)) {
    if (found[1] !== 'stream') {
      const [key, kind, ttl_ms, value] = found
      yield { key, kind, value, expires_at_ms: ttl_ms < 0 ? null : now_ms + ttl_ms }
      continue
    }
    const [key, , , [last_id, groups]] = found
    yield* entriesOf(redis, key, last_id)
    yield { key, last_id, groups: groups.filter(([group]) => !beginsAgain(key, group)) }
  }
}

/** Up to the moment of the script: what came later is not known to the live set of that moment. */
async function* entriesOf(redis: Redis, key: string, last_id: string): AsyncIterable<RedisLine> {
  let from = '-'
  for (;;) {
    const entries = await redis.xrange(key, from, last_id, 'COUNT', PAGE)
    if (entries.length > 0) yield { key, entries }
    const last = entries.at(-1)
    if (last === undefined || entries.length < PAGE) return
    from = `(${last[0]}`
  }
}

/** True when nothing is there that a backup would keep. @throws what Redis says */
export async function isRedisEmpty(redis: Redis): Promise<boolean> {
  return (await readKept(redis)).length === 0
}

/** Names of workers that run now, and must not. @throws what Redis says */
export async function runningWorkers(redis: Redis): Promise<string[]> {
  const keys = await keysLike(redis, `${KEYS.worker}*`)
  return keys.map((key) => key.slice(KEYS.worker.length))
}

/** Everything of ours, kept by backups or not. @throws what Redis says */
export async function emptyRedis(redis: Redis): Promise<void> {
  for (const pattern of ['arb:*', `${QUEUE_PREFIX}:*`]) {
    const keys = await keysLike(redis, pattern)
    for (let i = 0; i < keys.length; i += PAGE) await redis.unlink(...keys.slice(i, i + PAGE))
  }
}

async function keysLike(redis: Redis, pattern: string): Promise<string[]> {
  const keys = new Set<string>()
  for await (const page of redis.scanStream({ match: pattern, count: 1_000 })) {
    for (const key of page as string[]) keys.add(key)
  }
  return [...keys]
}

/** Writes one line back. @throws what Redis says */
export async function importRedis(redis: Redis, clock: Clock, line: RedisLine): Promise<void> {
  const commands = redis.multi()
  if ('entries' in line) {
    for (const [id, fields] of line.entries) commands.xadd(line.key, id, ...fields)
  } else if ('groups' in line) {
    addGroups(commands, line)
  } else {
    if (line.expires_at_ms !== null && line.expires_at_ms <= clock.wall_ms()) return
    addValue(commands, line)
    if (line.expires_at_ms !== null) commands.pexpireat(line.key, line.expires_at_ms)
  }
  for (const [error] of (await commands.exec()) ?? []) if (error !== null) throw error
}

function addGroups(
  commands: ChainableCommander,
  { key, last_id, groups }: Extract<RedisLine, { groups: unknown }>,
): void {
  // a stream without entries is made by a group; one that had neither is made when it is needed
  for (const [group, delivered, pending] of groups) {
    commands.xgroup('CREATE', key, group, delivered, 'MKSTREAM')
    for (const [id, consumer, , count] of pending) {
      commands.xclaim(key, group, consumer, 0, id, 'RETRYCOUNT', count, 'FORCE', 'JUSTID')
    }
  }
  if (groups.length > 0) commands.call('XSETID', key, last_id)
}

function addValue(
  commands: ChainableCommander,
  { key, kind, value }: Extract<RedisLine, { kind: unknown }>,
): void {
  const flat = typeof value === 'string' ? [value] : value
  if (isFence(key)) commands.set(key, Number(flat[0]) + FENCE_LEAP)
  else if (kind === 'string') commands.set(key, flat[0] ?? '')
  else if (kind === 'hash') commands.hset(key, ...flat)
  else if (kind === 'list') commands.rpush(key, ...flat)
  else if (kind === 'set') commands.sadd(key, ...flat)
  else commands.zadd(key, ...scored(flat))
}

/** ZRANGE answers member, score; ZADD takes score, member. */
function scored(flat: readonly string[]): string[] {
  const turned: string[] = []
  for (let i = 0; i + 1 < flat.length; i += 2) turned.push(flat[i + 1] ?? '', flat[i] ?? '')
  return turned
}
