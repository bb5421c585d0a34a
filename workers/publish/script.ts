/**
 * The one way into the event stream: a Lua script, so that the check of the fencing token, the
 * stream, the live set and the announcement happen together or not at all, in one order for all.
 * A retry after a lost answer applies nothing twice: entries carry the outbox's sequence numbers.
 */
import type { Redis } from 'ioredis'
import type { Draft } from '../../shared/event.ts'
import { EVENTS_LIMIT, KEYS, shardKey } from '../../shared/keys.ts'
import { isFenced } from './fence.ts'

/** A draft with its place in the outbox. */
export interface Entry {
  readonly sequence: number
  readonly draft: Draft
}

const LUA = `
--[[
  Publishes events under the fencing token of a shard's leader.

  KEYS[1] arb:fence      integer, the token of the shard's present leader
  KEYS[2] arb:published  string "token sequence", the newest entry applied of the shard
  KEYS[3] arb:events     stream
  KEYS[4] arb:live       hash, opportunity id -> opportunity
  KEYS[5] arb:channel    name of the pub/sub channel

  ARGV[1] the caller's token
  ARGV[2] about how many entries the stream may have at most; trim.ts cuts it long before
  ARGV[3..] for each event: sequence, type, timestamp, data (JSON text), and the id of the
            opportunity, or '' when the live set has nothing to do with it

  Output: the number of events applied now (those applied before are skipped),
          or the error FENCED when another token rules.
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED the token ' .. ARGV[1] .. ' does not rule any more')
end

local last = 0
local published = redis.call('GET', KEYS[2])
if published then
  local token, sequence = string.match(published, '^(%d+) (%d+)$')
  if token == ARGV[1] then last = tonumber(sequence) end
end

local applied = 0
for i = 3, #ARGV, 5 do
  local sequence = tonumber(ARGV[i])
  if sequence > last then
    local type, timestamp, data, id = ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
    local event_id = redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[2], '*',
      'type', type, 'timestamp', timestamp, 'data', data)
    if type == 'opportunity.expired' then
      redis.call('HDEL', KEYS[4], id)
    elseif id ~= '' then
      redis.call('HSET', KEYS[4], id, data)
    end
    redis.call('PUBLISH', KEYS[5], '{"id":"' .. event_id .. '","type":"' .. type
      .. '","timestamp":"' .. timestamp .. '","data":' .. data .. '}')
    last = sequence
    applied = applied + 1
  end
end
redis.call('SET', KEYS[2], ARGV[1] .. ' ' .. string.format('%d', last))
return applied
`

export type PublishResult = 'applied' | 'fenced'

type Command = (keys: number, ...args: (string | number)[]) => Promise<number>

/** Registers the script on this connection. @throws what Redis or the connection says, but FENCED. */
export function createPublishScript(
  redis: Redis,
  shard: number,
): (token: number, entries: readonly Entry[]) => Promise<PublishResult> {
  redis.defineCommand('arbPublish', { lua: LUA })
  const command = (redis as unknown as { arbPublish: Command }).arbPublish.bind(redis)
  const own = [shardKey('fence', shard), shardKey('published', shard)]
  const keys = [...own, KEYS.events, KEYS.live, KEYS.channel]
  return async (token, entries) => {
    try {
      await command(keys.length, ...keys, token, EVENTS_LIMIT, ...entries.flatMap(argumentsOf))
      return 'applied'
    } catch (error) {
      if (isFenced(error)) return 'fenced'
      throw error
    }
  }
}

function argumentsOf({ sequence, draft }: Entry): (string | number)[] {
  const id = isOfLiveSet(draft) ? draft.data.id : ''
  return [sequence, draft.type, draft.timestamp, JSON.stringify(draft.data), id]
}

/** What is measured after its end must not come back to life. */
function isOfLiveSet({ type, data }: Draft): boolean {
  if (type === 'exchange.status' || !('markouts' in data)) return false
  return type === 'opportunity.expired' || data.status === 'detected'
}
