/**
 * All books of the worker with the state that says whether they may be priced:
 * cold → syncing → live → stale, and halted beside it. Only a live book prices anything.
 * It keeps the list of markets whose top changed since the detector last looked.
 */
import type { Market } from '../../shared/market.ts'
import { Book } from './book.ts'

/** Why a book stopped being live; ends as an opportunity's expiry reason. */
export type StaleReason = 'gap' | 'stale' | 'disconnected'

export type BookState = 'cold' | 'syncing' | 'live' | 'stale' | 'halted'

export class MarketBook {
  /** its rules as the exchange last published them; replaced as a whole, by Books.revise */
  market: Market
  readonly book: Book
  /** position in Books.all: detection keeps its caches by it */
  readonly index: number
  state: BookState = 'cold'
  /** why it is not live any more; null while live or before the first time */
  reason: StaleReason | 'halted' | null = null
  /** our monotonic clock at the last change of state */
  since_ms = 0
  /** when the feed last proved that the book is current: a frame, a heartbeat, a repeat; monotonic ms */
  confirmed_ms = Number.NaN
  dirty = false

  constructor(market: Market, book: Book, index: number) {
    this.market = market
    this.book = book
    this.index = index
  }
}

export class Books {
  readonly all: MarketBook[] = []
  private dirty: MarketBook[] = []
  private readonly wake: () => void
  private readonly by_name = new Map<string, MarketBook>()

  /** `wake` is called when the first market of a round becomes dirty. */
  constructor(wake: () => void = () => {}) {
    this.wake = wake
  }

  add(market: Market): MarketBook {
    const entry = new MarketBook(market, new Book(), this.all.length)
    this.all.push(entry)
    this.by_name.set(`${market.exchange} ${market.market}`, entry)
    return entry
  }

  get(exchange: string, market: string): MarketBook | undefined {
    return this.by_name.get(`${exchange} ${market}`)
  }

  /** The exchange changed the market's ticks, lots, fees or its permission to trade. */
  revise(entry: MarketBook, market: Market): void {
    entry.market = market
    this.touch(entry)
  }

  /** Changes a book's state; any change of state is news to the detector. */
  move(entry: MarketBook, state: BookState, reason: MarketBook['reason'], now_ms: number): void {
    if (entry.state === state && entry.reason === reason) return
    entry.state = state
    entry.reason = reason
    entry.since_ms = now_ms
    this.touch(entry)
  }

  /** The detector should look at this market in its next round. */
  touch(entry: MarketBook): void {
    if (entry.dirty) return
    entry.dirty = true
    this.dirty.push(entry)
    if (this.dirty.length === 1) this.wake()
  }

  get has_dirty(): boolean {
    return this.dirty.length > 0
  }

  /** Hands over the markets that changed and starts a new list. */
  takeDirty(): MarketBook[] {
    const taken = this.dirty
    this.dirty = []
    for (const entry of taken) entry.dirty = false
    return taken
  }
}
