/**
 * Exchanges with 500 markets each, priced alike but for noise that no fee lets pay, and ticks that
 * move the tops of their books: what detection sees on a usual day.
 */
import type { Clock } from '../../shared/clock.ts'
import { Books, type MarketBook } from '../../workers/book/books.ts'
import { BookUpdate } from '../../workers/book/update.ts'

const MARKETS = 500
/** Quotes and how many of the 500 markets are priced in each. */
const QUOTES: readonly (readonly [quote: string, dollars: number, markets: number])[] = [
  ['USDT', 1, 230],
  ['USD', 1, 90],
  ['USDC', 1, 60],
  ['EUR', 1.1, 40],
  ['BTC', 60_000, 50],
  ['ETH', 3_000, 30],
]
/** Of the fair price: an exchange's own opinion, half a spread, a step of a tick. */
const NOISE = 2e-4
const HALF_SPREAD = 2e-4
const STEP = 1e-4

export interface Tick {
  readonly entry: MarketBook
  readonly update: BookUpdate
}

export class Universe {
  readonly books = new Books()
  readonly clock: Clock = { monotonic_ms: () => this.now_ms, wall_ms: () => this.now_ms }
  private readonly fair: number[] = []
  private readonly random: () => number
  private readonly now_ms = 1_000

  constructor(exchanges: number, random: () => number) {
    this.random = random
    for (let exchange = 0; exchange < exchanges; exchange++) {
      for (const [base, quote, fair] of listings()) this.list(`x${exchange}`, base, quote, fair)
    }
  }

  /** Random ticks; the first one of each market makes its book. */
  *ticks(count: number): Generator<Tick> {
    for (let i = 0; i < count; i++) {
      const entry = this.books.all[Math.floor(this.random() * this.books.all.length)] as MarketBook
      yield this.tick(entry)
    }
  }

  tick(entry: MarketBook): Tick {
    const fair = (this.fair[entry.index] as number) * (1 + (this.random() - 0.5) * STEP)
    const update = new BookUpdate()
    update.snapshot = true
    update.price_decimals = 10
    update.size_decimals = 2
    for (let level = 0; level < 3; level++) {
      update.bids.push(fair * (1 - HALF_SPREAD * (1 + level)), 10)
      update.asks.push(fair * (1 + HALF_SPREAD * (1 + level)), 10)
    }
    return { entry, update }
  }

  apply({ entry, update }: Tick): void {
    entry.book.apply(update, this.now_ms)
    entry.confirmed_ms = this.now_ms
  }

  private list(exchange: string, base: string, quote: string, fair: number): void {
    const entry = this.books.add({
      exchange,
      symbol: `${base}/${quote}`,
      market: base + quote,
      base,
      quote,
      price_step: '0.0000000001',
      size_step: '0.01',
      minimum_size: '0',
      minimum_notional: '0',
      taker_fee_percent: '0.1',
      trading: true,
    })
    this.fair.push(fair * (1 + (this.random() - 0.5) * NOISE))
    this.apply(this.tick(entry))
    this.books.move(entry, 'live', null, 0)
  }
}

/** Quotes against each other, then coins against as many quotes as there are markets left. */
function* listings(): Generator<readonly [base: string, quote: string, fair: number]> {
  let count = 0
  for (const [i, [quote, in_dollars, markets]] of QUOTES.entries()) {
    let left = markets
    for (const [base, dollars] of QUOTES.slice(i + 1)) {
      left--
      count++
      yield [base, quote, dollars / in_dollars]
    }
    for (let coin = 0; coin < left; coin++) {
      if (count++ >= MARKETS) return
      yield [`C${coin}`, quote, (1 + (coin % 17)) / in_dollars]
    }
  }
}
