/** Small live books for the tests of this room: what a feed would have made, without a feed. */
import type { Clock } from '../../shared/clock.ts'
import type { Market } from '../../shared/market.ts'
import { Books, type MarketBook } from '../book/books.ts'
import { BookUpdate } from '../book/update.ts'

export type TextLevels = readonly (readonly [price: string, size: string])[]

/** A clock that only moves when it is told to. */
export class ManualClock implements Clock {
  now_ms = 1_000_000

  monotonic_ms(): number {
    return this.now_ms
  }

  wall_ms(): number {
    return 1_700_000_000_000 + this.now_ms
  }
}

function market(exchange: string, symbol: string, changes: Partial<Market> = {}): Market {
  const [base = '', quote = ''] = symbol.split('/')
  return {
    exchange,
    symbol,
    market: symbol.replace('/', ''),
    base,
    quote,
    price_step: '0.01',
    size_step: '0.00000001',
    minimum_size: '0',
    minimum_notional: '0',
    taker_fee_percent: '0.1',
    trading: true,
    ...changes,
  }
}

/** Books with one clock; `set` replaces a market's levels and makes it live and confirmed. */
export class TestBooks {
  readonly books = new Books()
  readonly clock: ManualClock

  constructor(clock = new ManualClock()) {
    this.clock = clock
  }

  add(exchange: string, symbol: string, changes: Partial<Market> = {}): MarketBook {
    return this.books.add(market(exchange, symbol, changes))
  }

  set(entry: MarketBook, bids: TextLevels, asks: TextLevels): MarketBook {
    const update = new BookUpdate()
    update.snapshot = true
    update.last_id = 7
    update.exchange_time_ms = this.clock.wall_ms()
    const decimals = (text: string) => text.split('.')[1]?.length ?? 0
    for (const [side, levels] of [
      [update.bids, bids],
      [update.asks, asks],
    ] as const) {
      for (const [price, size] of levels) {
        side.push(Number(price), Number(size))
        update.price_decimals = Math.max(update.price_decimals, decimals(price))
        update.size_decimals = Math.max(update.size_decimals, decimals(size))
      }
    }
    entry.book.apply(update, this.clock.now_ms)
    entry.confirmed_ms = this.clock.now_ms
    this.books.move(entry, 'live', null, this.clock.now_ms - 60_000)
    this.books.touch(entry)
    return entry
  }
}
