/**
 * How many streams one caller has open, counted in Redis over every door at once: whoever holds streams
 * (an isolate of the edge, a worker) leases its share, how many and until when. A lease ends by itself,
 * so after a crash nothing needs cleaning up. Only the script and its times: each door has a client of
 * its own to run it with.
 */

export const LEASE_MS = 30_000
export const RENEW_EVERY_MS = 10_000
/** No limit, in the script. */
export const ANY = -1

/**
 * KEYS: callers. ARGV: now, end, life, holder, most or ANY, then the holder's streams of each caller.
 * Gives the streams that other holders have of each. One too many is not counted.
 */
export const TELL = `
  local now, most, others = tonumber(ARGV[1]), tonumber(ARGV[5]), {}
  for i, key in ipairs(KEYS) do
    local own, sum = tonumber(ARGV[5 + i]), 0
    local leases = redis.call('HGETALL', key)
    for j = 1, #leases, 2 do
      local count, last = string.match(leases[j + 1], '^(%d+) (%d+)$')
      if leases[j] ~= ARGV[4] then
        if tonumber(last) < now then redis.call('HDEL', key, leases[j]) else sum = sum + count end
      end
    end
    if most >= 0 and sum + own > most then own = own - 1 end
    if own > 0 then
      redis.call('HSET', key, ARGV[4], own .. ' ' .. ARGV[2])
      redis.call('PEXPIRE', key, ARGV[3])
    else
      redis.call('HDEL', key, ARGV[4])
    end
    others[i] = sum
  end
  return others`
