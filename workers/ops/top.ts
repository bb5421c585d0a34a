/**
 * Keeps the best bid and ask of every watched market in a hash: each second what changed, in one
 * script under the fencing token of the shard's leader. The hash as a whole lives for seconds, so that a dead
 * worker leaves no prices behind; when it is not as it was left, it is written anew.
 */
import type { Redis } from 'ioredis'
import { type Clock, timestamp } from '../../shared/clock.ts'
import { fixed } from '../../shared/decimal.ts'
import { shardKey, TOP_TTL_MS } from '../../shared/keys.ts'
import type { Market } from '../../shared/market.ts'
import { type TopOfBook, topField } from '../../shared/top.ts'
import type { Side } from '../book/book.ts'
import type { Books, MarketBook } from '../book/books.ts'

export interface TopBoardOptions {
  /** a `command` connection */
  readonly redis: Redis
  readonly clock: Clock
  readonly books: Books
  readonly shard: number
  /** whether the shard tells of this market */
  readonly owns: (market: Market) => boolean
}

const LUA = `
--[[
  Brings the tops of the books up to date under the leader's fencing token.

  KEYS[1] arb:fence  integer, the token of the present leader
  KEYS[2] arb:top    hash, exchange|symbol -> top of book (JSON text)

  ARGV[1] the caller's token
  ARGV[2] time to live of the whole hash, ms
  ARGV[3] how many fields the hash has as far as the caller knows, or 'anew' to begin it anew
  ARGV[4] the number n of fields to remove
  ARGV[5..] the n fields, then field and value by turns

  Output: 1, or 0 when the hash is not as the caller knows it: then nothing was changed;
          or the error FENCED when another token rules.
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED the token ' .. ARGV[1] .. ' does not rule any more')
end
if ARGV[3] == 'anew' then
  redis.call('DEL', KEYS[2])
elseif redis.call('HLEN', KEYS[2]) ~= tonumber(ARGV[3]) then
  return 0
end
local first = 5 + tonumber(ARGV[4])
for i = 5, first - 1 do redis.call('HDEL', KEYS[2], ARGV[i]) end
for i = first, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
`

type Command = (keys: number, ...args: (string | number)[]) => Promise<number>

/** What a field was last written from. */
interface Written {
  state: MarketBook['state']
  bid: number
  bid_size: number
  ask: number
  ask_size: number
  market: string
}

export class TopBoard {
  private readonly options: TopBoardOptions
  private readonly command: Command
  /** what the hash holds, by the writes of this term; null when that is not known */
  private written: Map<string, Written> | null = null
  private term: number | null = null

  constructor(options: TopBoardOptions) {
    this.options = options
    options.redis.defineCommand('arbTop', { lua: LUA })
    this.command = (options.redis as unknown as { arbTop: Command }).arbTop.bind(options.redis)
  }

  /** One script call; two when the hash is not as it was left. @throws what Redis says. */
  async write(token: number): Promise<void> {
    const known = this.term === token ? this.written : null
    this.term = token
    // whatever fails, the hash is unknown afterwards
    this.written = null
    const written = (await this.send(token, known)) ?? (await this.send(token, null))
    this.written = written
  }

  /** Null when the hash is not as `known` says. */
  private async send(
    token: number,
    known: Map<string, Written> | null,
  ): Promise<Map<string, Written> | null> {
    const written = known ?? new Map<string, Written>()
    const expected = known === null ? 'anew' : known.size
    const { changed, gone } = this.changes(written)
    const { shard } = this.options
    const keys = [shardKey('fence', shard), shardKey('top', shard)]
    const rest = [token, TOP_TTL_MS, expected, gone.length, ...gone, ...changed]
    return (await this.command(keys.length, ...keys, ...rest)) === 1 ? written : null
  }

  /** Compares with what was written, and takes note of what will be. */
  private changes(written: Map<string, Written>): { changed: string[]; gone: string[] } {
    const { books, clock, owns } = this.options
    const wall_minus_monotonic_ms = clock.wall_ms() - clock.monotonic_ms()
    const changed: string[] = []
    const gone = new Set(written.keys())
    for (const entry of books.all) {
      // a market that left the watch list does not trade as far as we know
      if (!entry.market.trading || !owns(entry.market)) continue
      const field = topField(entry.market.exchange, entry.market.symbol)
      gone.delete(field)
      if (!note(written, field, entry)) continue
      changed.push(field, JSON.stringify(topOf(entry, wall_minus_monotonic_ms)))
    }
    for (const field of gone) written.delete(field)
    return { changed, gone: [...gone] }
  }
}

/** True when the field must be written again. */
function note(written: Map<string, Written>, field: string, entry: MarketBook): boolean {
  const { state } = entry
  const { bids, asks } = entry.book
  const is_live = state === 'live'
  const now: Written = {
    state,
    bid: is_live ? bids.price(0) : Number.NaN,
    bid_size: is_live ? bids.size(0) : Number.NaN,
    ask: is_live ? asks.price(0) : Number.NaN,
    ask_size: is_live ? asks.size(0) : Number.NaN,
    market: entry.market.market,
  }
  const before = written.get(field)
  if (before !== undefined && isSame(before, now)) return false
  written.set(field, now)
  return true
}

/** `Object.is`, because an empty side has the price NaN. */
function isSame(a: Written, b: Written): boolean {
  return (
    a.state === b.state &&
    Object.is(a.bid, b.bid) &&
    Object.is(a.bid_size, b.bid_size) &&
    Object.is(a.ask, b.ask) &&
    Object.is(a.ask_size, b.ask_size) &&
    a.market === b.market
  )
}

function topOf(entry: MarketBook, wall_minus_monotonic_ms: number): TopOfBook {
  const { market, state, book } = entry
  const { bids, asks, received_ms } = book
  const received_at_ms = received_ms + wall_minus_monotonic_ms
  return {
    exchange: market.exchange,
    symbol: market.symbol,
    market: market.market,
    state,
    bid: state === 'live' ? quote(bids, entry) : null,
    ask: state === 'live' ? quote(asks, entry) : null,
    updated_at: Number.isNaN(received_at_ms) ? null : timestamp(received_at_ms),
  }
}

function quote(side: Side, { book }: MarketBook): TopOfBook['bid'] {
  if (side.length === 0) return null
  return {
    price: fixed(side.price(0), book.price_decimals),
    size: fixed(side.size(0), book.size_decimals),
  }
}
