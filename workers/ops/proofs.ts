/**
 * Hands on which markets have proven their coins (detection/price-test.ts), so that a worker that has
 * just begun need not refuse what tears away in its first seconds. Each leader keeps the proofs of its
 * shard in a hash; everybody reads them. A proof is as old as its last sample, whoever hands it on.
 */
import type { Redis } from 'ioredis'
import type { Clock } from '../../shared/clock.ts'
import { PROOFS_TTL_MS, shardKey } from '../../shared/keys.ts'
import type { Market } from '../../shared/market.ts'
import { topField } from '../../shared/top.ts'

/** What knows which markets have proven their coins; times are monotonic, in ms. */
export interface Prices {
  proofs(): readonly { readonly market: Market; readonly agreed_ms: number }[]
  /** `field` is `exchange|symbol` */
  vouch(field: string, agreed_ms: number): void
}

export interface ProofBoardOptions {
  /** a `command` connection */
  readonly redis: Redis
  readonly clock: Clock
  readonly prices: Prices
  readonly shard: number
  /** whether the shard tells of this market */
  readonly owns: (market: Market) => boolean
}

/** A proof lasts a minute: one that is a few seconds old is as good. */
const EVERY_MS = 5_000

const LUA = `
--[[
  Adds proofs of coins under the leader's fencing token. Those of its predecessor stay: their age is
  for the reader to judge.

  KEYS[1] arb:fence   integer, the token of the present leader
  KEYS[2] arb:proofs  hash, exchange|symbol -> wall time of the last agreeing sample, ms

  ARGV[1] the caller's token
  ARGV[2] time to live of the whole hash, ms
  ARGV[3..] field and value by turns

  Output: 1, or the error FENCED when another token rules.
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED the token ' .. ARGV[1] .. ' does not rule any more')
end
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
`

type Command = (keys: number, ...args: (string | number)[]) => Promise<number>

export class ProofBoard {
  private readonly options: ProofBoardOptions
  private readonly command: Command
  private exchanged_ms = Number.NEGATIVE_INFINITY

  constructor(options: ProofBoardOptions) {
    this.options = options
    options.redis.defineCommand('arbProofs', { lua: LUA })
    this.command = (options.redis as unknown as { arbProofs: Command }).arbProofs.bind(
      options.redis,
    )
  }

  /**
   * Takes what others have proven and, under a token, gives what this worker has; does nothing when
   * it did so a moment ago. @throws what Redis says
   */
  async exchange(token: number | undefined): Promise<void> {
    const now_ms = this.options.clock.monotonic_ms()
    if (now_ms - this.exchanged_ms < EVERY_MS) return
    // before the own ones are written: they would be read back
    await this.take()
    if (token !== undefined) await this.give(token)
    this.exchanged_ms = now_ms
  }

  private async take(): Promise<void> {
    const { redis, shard, prices } = this.options
    const wall_minus_monotonic_ms = this.wallMinusMonotonic()
    const found = await redis.hgetall(shardKey('proofs', shard))
    for (const [field, wall_ms] of Object.entries(found)) {
      prices.vouch(field, Number(wall_ms) - wall_minus_monotonic_ms)
    }
  }

  private async give(token: number): Promise<void> {
    const { shard, prices, owns } = this.options
    const wall_minus_monotonic_ms = this.wallMinusMonotonic()
    const fields = prices
      .proofs()
      .filter(({ market }) => owns(market))
      .flatMap(({ market, agreed_ms }) => [
        topField(market.exchange, market.symbol),
        Math.round(agreed_ms + wall_minus_monotonic_ms),
      ])
    if (fields.length === 0) return
    const keys = [shardKey('fence', shard), shardKey('proofs', shard)]
    await this.command(keys.length, ...keys, token, PROOFS_TTL_MS, ...fields)
  }

  private wallMinusMonotonic(): number {
    const { clock } = this.options
    return clock.wall_ms() - clock.monotonic_ms()
  }
}
