/**
 * One decoded frame's worth of change to one market's book: what an exchange's reader fills in and
 * the sequencer judges before anything is applied. One instance is reused for every frame of a
 * connection, so nobody keeps a reference. It holds no opinion on whether the change is good.
 */

/** Price levels in the order in which the exchange sent them. Size 0 deletes the level. */
export class Levels {
  count = 0
  price = new Float64Array(64)
  size = new Float64Array(64)

  push(price: number, size: number): void {
    if (this.count === this.price.length) this.grow()
    this.price[this.count] = price
    this.size[this.count] = size
    this.count++
  }

  copyFrom(other: Levels): void {
    this.count = other.count
    this.price = other.price.slice(0, other.count)
    this.size = other.size.slice(0, other.count)
  }

  /** Makes more room; the levels stay. Returns itself, its arrays being others now. */
  grow(): this {
    const [price, size] = [this.price, this.size]
    this.price = new Float64Array(price.length * 2 + 1)
    this.size = new Float64Array(size.length * 2 + 1)
    this.price.set(price)
    this.size.set(size)
    return this
  }
}

export class BookUpdate {
  /** index in the connection's market table (MarketTable.find) */
  market = -1
  /** true: replaces the whole book; false: a delta to it */
  snapshot = false
  /** first and last update id that the frame covers; NaN where the exchange has none */
  first_id = Number.NaN
  last_id = Number.NaN
  /** the exchange's own clock, ms since 1970; NaN when the frame has none */
  exchange_time_ms = Number.NaN
  /** unsigned 32-bit checksum of the book after this frame; -1 when the frame has none */
  checksum = -1
  /** on a snapshot: levels a side that the exchange keeps for us; 0 where it keeps no window */
  depth = 0
  /** most digits after the point among the prices and sizes as sent */
  price_decimals = 0
  size_decimals = 0
  readonly bids = new Levels()
  readonly asks = new Levels()

  reset(): void {
    this.market = -1
    this.snapshot = false
    this.first_id = Number.NaN
    this.last_id = Number.NaN
    this.exchange_time_ms = Number.NaN
    this.checksum = -1
    this.depth = 0
    this.price_decimals = 0
    this.size_decimals = 0
    this.bids.count = 0
    this.asks.count = 0
  }

  /** A copy that may be kept: how deltas wait for their snapshot. */
  clone(): BookUpdate {
    const copy = new BookUpdate()
    copy.market = this.market
    copy.snapshot = this.snapshot
    copy.first_id = this.first_id
    copy.last_id = this.last_id
    copy.exchange_time_ms = this.exchange_time_ms
    copy.checksum = this.checksum
    copy.depth = this.depth
    copy.price_decimals = this.price_decimals
    copy.size_decimals = this.size_decimals
    copy.bids.copyFrom(this.bids)
    copy.asks.copyFrom(this.asks)
    return copy
  }
}
