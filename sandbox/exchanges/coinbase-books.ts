/**
 * Coinbase's `level2_batch` made from the market source: the whole book, then what changed in every
 * 50 ms. No ids and no checksums: the protocol has none.
 * https://docs.cdp.coinbase.com/exchange/websocket-feed/channels
 */
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
import type { CoinbaseFeed } from './coinbase.ts'
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

function pair(price: number, size: number, market: SimulatedMarket): string {
  return `"${digits(price, market.price_decimals)}","${digits(size, market.size_decimals)}"`
}

export function simulatedCoinbase(source: MarketSource): CoinbaseFeed {
  const batches: BookBatches[] = []
  const { books, close } = serveBooks(source, 'coinbase', (book, changes) =>
    batches[book.index]?.take(changes),
  )
  for (const book of books) batches.push(new BookBatches(book))
  const byProduct = new Map(books.map((book) => [productOf(book.market), book]))
  const timer = setInterval(() => {
    for (const batch of batches) batch.flush()
  }, BATCH_EVERY_MS)
  return {
    products: books.map(({ market }) => product(market)),
    book: (id) => batches[byProduct.get(id)?.index ?? -1]?.publication,
    sequence: (id) => byProduct.get(id)?.version,
    close: () => {
      close()
      clearInterval(timer)
    },
  }
}

function productOf(market: ListedMarket): string {
  return `${market.base}-${market.quote}`
}

export function product(market: ListedMarket): { readonly id: string } {
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
    cancel_only: false,
    status: 'online',
    status_message: '',
    trading_disabled: false,
    fx_stablecoin: false,
    max_slippage_percentage: '0.02000000',
    auction_mode: false,
  }
  return entry
}
