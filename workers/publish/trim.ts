/**
 * Cuts the event stream at its old end. What a consumer group has not finished is never cut here, so
 * that an outage of Postgres costs no row. Readers who resume lose only what is older than
 * EVENTS_MAX, unless Redis is full: then half of what is finished may go at a time.
 */
import type { Redis } from 'ioredis'
import { EVENT_GROUPS, EVENTS_MAX, KEYS } from '../../shared/keys.ts'

const LUA = `
--[[
  Cuts the event stream, never what one of the groups still has to do.

  KEYS[1] arb:events  stream

  ARGV[1] about how many entries to keep; 'half': half of those that there are
  ARGV[2..] the groups

  Output: how many entries went.
]]
local length = redis.call('XLEN', KEYS[1])
local most = length - (tonumber(ARGV[1]) or math.floor(length / 2))
if most <= 0 then return 0 end

local function before(a, b)
  local a_ms, a_seq = string.match(a, '^(%d+)-(%d+)$')
  local b_ms, b_seq = string.match(b, '^(%d+)-(%d+)$')
  if a_ms ~= b_ms then return tonumber(a_ms) < tonumber(b_ms) end
  return tonumber(a_seq) < tonumber(b_seq)
end
local first = '18446744073709551615-0'
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local facts = {}
  for i = 1, #group, 2 do facts[group[i]] = group[i + 1] end
  for i = 2, #ARGV do
    if facts.name == ARGV[i] then
      -- the oldest in somebody's hands, else the newest that was read
      local id = redis.call('XPENDING', KEYS[1], facts.name)[2] or facts['last-delivered-id']
      if before(id, first) then first = id end
    end
  end
end
return redis.call('XTRIM', KEYS[1], 'MINID', '~', first, 'LIMIT', most)
`

type Command = (
  keys: number,
  key: string,
  keep: number | 'half',
  ...groups: string[]
) => Promise<number>

export interface Trim {
  /** Down to about EVENTS_MAX entries. @throws what Redis says */
  readonly trim: () => Promise<number>
  /** Redis is full: half of the stream may go. How many entries went. @throws what Redis says */
  readonly relieve: () => Promise<number>
}

export function createTrim(redis: Redis, keep: number = EVENTS_MAX): Trim {
  redis.defineCommand('arbTrim', { lua: LUA })
  const command = (redis as unknown as { arbTrim: Command }).arbTrim.bind(redis)
  const cut = (to: number | 'half') => command(1, KEYS.events, to, ...EVENT_GROUPS)
  return { trim: () => cut(keep), relieve: () => cut('half') }
}
