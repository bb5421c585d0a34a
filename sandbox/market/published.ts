/**
 * The books as their exchanges publish them: each holds its changes back until its next push, and
 * only then can anybody know them. Pushes fall on whole multiples of the exchange's interval in the
 * model's wall clock. It decides nothing and prices nothing.
 */
import type { MarketModel } from './model.ts'
import { Side } from './side.ts'
import type { LevelChange } from './source.ts'
import type { Books } from './walk.ts'

interface Book {
  readonly bids: Side
  readonly asks: Side
  waiting: LevelChange[]
}

export class PublishedBooks implements Books {
  readonly markets: MarketModel['markets']
  private readonly books: readonly Book[]
  private readonly waiting = new Set<number>()
  private last_ms = Number.NEGATIVE_INFINITY
  private readonly unsubscribe: () => void

  constructor(model: MarketModel) {
    this.markets = model.markets
    this.books = model.markets.map((_, market) => bookOf(model, market))
    this.unsubscribe = model.onChange((market, changes) => {
      this.book(market).waiting.push(...changes)
      this.waiting.add(market)
    })
  }

  side(market: number, name: 'bid' | 'ask'): Side {
    const { bids, asks } = this.book(market)
    return name === 'bid' ? bids : asks
  }

  /** Publishes what is due at `now_ms` and says which markets that changed. */
  push(now_ms: number): Set<number> {
    const changed = new Set<number>()
    for (const market of this.waiting) {
      const every_ms = this.markets[market]?.push_every_ms ?? 0
      const is_due =
        every_ms === 0 || Math.floor(now_ms / every_ms) > Math.floor(this.last_ms / every_ms)
      if (!is_due) continue
      const { waiting, bids, asks } = this.book(market)
      for (const { side, price, size } of waiting.splice(0)) {
        const ladder = side === 'bid' ? bids : asks
        ladder.set(price, size)
      }
      this.waiting.delete(market)
      changed.add(market)
    }
    this.last_ms = now_ms
    return changed
  }

  close(): void {
    this.unsubscribe()
  }

  private book(market: number): Book {
    const book = this.books[market]
    if (book === undefined) throw new RangeError(`no market ${market}`)
    return book
  }
}

function bookOf(model: MarketModel, market: number): Book {
  const { bids, asks } = model.snapshot(market)
  const book = { bids: new Side('bid'), asks: new Side('ask'), waiting: [] }
  for (const { price, size } of bids) book.bids.set(price, size)
  for (const { price, size } of asks) book.asks.set(price, size)
  return book
}
