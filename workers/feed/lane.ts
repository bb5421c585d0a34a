/**
 * One market on its way from frames to a book that may be priced: its book, its sequencer and
 * whatever else decides the book's state. Everything here is pure; the clock is passed in.
 */
import type { Book } from '../book/book.ts'
import type { BookState, MarketBook, StaleReason } from '../book/books.ts'
import { Sequencer } from '../book/sequencer.ts'
import type { BookChecksum, Exchange } from '../exchanges/exchange.ts'
import type { Touches } from './touches.ts'
import type { Transit } from './transit.ts'

/** Whoever carries a market's frames; a connection to the feed, a file to a replay. */
export interface Carrier {
  /** our monotonic clock when anything at all was last heard from it, ms; NaN before */
  readonly heard_ms: number
  readonly transit: Transit
}

export class Lane {
  readonly entry: MarketBook
  /** the entry's, a step nearer */
  readonly book: Book
  readonly sequencer: Sequencer
  /** null where the exchange sends none */
  readonly checksum: BookChecksum | null
  /** whose frames count; null while nobody carries the market */
  carrier: Carrier | null = null
  /** takes over as soon as its frames join what the book holds */
  successor: Carrier | null = null
  /** last id of a change that came on the successor and did not join */
  ahead_id = Number.NEGATIVE_INFINITY
  /** false when the exchange closed this market */
  trading = true
  /** false when it left the exchange's list or our choice; its place is kept for its return */
  watched = true
  /** why the thread was lost; null while it is not or before it first existed */
  lost: StaleReason | null = null
  /** the listener knows that the market is synced */
  announced = false
  /** our monotonic clock when the book became crossed, ms; NaN while it is not */
  crossed_since_ms = Number.NaN
  /** an audit looks: what changes is written down */
  touches: Touches | null = null
  /** our monotonic clock at the last frame of this market, ms */
  frame_ms = Number.NaN

  constructor(entry: MarketBook, exchange: Exchange) {
    this.entry = entry
    this.book = entry.book
    this.sequencer = new Sequencer(exchange.continuity)
    this.checksum = exchange.checksum?.() ?? null
  }

  get market(): string {
    return this.entry.market.market
  }

  get synced(): boolean {
    return this.sequencer.phase === 'synced'
  }

  /** Live and announced, and no accepted change of its book can have altered that. */
  get settled(): boolean {
    return this.announced && this.entry.state === 'live' && !this.oneSided
  }

  /** Good, about to be carried by `successor`, and the book holds all that was heard of there. */
  isQuiet(successor: Carrier): boolean {
    return this.successor === successor && this.sequencer.holds(this.ahead_id)
  }

  /** The state that follows from all this; `online` is the exchange's own. */
  state(online: boolean): BookState {
    if (!online || !this.trading || !this.watched) return 'halted'
    if (this.synced && this.oneSided) return 'halted'
    if (this.synced) return 'live'
    if (this.lost !== null) return 'stale'
    return this.carrier === null ? 'cold' : 'syncing'
  }

  /** An empty side cannot be priced and usually means that nobody trades. */
  private get oneSided(): boolean {
    return this.book.one_sided
  }
}
