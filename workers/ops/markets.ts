/**
 * Keeps the list of watched markets, with their rules and fees, in a hash that the edge reads. It
 * changes seldom: it is written whole when it does, and now and then so that it does not run out.
 */
import type { Redis } from 'ioredis'
import type { Clock } from '../../shared/clock.ts'
import { MARKETS_TTL_MS, shardKey } from '../../shared/keys.ts'
import type { Market } from '../../shared/market.ts'
import { topField } from '../../shared/top.ts'
import type { WatchedMarket } from '../../shared/watched.ts'
import type { Books } from '../book/books.ts'

export interface MarketBoardOptions {
  /** a `command` connection */
  readonly redis: Redis
  readonly clock: Clock
  readonly books: Books
  readonly shard: number
  /** whether the shard tells of this market */
  readonly owns: (market: Market) => boolean
  readonly feeOf: (market: Market) => WatchedMarket['taker_fee']
}

const LUA = `
--[[
  Writes the watched markets under the leader's fencing token.

  KEYS[1] arb:fence    integer, the token of the present leader
  KEYS[2] arb:markets  hash, exchange|symbol -> market (JSON text)

  ARGV[1] the caller's token
  ARGV[2] time to live of the whole hash, ms
  ARGV[3..] field and value by turns

  Output: 1, or the error FENCED when another token rules.
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED the token ' .. ARGV[1] .. ' does not rule any more')
end
redis.call('DEL', KEYS[2])
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
`

type Command = (keys: number, ...args: (string | number)[]) => Promise<number>

export class MarketBoard {
  private readonly options: MarketBoardOptions
  private readonly command: Command
  /** the market objects and the token of the last write: rules change as whole objects */
  private written: readonly Market[] = []
  private term: number | null = null
  private written_ms = 0

  constructor(options: MarketBoardOptions) {
    this.options = options
    options.redis.defineCommand('arbMarkets', { lua: LUA })
    this.command = (options.redis as unknown as { arbMarkets: Command }).arbMarkets.bind(
      options.redis,
    )
  }

  /** @throws what Redis says */
  async write(token: number): Promise<void> {
    const { books, clock, shard, owns, feeOf } = this.options
    // a market that left the watch list does not trade as far as we know
    const markets = books.all
      .map(({ market }) => market)
      .filter((market) => market.trading && owns(market))
    const now_ms = clock.monotonic_ms()
    if (this.term === token && !this.isDue(markets, now_ms)) return
    const fields = markets.flatMap((market) => [
      topField(market.exchange, market.symbol),
      JSON.stringify(watched(market, feeOf(market))),
    ])
    this.term = null
    const keys = [shardKey('fence', shard), shardKey('markets', shard)]
    await this.command(keys.length, ...keys, token, MARKETS_TTL_MS, ...fields)
    this.term = token
    this.written = markets
    this.written_ms = now_ms
  }

  private isDue(markets: readonly Market[], now_ms: number): boolean {
    if (now_ms - this.written_ms > MARKETS_TTL_MS / 3) return true
    if (markets.length !== this.written.length) return true
    return markets.some((market, i) => market !== this.written[i])
  }
}

function watched(market: Market, taker_fee: WatchedMarket['taker_fee']): WatchedMarket {
  const { taker_fee_percent: _list, trading: _always, ...rules } = market
  return { ...rules, taker_fee }
}
