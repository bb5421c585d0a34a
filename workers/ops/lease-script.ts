/**
 * The rules of leadership, as the scripts that Redis runs: who lives, who keeps and who takes a
 * shard's lease, and who should give one away so that all have their share. What a shard is, they do
 * not know.
 */

/** Workers whose readiness, in percent, is so near to the best one's may lead. */
const NEARLY = 10
/** A leader that is less ready than the best by so much gives away what it leads. */
const FAR = 50

export const ACQUIRE = `
--[[
  One turn of a worker: it says that it lives, keeps what it leads, takes what is free up to its
  share, and learns what it should give away.

  KEYS[1] arb:members  hash, worker id -> "last seen, ms of this clock" and readiness in percent
  KEYS[2] arb:shards   string with TTL, into how many shards those who lead divide the work
  KEYS[2n+1], KEYS[2n+2]  of the nth shard: arb:lease, string with TTL, id of the leading worker,
                       '' when it was given back;
                       and arb:fence, integer, the token of the present term: when it began, ms of
                       this clock, or one more than the last. So no two terms share one, also when
                       this Redis has lost what it knew of the terms before

  ARGV[1] the caller's worker id
  ARGV[2] time to live of a lease, ms; a member that was not seen for so long is dead
  ARGV[3] the caller's readiness, percent; -1 when it is about to leave: it takes nothing any more,
          but what nobody else is there to take
  ARGV[4] '1' when the caller may take what another led and did not give back
  ARGV[5..] for each shard the token that the caller held last; '?' where it knows that another held
          one; '' where it knows of none

  Output: the number of others who may lead, -1 when those who lead divide the work otherwise, then for each shard token and kind; kind is 'kept',
          'excess' (kept, but another should have it), 'restored' or 'new'; token 0 and 'standby'
          where the caller does not lead, 'unled' where nobody ever did, 'lost' where somebody did
          and Redis knows nothing of it: it came back empty, and whoever led has what it lost.
]]
local id, ttl, readiness, may_take = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == '1'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], id, string.format('%d %d', now, readiness))
redis.call('PEXPIRE', KEYS[1], ttl * 10)

local ready, best = {}, 0
local members = redis.call('HGETALL', KEYS[1])
for i = 1, #members, 2 do
  local seen, percent = string.match(members[i + 1], '^(%d+) (-?%d+)$')
  if now - tonumber(seen) >= ttl then
    redis.call('HDEL', KEYS[1], members[i])
  else
    ready[members[i]] = tonumber(percent)
    best = math.max(best, ready[members[i]])
  end
end
local leads, count = {}, 0
for member, percent in pairs(ready) do
  if percent >= 0 and percent >= best - ${NEARLY} then
    leads[member] = 0
    count = count + 1
  end
end

local is_last = count == 0
count = math.max(count, 1)

local shards = (#KEYS - 2) / 2
local ruling = redis.call('GET', KEYS[2])
local is_foreign = ruling and tonumber(ruling) ~= shards
local function lease_of(shard) return KEYS[2 * shard + 1] end
local function fence_of(shard) return KEYS[2 * shard + 2] end
local tokens, kinds, free, given, mine = {}, {}, {}, {}, 0
local function next_token(shard)
  local last = math.max(tonumber(redis.call('GET', fence_of(shard)) or 0), tonumber(ARGV[4 + shard]) or 0)
  local token = math.max(now, last + 1)
  redis.call('SET', fence_of(shard), string.format('%.0f', token))
  return token
end
local function lead(shard, token, kind)
  redis.call('SET', lease_of(shard), id, 'PX', ttl)
  redis.call('SET', KEYS[2], shards, 'PX', ttl)
  tokens[shard], kinds[shard] = token, kind
  mine = mine + 1
end
for shard = 1, shards do
  tokens[shard], kinds[shard] = 0, 'standby'
  local holder, fence = redis.call('GET', lease_of(shard)), redis.call('GET', fence_of(shard))
  local held = ARGV[4 + shard]
  if holder == '' then holder, given[shard] = false, true end
  if holder and holder ~= id then
    if leads[holder] then leads[holder] = leads[holder] + 1 end
  elseif fence and fence == held then
    lead(shard, tonumber(fence), 'kept')
  elseif not fence and held == '?' then
    kinds[shard] = 'lost'
  elseif not fence and held ~= '' then
    lead(shard, next_token(shard), 'restored')
  elseif holder then
    lead(shard, next_token(shard), 'new')
  else
    free[#free + 1] = shard
  end
end

local least, most = math.floor(shards / count), math.ceil(shards / count)
local others, is_wanted = 0, false
for member, has in pairs(leads) do
  if member ~= id then
    others = others + 1
    if has < least then is_wanted = true end
  end
end
local is_fit = leads[id] ~= nil
if #free > 0 then
  for _, shard in ipairs(free) do
    local is_due = mine < least or (mine < most and not is_wanted)
    if (is_fit or is_last) and (may_take or given[shard]) and is_due and not is_foreign then
      lead(shard, next_token(shard), 'new')
    end
  end
elseif (is_fit and (mine > most or (mine > least and is_wanted)))
  or (not is_fit and best - readiness >= ${FAR}) then
  for shard = shards, 1, -1 do
    if kinds[shard] == 'kept' then
      kinds[shard] = 'excess'
      break
    end
  end
end

local answer = {is_foreign and -1 or others}
for shard = 1, shards do
  if kinds[shard] == 'standby' and redis.call('EXISTS', fence_of(shard)) == 0 then
    kinds[shard] = 'unled'
  end
  answer[#answer + 1] = tokens[shard]
  answer[#answer + 1] = kinds[shard]
end
return answer
`

export const RELEASE = `
--[[
  Gives leases back, so that nobody need wait for them to run out: as '' where others are there to
  take them.

  KEYS[1] arb:members   hash of the workers that live
  KEYS[2..] arb:lease   of the shards to give back

  ARGV[1] the caller's worker id   ARGV[2] '1' when the caller leaves altogether
  ARGV[3] time to live of a lease, ms

  Output: the number of leases that were the caller's
]]
local others = redis.call('HLEN', KEYS[1]) - redis.call('HEXISTS', KEYS[1], ARGV[1])
local given = 0
for i = 2, #KEYS do
  if redis.call('GET', KEYS[i]) == ARGV[1] then
    if others > 0 then redis.call('SET', KEYS[i], '', 'PX', ARGV[3]) else redis.call('DEL', KEYS[i]) end
    given = given + 1
  end
end
if ARGV[2] == '1' then redis.call('HDEL', KEYS[1], ARGV[1]) end
return given
`
