/**
 * Brings the exchanges up: their lists of markets, the choice of what to watch, one feed each. An
 * exchange that does not answer is asked again and joins later; it never holds up the others.
 */
import type { Clock } from '../shared/clock.ts'
import type { ExchangeStatus } from '../shared/health.ts'
import type { Log } from '../shared/log.ts'
import type { Market } from '../shared/market.ts'
import type { Books, MarketBook } from './book/books.ts'
import type { Config, ExchangeConfig } from './config.ts'
import type { Exchange } from './exchanges/exchange.ts'
import {
  BLOCKED_RETRY_MS,
  backoff_ms,
  isBlocked,
  isThrottled,
  type Random,
  THROTTLED_RETRY_MS,
} from './feed/backoff.ts'
import { chooseMarkets, unknownSymbols } from './feed/choose.ts'
import { Feed } from './feed/feed.ts'
import { fetchInstruments, type InstrumentList, RestError } from './feed/instruments.ts'
import type { Tap } from './feed/tap.ts'
import { resolveUrl } from './feed/url.ts'

export interface WatchOptions {
  readonly exchanges: readonly Exchange[]
  readonly config: Pick<Config, 'exchanges' | 'symbols' | 'max_symbols'>
  readonly books: Books
  readonly clock: Clock
  readonly log: Log
  readonly random: Random
  /** a recording listens */
  readonly tap?: Tap | undefined
}

/** Once one list is there, the others get this long before the symbols are chosen without them. */
const GATHER_MS = 5_000
const RETRY = { base_ms: 1_000, cap_ms: 60_000 }

/** One exchange on its way: no list, a list, a feed. */
interface Watched {
  readonly exchange: Exchange
  readonly websocket_url: string
  readonly rest_url: string
  list: InstrumentList | null
  feed: Feed | null
  /** why there is no list yet */
  state: 'connecting' | 'down' | 'blocked'
  reason: string | null
}

export class Watch {
  private readonly options: WatchOptions
  private readonly watched: readonly Watched[]
  private readonly abort = new AbortController()
  /** the symbols watched on every exchange; null until they are chosen */
  private chosen: ReadonlySet<string> | null = null
  private gathering: NodeJS.Timeout | undefined

  constructor(options: WatchOptions) {
    this.options = options
    this.watched = options.config.exchanges.map((config) => watchedOf(config, options.exchanges))
  }

  start(): void {
    for (const one of this.watched) void this.bringUp(one)
  }

  async stop(): Promise<void> {
    this.abort.abort()
    clearTimeout(this.gathering)
    await Promise.all(this.watched.map(({ feed }) => feed?.stop()))
  }

  statuses(): ExchangeStatus[] {
    return this.watched.map(
      (one) => one.feed?.status() ?? absentStatus(one.exchange, one.state, one.reason),
    )
  }

  /** True when this exchange's data come from the sandbox. */
  isSimulated(exchange_id: string): boolean {
    const one = this.watched.find(({ exchange }) => exchange.id === exchange_id)
    return one?.list?.simulated ?? false
  }

  /** True while this market's frames arrive late. */
  isBehind(entry: MarketBook): boolean {
    const one = this.watched.find(({ exchange }) => exchange.id === entry.market.exchange)
    return one?.feed?.isBehind(entry) ?? false
  }

  private async bringUp(one: Watched): Promise<void> {
    const { exchange, rest_url } = one
    const { log, random, tap } = this.options
    for (let attempt = 0; !this.abort.signal.aborted; attempt++) {
      try {
        one.list = await fetchInstruments({ exchange, rest_url, log, tap })
        if (!this.abort.signal.aborted) this.arrived(one)
        return
      } catch (error) {
        const status = error instanceof RestError ? error.status : undefined
        one.state = isBlocked(status) ? 'blocked' : 'down'
        one.reason = error instanceof Error ? error.message : String(error)
        const wait_ms = waitFor(status, attempt, random)
        log.warn('no list of markets', { exchange: exchange.id, wait_ms, reason: one.reason })
        await pause(wait_ms, this.abort.signal)
      }
    }
  }

  private arrived(one: Watched): void {
    if (this.chosen !== null) this.startFeed(one, this.chosen)
    else if (this.watched.every(({ list }) => list !== null)) this.choose()
    else this.gathering ??= setTimeout(() => this.choose(), GATHER_MS)
  }

  private choose(): void {
    if (this.chosen !== null) return
    clearTimeout(this.gathering)
    const { config, log } = this.options
    const there = this.watched.filter(({ list }) => list !== null)
    const markets = there.flatMap(({ list }) => list?.markets ?? [])
    const { max_symbols } = config
    const symbols = config.symbols ?? []
    const unknown = unknownSymbols(markets, symbols)
    if (unknown.length > 0) log.warn('no exchange trades these symbols', { symbols: unknown })
    const choice = chooseMarkets(markets, { symbols, max_symbols })
    // A requested symbol that is unknown so far may be traded by an exchange that joins later.
    this.chosen = new Set([...choice.map(({ symbol }) => symbol), ...unknown])
    log.info('symbols chosen', { symbols: this.chosen.size, exchanges: there.length })
    for (const one of there) this.startFeed(one, this.chosen)
  }

  private startFeed(one: Watched, chosen: ReadonlySet<string>): void {
    const { books, clock, log, random, tap } = this.options
    const { exchange, websocket_url, rest_url, list } = one
    const markets: Market[] = (list?.markets ?? []).filter(
      ({ symbol, trading }) => trading && chosen.has(symbol),
    )
    const feed = new Feed({
      exchange,
      websocket_url,
      rest_url,
      markets,
      books,
      clock,
      log,
      random,
      tap,
    })
    one.feed = feed
    feed.start()
    log.info('feed started', { exchange: exchange.id, markets: markets.length })
  }
}

function watchedOf(config: ExchangeConfig, exchanges: readonly Exchange[]): Watched {
  const exchange = exchanges.find(({ id }) => id === config.id)
  if (exchange === undefined) throw new Error(`no exchange is called ${config.id}`)
  return {
    exchange,
    websocket_url: resolveUrl(config.websocket_url ?? undefined, exchange.websocket_url),
    rest_url: resolveUrl(config.rest_url ?? undefined, exchange.rest_url),
    list: null,
    feed: null,
    state: 'connecting',
    reason: null,
  }
}

function waitFor(status: number | undefined, attempt: number, random: Random): number {
  if (isBlocked(status)) return BLOCKED_RETRY_MS
  if (isThrottled(status)) return THROTTLED_RETRY_MS
  return Math.round(backoff_ms(attempt, RETRY, random))
}

/** What can be said of an exchange whose markets are not known yet. */
function absentStatus(
  exchange: Exchange,
  state: Watched['state'],
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

function pause(duration_ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, duration_ms)
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })
}
