/**
 * Writes the table of exchanges that the edge shows, whole, each second. Under the fencing token, for
 * a leader that was asleep must not tell how things were. Of several leaders each writes a table of its
 * own; all but that of shard 0 run out, so that nothing is counted that nobody watches any more.
 */
import type { Redis } from 'ioredis'
import type { ExchangeStatus } from '../../shared/health.ts'
import { EXCHANGES_TTL_MS, shardKey } from '../../shared/keys.ts'

const LUA = `
--[[
  Replaces the table of exchanges: one that is no longer watched leaves it.

  KEYS[1] arb:fence      integer, the token of the shard's present leader
  KEYS[2] arb:exchanges  hash, exchange id -> status (JSON text)

  ARGV[1] the caller's token
  ARGV[2] time to live of the hash, ms; 0: it stays
  ARGV[3..] field and value by turns

  Output: 1, or the error FENCED when another token rules.
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED the token ' .. ARGV[1] .. ' does not rule any more')
end
redis.call('DEL', KEYS[2])
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
if ARGV[2] ~= '0' then redis.call('PEXPIRE', KEYS[2], ARGV[2]) end
return 1
`

type Command = (keys: number, ...args: (string | number)[]) => Promise<number>

/** Writes for the first of the shards that this worker leads. @throws what Redis says */
export function createExchangeBoard(
  redis: Redis,
  tokens: () => ReadonlyMap<number, number>,
): (statuses: readonly ExchangeStatus[]) => Promise<void> {
  redis.defineCommand('arbExchanges', { lua: LUA })
  const command = (redis as unknown as { arbExchanges: Command }).arbExchanges.bind(redis)
  return async (statuses) => {
    const [first] = tokens()
    if (first === undefined) return
    const [shard, token] = first
    const keys = [shardKey('fence', shard), shardKey('exchanges', shard)]
    const fields = statuses.flatMap((status) => [status.id, JSON.stringify(status)])
    await command(keys.length, ...keys, token, shard === 0 ? 0 : EXCHANGES_TTL_MS, ...fields)
  }
}
