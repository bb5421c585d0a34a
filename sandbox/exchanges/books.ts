/**
 * The books of one exchange's markets as its server knows them: copies that follow the market
 * source. It formats digits and knows no frame.
 */
import { systemClock, timestamp } from '../../shared/clock.ts'
import { Side } from '../market/side.ts'
import type { Level, LevelChange, MarketSource, SimulatedMarket } from '../market/source.ts'

/** What the REST answers tell of a market; a recording may not know the fee. */
export interface ListedMarket {
  readonly base: string
  readonly quote: string
  readonly symbol: string
  readonly price_decimals: number
  readonly size_decimals: number
  readonly minimum_size: string
  readonly minimum_notional: string
  readonly taker_fee_percent?: string
}

export interface ServedBook {
  /** position among the exchange's markets */
  readonly index: number
  readonly market: SimulatedMarket
  readonly bids: Side
  readonly asks: Side
  version: number
  /** time of the last change */
  time_ms: number
}

export interface ServedBooks {
  readonly books: readonly ServedBook[]
  close(): void
}

/** `onChange` is called after the book took the whole batch. */
export function serveBooks(
  source: MarketSource,
  exchange: string,
  onChange: (book: ServedBook, changes: readonly LevelChange[]) => void,
): ServedBooks {
  const books: ServedBook[] = []
  const byMarket = source.markets.map((market, id) => {
    if (market.exchange !== exchange) return undefined
    const book = copy(source, id, market, books.length)
    books.push(book)
    return book
  })
  const close = source.onChange((id, changes, version, time_ms) => {
    const book = byMarket[id]
    if (book === undefined) return
    for (const { side, price, size } of changes) {
      const ladder = side === 'bid' ? book.bids : book.asks
      ladder.set(price, size)
    }
    book.version = version
    book.time_ms = time_ms
    onChange(book, changes)
  })
  return { books, close }
}

function copy(
  source: MarketSource,
  id: number,
  market: SimulatedMarket,
  index: number,
): ServedBook {
  const { bids, asks, version } = source.snapshot(id)
  const book = {
    index,
    market,
    bids: new Side('bid'),
    asks: new Side('ask'),
    version,
    time_ms: systemClock.wall_ms(),
  }
  for (const level of bids) book.bids.set(level.price, level.size)
  for (const level of asks) book.asks.set(level.price, level.size)
  return book
}

/** The best `depth` levels, best first. */
export function top(side: Side, depth: number): Level[] {
  const levels: Level[] = []
  const count = Math.min(depth, side.length)
  for (let rank = 0; rank < count; rank++) {
    levels.push({ price: side.price(rank), size: side.size(rank) })
  }
  return levels
}

/** 4528350 with 2 decimals is "45283.50"; every digit is exact. */
export function digits(value: number, decimals: number): string {
  if (decimals === 0) return String(value)
  const text = String(value).padStart(decimals + 1, '0')
  const point = text.length - decimals
  return `${text.slice(0, point)}.${text.slice(point)}`
}

/** The smallest step of a number with so many digits after the point. */
export function step(decimals: number): string {
  return digits(1, decimals)
}

/** Drops zeros at the end of a fraction: "0.500" is "0.5", "2.00" is "2". */
export function withoutTrailingZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

/** many frames of one step carry the same time */
let last_stamped = { time_ms: Number.NaN, text: '' }

/** RFC 3339 UTC with six digits: "2023-10-06T17:35:55.440295Z". */
export function microTimestamp(time_ms: number): string {
  if (time_ms !== last_stamped.time_ms) {
    const micros = Math.floor((time_ms - Math.floor(time_ms)) * 1_000)
    const text = `${timestamp(Math.floor(time_ms)).slice(0, -1)}${String(micros).padStart(3, '0')}Z`
    last_stamped = { time_ms, text }
  }
  return last_stamped.text
}
