/**
 * Shows an operator the order books as this worker holds them, so that they can be compared with
 * what the exchange shows. For the operator alone: a book is what others would pay an exchange for.
 */
import { type Clock, timestamp } from '../../shared/clock.ts'
import { fixed } from '../../shared/decimal.ts'
import type { Book, Side } from '../book/book.ts'
import type { Books, MarketBook } from '../book/books.ts'

type Level = readonly [price: string, size: string]

/** Which book it is and whether it may be priced. */
export interface NamedBook {
  readonly exchange: string
  readonly market: string
  readonly symbol: string
  readonly state: MarketBook['state']
  readonly reason: MarketBook['reason']
}

/** All levels, best first, with the exchange's digits. */
export interface ShownBook extends NamedBook {
  /** id of the last update applied; null where the exchange has none */
  readonly sequence: string | null
  /** the exchange's clock on the last frame; null when it sent none */
  readonly exchange_time: string | null
  /** since the feed last proved that the book is current; null before the first time */
  readonly age_ms: number | null
  readonly bids: readonly Level[]
  readonly asks: readonly Level[]
}

export interface BookView {
  readonly list: () => NamedBook[]
  /** undefined: this market is not watched */
  readonly show: (exchange: string, market: string) => ShownBook | undefined
}

export function createBookView(books: Books, clock: Clock): BookView {
  return {
    list: () => books.all.map(named),
    show: (exchange, market) => {
      const entry = books.get(exchange, market)
      return entry === undefined ? undefined : shown(entry, clock.monotonic_ms())
    },
  }
}

function named({ market, state, reason }: MarketBook): NamedBook {
  return { exchange: market.exchange, market: market.market, symbol: market.symbol, state, reason }
}

function shown(entry: MarketBook, now_ms: number): ShownBook {
  const { book, confirmed_ms } = entry
  const { last_id, exchange_time_ms } = book
  const age_ms = Math.max(0, Math.round(now_ms - confirmed_ms))
  return {
    ...named(entry),
    sequence: Number.isNaN(last_id) ? null : String(last_id),
    exchange_time: Number.isNaN(exchange_time_ms) ? null : timestamp(exchange_time_ms),
    age_ms: Number.isNaN(age_ms) ? null : age_ms,
    bids: levels(book.bids, book),
    asks: levels(book.asks, book),
  }
}

function levels(side: Side, { price_decimals, size_decimals }: Book): Level[] {
  return side
    .levels()
    .map(({ price, size }) => [fixed(price, price_decimals), fixed(size, size_decimals)])
}
