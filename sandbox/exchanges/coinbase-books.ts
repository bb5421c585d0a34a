/**
 * Coinbase's books made from the market source. `level2_batch`: the whole book, then what changed in
 * every 50 ms, without ids and checksums, because the protocol has none; Advanced Trade's `level2`:
 * the whole book, then every change at once.
 * https://docs.cdp.coinbase.com/exchange/websocket-feed/channels
 */
import { systemClock } from '../../shared/clock.ts'
import type { Side } from '../market/side.ts'
import type { LevelChange, MarketSource, SimulatedMarket } from '../market/source.ts'
import {
  digits,
  type ListedMarket,
  microTimestamp,
  type ServedBook,
  serveBooks,
  step,
  top,
} from './books.ts'
import { pushEvery } from './cadence.ts'
import type { CoinbaseFeed } from './coinbase.ts'
import type { AdvancedFeed } from './coinbase-advanced.ts'
import { Operations } from './operations.ts'
import { Publication } from './topic.ts'

/** "level2_batch: updates are batched and delivered every .05 seconds" */
const BATCH_EVERY_MS = 50

class BookBatches {
  readonly publication: Publication
  private readonly book: ServedBook
  private readonly bids = new Map<number, number>()
  private readonly asks = new Map<number, number>()

  constructor(book: ServedBook) {
    this.book = book
    this.publication = new Publication((first) => {
      if (first) this.clear()
      // what waits for the next batch is in the snapshot already; sizes are absolute, it may repeat
      return this.snapshot()
    })
  }

  take(changes: readonly LevelChange[]): void {
    if (this.publication.idle) return
    for (const { side, price, size } of changes) {
      const pending = side === 'bid' ? this.bids : this.asks
      pending.set(price, size)
    }
  }

  flush(): void {
    if (this.publication.idle || this.bids.size + this.asks.size === 0) return
    const { market, time_ms } = this.book
    const changes = (side: 'buy' | 'sell', pending: Map<number, number>) =>
      [...pending].map(([price, size]) => `["${side}",${pair(price, size, market)}]`)
    const all = [...changes('buy', this.bids), ...changes('sell', this.asks)]
    this.clear()
    this.publication.publish(
      `{"type":"l2update","product_id":"${productOf(market)}",` +
        `"changes":[${all.join(',')}],"time":"${microTimestamp(time_ms)}"}`,
    )
  }

  private snapshot(): string {
    const { market, time_ms, bids, asks } = this.book
    const whole = (side: Side) =>
      top(side, side.length).map(({ price, size }) => `[${pair(price, size, market)}]`)
    return (
      `{"type":"snapshot","product_id":"${productOf(market)}","asks":[${whole(asks).join(',')}],` +
      `"bids":[${whole(bids).join(',')}],"time":"${microTimestamp(time_ms)}"}`
    )
  }

  private clear(): void {
    this.bids.clear()
    this.asks.clear()
  }
}

/** The same book as Advanced Trade shows it: every change at once, in its own words. */
class BookEvents {
  readonly publication = new Publication(() => this.snapshot())
  private readonly book: ServedBook

  constructor(book: ServedBook) {
    this.book = book
  }

  take(changes: readonly LevelChange[]): void {
    if (this.publication.idle || changes.length === 0) return
    const updates = changes.map(({ side, price, size }) => this.update(side, price, size))
    this.publication.publish(this.event('update', updates))
  }

  private snapshot(): string {
    const { bids, asks } = this.book
    const updates = [bids, asks].flatMap((side) =>
      top(side, side.length).map(({ price, size }) => this.update(side.name, price, size)),
    )
    return this.event('snapshot', updates)
  }

  private event(type: 'snapshot' | 'update', updates: readonly string[]): string {
    const product_id = productOf(this.book.market)
    return `{"type":"${type}","product_id":"${product_id}","updates":[${updates.join(',')}]}`
  }

  private update(side: 'bid' | 'ask', price: number, size: number): string {
    const { market, time_ms } = this.book
    return (
      `{"side":"${side === 'bid' ? 'bid' : 'offer'}","event_time":"${microTimestamp(time_ms)}",` +
      `"price_level":"${digits(price, market.price_decimals)}",` +
      `"new_quantity":"${digits(size, market.size_decimals)}"}`
    )
  }
}

function pair(price: number, size: number, market: SimulatedMarket): string {
  return `"${digits(price, market.price_decimals)}","${digits(size, market.size_decimals)}"`
}

/** `level 1` and `2` of REST; how many orders make up a level is not simulated: always one. */
function orderbook({ market, bids, asks, version }: ServedBook, depth: number): string {
  const levels = (side: Side) =>
    top(side, depth).map(({ price, size }) => `[${pair(price, size, market)},1]`)
  return (
    `{"bids":[${levels(bids).join(',')}],"asks":[${levels(asks).join(',')}],` +
    `"sequence":${version},"auction_mode":false,"auction":null,` +
    `"time":"${microTimestamp(systemClock.wall_ms())}"}`
  )
}

/** One set of books behind both doors. */
export function simulatedCoinbase(
  source: MarketSource,
  operations = new Operations(),
): { readonly exchange: CoinbaseFeed; readonly advanced: AdvancedFeed } {
  const batches: BookBatches[] = []
  const events: BookEvents[] = []
  const { books, close } = serveBooks(source, 'coinbase', (book, changes) => {
    batches[book.index]?.take(changes)
    events[book.index]?.take(changes)
  })
  for (const book of books) {
    batches.push(new BookBatches(book))
    events.push(new BookEvents(book))
  }
  const byProduct = new Map(books.map((book) => [productOf(book.market), book]))
  const indexOf = (id: string) => byProduct.get(id)?.index ?? -1
  const end = pushEvery(source, BATCH_EVERY_MS, () => {
    for (const batch of batches) batch.flush()
  })
  const exchange: CoinbaseFeed = {
    operations,
    get products() {
      return books.map(({ market }) => product(market, operations))
    },
    book: (id) => batches[indexOf(id)]?.publication,
    sequence: (id) => byProduct.get(id)?.version,
    orderbook: (id, depth) => {
      const book = byProduct.get(id)
      return book && orderbook(book, depth)
    },
    close: () => {
      close()
      end()
    },
  }
  return { exchange, advanced: { book: (id) => events[indexOf(id)]?.publication } }
}

function productOf(market: ListedMarket): string {
  return `${market.base}-${market.quote}`
}

/** `cancel_only` and `trading_disabled` are how clients learn that nothing is matched. */
export function product(
  market: ListedMarket,
  operations = new Operations(),
): { readonly id: string } {
  const entry = {
    id: productOf(market),
    base_currency: market.base,
    quote_currency: market.quote,
    quote_increment: step(market.price_decimals),
    base_increment: step(market.size_decimals),
    display_name: market.symbol,
    min_market_funds: market.minimum_notional,
    margin_enabled: false,
    post_only: false,
    limit_only: false,
    cancel_only: operations.maintenance,
    status: 'online',
    status_message: '',
    trading_disabled: operations.isHalted(market.symbol),
    fx_stablecoin: false,
    max_slippage_percentage: '0.02000000',
    auction_mode: false,
  }
  return entry
}
