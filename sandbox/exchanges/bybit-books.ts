/**
 * Bybit's order book topics made from the market source: a snapshot, then deltas whose `u` grows by
 * one, with deletes for every level that leaves the window; depth 1 is snapshots only.
 * https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook
 */
import { systemClock } from '../../shared/clock.ts'
import type { Level, MarketSource, SimulatedMarket } from '../market/source.ts'
import { BestLevels } from './best-levels.ts'
import {
  digits,
  type ListedMarket,
  type ServedBook,
  serveBooks,
  step,
  top,
  withoutTrailingZeros,
} from './books.ts'
import type { BybitFeed } from './bybit.ts'
import { pushEvery } from './cadence.ts'
import { Operations } from './operations.ts'
import { Publication } from './topic.ts'

/** "Level 1 data, push frequency: 10ms", 50: 20 ms, 200: 100 ms, 1000: 200 ms */
const CADENCE_MS: ReadonlyMap<number, number> = new Map([
  [1, 10],
  [50, 20],
  [200, 100],
  [1_000, 200],
])
/** "if there is no change in 3 seconds, the snapshot is pushed again with the same u" (level 1) */
const REPEAT_AFTER_MS = 3_000
const FIRST_UPDATE_ID = 177_400_000
const FIRST_SEQUENCE = 66_544_000_000

/** One book at one depth: what its subscribers hold. */
class BookWindow {
  readonly publication: Publication
  changed = false
  private readonly book: ServedBook
  private readonly depth: number
  private readonly bids: BestLevels
  private readonly asks: BestLevels
  private update_id = FIRST_UPDATE_ID
  private version = 0
  private changed_ms = 0
  private pushed_ms = 0

  constructor(book: ServedBook, depth: number) {
    this.book = book
    this.depth = depth
    this.bids = new BestLevels(book.bids, depth)
    this.asks = new BestLevels(book.asks, depth)
    this.publication = new Publication((first) => {
      // between pushes the window is older than the book: the greeting is what the others hold
      if (first) {
        this.look()
        this.update_id++
        this.pushed_ms = systemClock.wall_ms()
      }
      return this.snapshot(systemClock.wall_ms())
    })
  }

  flush(now_ms: number): void {
    if (this.publication.idle) return
    if (this.changed && this.look()) {
      this.update_id++
      this.publish(this.depth === 1 ? this.snapshot(now_ms) : this.delta(now_ms), now_ms)
    } else if (this.depth === 1 && now_ms - this.pushed_ms >= REPEAT_AFTER_MS) {
      this.publish(this.snapshot(now_ms), now_ms)
    }
  }

  private publish(frame: string, now_ms: number): void {
    this.pushed_ms = now_ms
    this.publication.publish(frame)
  }

  /** False: the book changed, but not inside the window. */
  private look(): boolean {
    const bids = this.bids.look()
    const asks = this.asks.look()
    this.version = this.book.version
    this.changed_ms = this.book.time_ms
    this.changed = false
    return bids || asks
  }

  private delta(now_ms: number): string {
    return this.frame('delta', now_ms, this.changesOf(this.bids), this.changesOf(this.asks))
  }

  /** What leaves the window is deleted first, whatever the reason. */
  private changesOf(shown: BestLevels): string {
    const { market } = this.book
    let pairs = ''
    for (const price of shown.left) pairs += pair(price, 0, market)
    for (const rank of shown.fresh) {
      const { price, size } = shown.level(rank)
      pairs += pair(price, size, market)
    }
    return pairs
  }

  private snapshot(now_ms: number): string {
    const { market } = this.book
    return this.frame(
      'snapshot',
      now_ms,
      pairs(this.bids.levels(), market),
      pairs(this.asks.levels(), market),
    )
  }

