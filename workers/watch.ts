/**
 * Brings the exchanges up: their lists of markets, the choice of what to watch, one feed each. An
 * exchange that does not answer joins later and never holds up the others. Lists change while the
 * worker runs: the choice is made anew with each, and the feeds follow it.
 */
import type { Clock } from '../shared/clock.ts'
import type { ExchangeStatus } from '../shared/health.ts'
import type { Log } from '../shared/log.ts'
import type { Market } from '../shared/market.ts'
import type { Books, MarketBook } from './book/books.ts'
import type { Config, ExchangeConfig } from './config.ts'
import type { Exchange } from './exchanges/exchange.ts'
import type { Random } from './feed/backoff.ts'
import { chooseMarkets, unknownSymbols } from './feed/choose.ts'
import { Feed } from './feed/feed.ts'
import { ROSTER_TIMING, Roster, type RosterTiming } from './feed/roster.ts'
import type { Tap } from './feed/tap.ts'
import { resolveUrl } from './feed/url.ts'
import { isHub, shardOf, tickersOf } from './shards.ts'
import { watchSymbol } from './watch-symbol.ts'

export interface WatchOptions {
  readonly exchanges: readonly Exchange[]
  readonly config: Pick<Config, 'exchanges' | 'symbols' | 'max_symbols'>
  readonly books: Books
  readonly clock: Clock
  readonly log: Log
  readonly random: Random
  /** how often lists of markets are asked for; absent: as in production */
  readonly timing?: RosterTiming
  /** absent: one */
  readonly shard_count?: number
  /** absent: as in production */
  readonly narrow_after_ms?: number
  /** a recording listens */
  readonly tap?: Tap | undefined
}

/** Once one list is there, the others get this long before the symbols are chosen without them. */
const GATHER_MS = 5_000

/** What has just been handed on may come back, and a standby that takes one shard may get another. */
const NARROW_AFTER_MS = 20_000

/** One exchange on its way: no list, a list, a feed. */
interface Watched {
  readonly exchange: Exchange
  readonly websocket_url: string
  readonly rest_url: string
  readonly roster: Roster
  feed: Feed | null
}

export class Watch {
  private readonly options: WatchOptions
  private readonly watched: readonly Watched[]
  /** the symbols that were chosen for themselves, best first: they keep their places */
  private picked: readonly string[] = []
  /** everything watched, with what values it in dollars; null until it is chosen */
  private chosen: ReadonlySet<string> | null = null
  private gathering: NodeJS.Timeout | undefined
  /** whose markets are watched; null: all of them */
  private shards: ReadonlySet<number> | null = null
  private narrowing: NodeJS.Timeout | undefined
  private stopped = false

  constructor(options: WatchOptions) {
    this.options = options
    this.watched = options.config.exchanges.map((config) => this.watchedOf(config))
  }

  start(): void {
    for (const { roster } of this.watched) roster.start()
  }

  async stop(): Promise<void> {
    this.stopped = true
    clearTimeout(this.gathering)
    clearTimeout(this.narrowing)
    for (const { roster } of this.watched) roster.stop()
    await Promise.all(this.watched.map(({ feed }) => feed?.stop()))
  }

  /**
   * Watches the markets of these shards and those of the hubs; of all shards when there are none,
   * because a standby must be ready for any. More at once, less after a while.
   */
  watchShards(led: ReadonlySet<number>): void {
    const { shard_count = 1, narrow_after_ms = NARROW_AFTER_MS } = this.options
    if (shard_count === 1) return
    clearTimeout(this.narrowing)
    const wanted = led.size === 0 ? null : led
    const narrow = () => {
      this.shards = wanted
      this.followAll()
    }
    if (this.shards !== null) {
      this.shards = wanted === null ? null : new Set([...this.shards, ...wanted])
      this.followAll()
    }
    this.narrowing = setTimeout(narrow, narrow_after_ms)
  }

  statuses(): ExchangeStatus[] {
    return this.watched.map(
      ({ feed, exchange, roster }) =>
        feed?.status() ?? absentStatus(exchange, roster.state, roster.reason),
    )
  }

  /** Frames so far that went through a JSON tree, by exchange. */
  slowFrames(): { readonly exchange: string; readonly frames: number }[] {
    return this.watched.map(({ exchange, feed }) => ({
      exchange: exchange.id,
      frames: feed?.slow_frames ?? 0,
    }))
  }

  /** True when this exchange's data come from the sandbox. */
  isSimulated(exchange_id: string): boolean {
    const one = this.watched.find(({ exchange }) => exchange.id === exchange_id)
    return one?.roster.list?.simulated ?? false
  }

  /** True while this market's frames arrive late. */
  isBehind(entry: MarketBook): boolean {
    const one = this.watched.find(({ exchange }) => exchange.id === entry.market.exchange)
    return one?.feed?.isBehind(entry) ?? false
  }

  private watchedOf(config: ExchangeConfig): Watched {
    const { exchanges, clock, log, random, timing = ROSTER_TIMING, tap } = this.options
    const exchange = exchanges.find(({ id }) => id === config.id)
    if (exchange === undefined) throw new Error(`no exchange is called ${config.id}`)
    const rest_url = resolveUrl(config.rest_url ?? undefined, exchange.rest_url)
    const onList = () => this.arrived()
    return {
      exchange,
      websocket_url: resolveUrl(config.websocket_url ?? undefined, exchange.websocket_url),
      rest_url,
      roster: new Roster({ exchange, rest_url, clock, log, random, timing, tap, onList }),
      feed: null,
    }
  }

