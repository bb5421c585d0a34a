/**
 * The order book of one market: two sides of absolute sizes, best level first to the reader.
 * It applies what it is told and refuses nothing but a broken number; whether an update belongs is
 * the sequencer's question, whether the book may be priced is books.ts's.
 */
import { Side } from './side.ts'
import type { BookUpdate } from './update.ts'

export type { Side }

export class Book {
  readonly bids = new Side(1)
  readonly asks = new Side(-1)
  /** digits after the point as the exchange prints them */
  price_decimals = 0
  size_decimals = 0
  /** id of the last update applied; NaN where the exchange has none */
  last_id = Number.NaN
  /** the exchange's clock on the last frame, ms since 1970; NaN when it sent none */
  exchange_time_ms = Number.NaN
  /** our monotonic clock when the last frame arrived, ms */
  received_ms = Number.NaN
  /** levels kept a side, 0 for all; the exchange sends no deletes for levels that leave this window */
  private depth = 0

  clear(): void {
    this.bids.clear()
    this.asks.clear()
    this.last_id = Number.NaN
    this.exchange_time_ms = Number.NaN
  }

  /** True when the best level of a side is another than before, in price or size. */
  apply(update: BookUpdate, received_ms: number): boolean {
    const { bids, asks } = this
    if (update.snapshot) this.begin(update)
    let top_changed = update.snapshot
    if (update.bids.count > 0) top_changed = bids.apply(update.bids) || top_changed
    if (update.asks.count > 0) top_changed = asks.apply(update.asks) || top_changed
    if (this.depth > 0) {
      bids.truncate(this.depth)
      asks.truncate(this.depth)
    }
    if (update.price_decimals > this.price_decimals) this.price_decimals = update.price_decimals
    if (update.size_decimals > this.size_decimals) this.size_decimals = update.size_decimals
    this.last_id = update.last_id
    this.exchange_time_ms = update.exchange_time_ms
    this.received_ms = received_ms
    return top_changed
  }

  /** True when a side has no level. */
  get one_sided(): boolean {
    return this.bids.is_empty || this.asks.is_empty
  }

  /** True when both sides are there and the best bid is not below the best ask. */
  get crossed(): boolean {
    return this.bids.price(0) >= this.asks.price(0)
  }

  /** A whole book follows. */
  private begin(snapshot: BookUpdate): void {
    this.clear()
    // an exchange that changed its tick prints other digits from the next snapshot on
    this.price_decimals = 0
    this.size_decimals = 0
    this.depth = snapshot.depth
  }
}