  private frame(type: 'snapshot' | 'delta', now_ms: number, bids: string, asks: string): string {
    const symbol = symbolOf(this.book.market)
    return (
      `{"topic":"orderbook.${this.depth}.${symbol}","ts":${Math.floor(now_ms)},"type":"${type}",` +
      `"data":{"s":"${symbol}","b":[${bids.slice(1)}],"a":[${asks.slice(1)}],` +
      `"u":${this.update_id},"seq":${FIRST_SEQUENCE + this.version}},` +
      `"cts":${Math.floor(this.changed_ms)}}`
    )
  }
}

/** with a comma before it */
function pair(price: number, size: number, market: SimulatedMarket): string {
  const lots = withoutTrailingZeros(digits(size, market.size_decimals))
  return `,["${digits(price, market.price_decimals)}","${lots}"]`
}

/** each with a comma before it */
function pairs(levels: readonly Level[], market: SimulatedMarket): string {
  return levels.map(({ price, size }) => pair(price, size, market)).join('')
}

export function simulatedBybit(source: MarketSource, operations = new Operations()): BybitFeed {
  const windows = new Map(
    [...CADENCE_MS.keys()].map((depth) => [depth, new Map<ServedBook, BookWindow>()]),
  )
  const { books, close } = serveBooks(source, 'bybit', (book) => {
    for (const byBook of windows.values()) {
      const window = byBook.get(book)
      if (window !== undefined) window.changed = true
    }
  })
  const bySymbol = new Map(books.map((book) => [symbolOf(book.market), book]))
  const pushes = [...CADENCE_MS].map(([depth, every_ms]) =>
    pushEvery(source, every_ms, (now_ms) => {
      for (const window of windows.get(depth)?.values() ?? []) window.flush(now_ms)
    }),
  )
  return {
    operations,
    get instruments() {
      return books.map(({ market }) => instrument(market, operations.isHalted(market.symbol)))
    },
    topic: (name) => {
      const [, depth, symbol = ''] = /^orderbook\.(\d+)\.(.+)$/u.exec(name) ?? []
      const byBook = windows.get(Number(depth))
      const book = bySymbol.get(symbol)
      if (byBook === undefined || book === undefined) return undefined
      const window = byBook.get(book) ?? new BookWindow(book, Number(depth))
      byBook.set(book, window)
      return window.publication
    },
    orderbook: (symbol, limit) => {
      const book = bySymbol.get(symbol)
      return book === undefined ? undefined : orderbook(book, limit)
    },
    close: () => {
      close()
      for (const end of pushes) end()
    },
  }
}

function orderbook({ market, bids, asks, version, time_ms }: ServedBook, limit: number): string {
  const side = (levels: readonly Level[]) => `[${pairs(levels, market).slice(1)}]`
  return (
    `{"s":"${symbolOf(market)}","a":${side(top(asks, limit))},"b":${side(top(bids, limit))},` +
    `"ts":${Math.floor(systemClock.wall_ms())},"u":${FIRST_UPDATE_ID + version},` +
    `"seq":${FIRST_SEQUENCE + version},"cts":${Math.floor(time_ms)}}`
  )
}

function symbolOf(market: ListedMarket): string {
  return `${market.base}${market.quote}`
}

export function instrument(market: ListedMarket, halted = false): { readonly symbol: string } {
  const entry = {
    symbol: symbolOf(market),
    baseCoin: market.base,
    quoteCoin: market.quote,
    innovation: '0',
    symbolType: '',
    status: halted ? 'Closed' : 'Trading',
    marginTrading: 'none',
    stTag: '0',
    lotSizeFilter: {
      basePrecision: step(market.size_decimals),
      quotePrecision: '0.0000001',
      minOrderQty: market.minimum_size,
      maxOrderQty: '9000000000',
      minOrderAmt: market.minimum_notional,
      maxOrderAmt: '8000000',
    },
    priceFilter: { tickSize: step(market.price_decimals) },
    riskParameters: { priceLimitRatioX: '0.005', priceLimitRatioY: '0.01' },
  }
  return entry
}