  private arrived(): void {
    const complete = this.watched.every(({ roster }) => roster.list !== null)
    if (this.chosen !== null || complete) this.choose()
    else this.gathering ??= setTimeout(() => this.choose(), GATHER_MS)
  }

  /** With every new list: symbols keep their place while anybody trades them. */
  private choose(): void {
    if (this.stopped) return
    clearTimeout(this.gathering)
    const { config, log } = this.options
    const there = this.watched.filter(({ roster }) => roster.list !== null)
    const { max_symbols } = config
    const symbols = config.symbols ?? []
    const markets = there.flatMap(({ roster }) =>
      (roster.list?.markets ?? []).flatMap((market) => {
        const symbol = watchSymbol(market, symbols)
        return symbol === null ? [] : { ...market, symbol }
      }),
    )
    const first = this.chosen === null
    const unknown = unknownSymbols(markets, symbols)
    if (first && unknown.length > 0) {
      log.warn('no exchange trades these symbols', { symbols: unknown })
    }
    const choice = chooseMarkets(markets, { symbols, max_symbols, kept: this.picked })
    this.picked = [...new Set(choice.map(({ symbol }) => symbol))]
    const dollars = dollarMarkets(this.picked)
    if (first) this.warnOfWorthless(dollars, markets)
    // A requested symbol that is unknown so far may be traded by an exchange that joins later.
    this.chosen = new Set([...this.picked, ...unknown, ...dollars])
    if (first) log.info('symbols chosen', { symbols: this.chosen.size, exchanges: there.length })
    this.followAll()
  }

  private followAll(): void {
    const { chosen } = this
    if (this.stopped || chosen === null) return
    for (const one of this.watched) if (one.roster.list !== null) this.follow(one, chosen)
  }

  /** A quote that no live market prices in dollars has no size, so it makes no opportunity. */
  private warnOfWorthless(dollars: readonly string[], markets: readonly Market[]): void {
    if (dollars.length < quotesOf(this.picked).size) return
    const listed = new Set(markets.map(({ symbol }) => symbol))
    const quotes = dollars
      .filter((symbol) => !listed.has(symbol))
      .map((symbol) => symbol.split('/')[0])
    if (quotes.length === 0) return
    this.options.log.warn('no exchange trades these for dollars: they make no opportunity', {
      quotes,
    })
  }

  private follow(one: Watched, chosen: ReadonlySet<string>): void {
    const requested = this.options.config.symbols ?? []
    const quotes = quotesOf([...chosen])
    const markets: Market[] = (one.roster.list?.markets ?? []).filter(
      (market) =>
        market.trading &&
        chosen.has(watchSymbol(market, requested) ?? '') &&
        this.isOfShards(market, quotes),
    )
    if (one.feed === null) this.startFeed(one, markets)
    else one.feed.watch(markets)
  }

  private isOfShards(market: Market, quotes: ReadonlySet<string>): boolean {
    const { shards } = this
    if (shards === null) return true
    const { shard_count = 1 } = this.options
    return isHub(tickersOf(market)[0], quotes) || shards.has(shardOf([market], shard_count))
  }

  private startFeed(one: Watched, markets: readonly Market[]): void {
    const { books, clock, log, random, tap } = this.options
    const { exchange, websocket_url, rest_url, roster } = one
    one.feed = new Feed({
      exchange,
      websocket_url,
      rest_url,
      markets,
      books,
      clock,
      log,
      random,
      tap,
      onListChanged: () => roster.hint(),
    })
    one.feed.start()
    log.info('feed started', { exchange: exchange.id, markets: markets.length })
  }
}

/**
 * The markets that say what the quotes of these symbols are worth in US dollars. They are watched
 * whatever was asked for: without them the size of an opportunity is not known.
 */
function dollarMarkets(symbols: readonly string[]): string[] {
  const quotes = quotesOf(symbols)
  quotes.delete('USD')
  return [...quotes].map((quote) => `${quote}/USD`)
}

function quotesOf(symbols: readonly string[]): Set<string> {
  return new Set(symbols.map((symbol) => symbol.slice(symbol.indexOf('/') + 1)))
}

/** What can be said of an exchange whose markets are not known yet. */
function absentStatus(
  exchange: Exchange,
  state: Roster['state'],
  reason: string | null,
): ExchangeStatus {
  return {
    id: exchange.id,
    name: exchange.name,
    connected: false,
    state,
    reason,
    simulated: false,
    connected_since: null,
    books_live: 0,
    books_stale: 0,
    books_halted: 0,
    books_total: 0,
    last_message_age_ms: null,
    messages_per_second: 0,
    messages_total: 0,
    gaps_total: 0,
    resyncs_total: 0,
    reconnects_total: 0,
    checksums_ok: 0,
    checksums_failed: 0,
    refused: [],
    taker_fee_percent: exchange.fees.taker_percent,
    fee_source: exchange.fees.source,
    fee_as_of: exchange.fees.as_of,
    clock_offset_ms: null,
  }
}
