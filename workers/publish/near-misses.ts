/**
 * Writes what the detector refused into its capped stream, for people who ask why there is nothing.
 * It is never on the way of an event: episodes are thinned out as they come and wait for the next
 * second. They are for reading, not for acting: what does not fit is counted and let go.
 */
import type { Redis } from 'ioredis'
import type { Clock } from '../../shared/clock.ts'
import { timestamp } from '../../shared/clock.ts'
import { KEYS, NEAR_MISSES_MAX, shardKey } from '../../shared/keys.ts'
import type { NearMiss, Refused } from '../../shared/near-miss.ts'
import { isFenced } from './fence.ts'

export interface NearMissesOptions {
  /** a `command` connection */
  readonly redis: Redis
  readonly clock: Clock
  /** true when the exchange's data come from the sandbox */
  readonly is_simulated: (exchange: string) => boolean
}

/** Of one chain and guard, at most one entry in this time; the episodes between are counted. */
const REPEAT_AFTER_MS = 60_000
/** Of all together, so many at once and then so many a second: the stream then spans 40 minutes. */
const BURST = 100
const PER_SECOND = 2
/** While Redis is away; the oldest go first. */
const WAITING_MAX = 500

const LUA = `
--[[
  Appends near-misses under the leader's fencing token.

  KEYS[1] arb:fence        integer, the token of the present leader
  KEYS[2] arb:near-misses  stream, field data -> near-miss (JSON text)

  ARGV[1] the caller's token
  ARGV[2] about how many entries the stream keeps
  ARGV[3..] near-misses (JSON text)

  Output: the number of entries, or the error FENCED when another token rules.
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED the token ' .. ARGV[1] .. ' does not rule any more')
end
for i = 3, #ARGV do
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'data', ARGV[i])
end
return #ARGV - 2
`

type Command = (keys: number, ...args: (string | number)[]) => Promise<number>

interface Known {
  kept_ms: number
  repeated: number
}

export class NearMisses {
  /** episodes, by what became of them; waiting ones are not counted yet */
  readonly totals = { stored: 0, throttled: 0, lost: 0 }
  private readonly options: NearMissesOptions
  private readonly command: Command
  private waiting: string[] = []
  /** what was kept lately, by chain and guard */
  private readonly known = new Map<string, Known>()
  private allowance = BURST
  private filled_ms: number

  constructor(options: NearMissesOptions) {
    const { redis, clock } = options
    this.options = options
    redis.defineCommand('arbNearMisses', { lua: LUA })
    this.command = (redis as unknown as { arbNearMisses: Command }).arbNearMisses.bind(redis)
    this.filled_ms = clock.monotonic_ms()
  }

  /** Keeps those that are worth an entry until the next `write`. */
  offer(episodes: readonly Refused[]): void {
    const now_ms = this.options.clock.monotonic_ms()
    for (const episode of episodes) this.consider(episode, now_ms)
  }

  /** Sends what waits, as the leader of that shard. Does nothing under a token that does not rule. @throws while Redis is away. */
  async write(shard: number, token: number): Promise<void> {
    this.forget(this.options.clock.monotonic_ms())
    const sending = this.waiting
    if (sending.length === 0) return
    this.waiting = []
    try {
      const keys = [shardKey('fence', shard), KEYS.near_misses]
      await this.command(keys.length, ...keys, token, NEAR_MISSES_MAX, ...sending)
      this.totals.stored += sending.length
    } catch (error) {
      if (isFenced(error)) {
        this.totals.lost += sending.length
        return
      }
      this.waiting = [...sending, ...this.waiting]
      this.shed()
      throw error
    }
  }

  private consider(episode: Refused, now_ms: number): void {
    const name = `${episode.guard} ${episode.key}`
    const known = this.known.get(name)
    const is_repeat = known !== undefined && now_ms - known.kept_ms < REPEAT_AFTER_MS
    if (is_repeat || !this.isAllowed(now_ms)) {
      if (known !== undefined) known.repeated++
      this.totals.throttled++
      return
    }
    // in the order of their times: the oldest first
    this.known.delete(name)
    this.known.set(name, { kept_ms: now_ms, repeated: 0 })
    const { clock, is_simulated } = this.options
    const entry: Omit<NearMiss, 'id'> = {
      ...episode,
      observed_at: timestamp(clock.wall_ms()),
      simulated: episode.legs.some(({ exchange }) => is_simulated(exchange)),
      repeated: known?.repeated ?? 0,
    }
    this.waiting.push(JSON.stringify(entry))
    this.shed()
  }

  /** A bucket that fills steadily and is emptied by entries. */
  private isAllowed(now_ms: number): boolean {
    const gained = ((now_ms - this.filled_ms) / 1_000) * PER_SECOND
    this.allowance = Math.min(BURST, this.allowance + gained)
    this.filled_ms = now_ms
    if (this.allowance < 1) return false
    this.allowance--
    return true
  }

  private shed(): void {
    const excess = this.waiting.length - WAITING_MAX
    if (excess <= 0) return
    this.totals.lost += excess
    this.waiting.splice(0, excess)
  }

  /** Drops what no longer holds an episode back, but for its count of repetitions until twice that. */
  private forget(now_ms: number): void {
    for (const [name, { kept_ms }] of this.known) {
      if (now_ms - kept_ms >= 2 * REPEAT_AFTER_MS) this.known.delete(name)
      else break
    }
  }
}
