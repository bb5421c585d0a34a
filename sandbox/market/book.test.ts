import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SimulatedBook } from './book.ts'
import { listings } from './listings.ts'
import { createRandom } from './random.ts'
import { type Shape, shapeOf } from './shape.ts'
import type { LevelChange, Snapshot } from './source.ts'
import { FOUR } from './testing.ts'

function shapeNamed(exchange: string, symbol: string): Shape {
  const listing = listings(24, FOUR).find((m) => m.exchange === exchange && m.symbol === symbol)
  return shapeOf(listing!)
}

/** The two sides as plain maps: applies changes as a reader of the stream would. */
class Replay {
  readonly bid: Map<number, number>
  readonly ask: Map<number, number>

  constructor({ bids, asks }: Snapshot) {
    this.bid = new Map(bids.map(({ price, size }) => [price, size]))
    this.ask = new Map(asks.map(({ price, size }) => [price, size]))
  }

  apply({ side, price, size }: LevelChange): void {
    if (size > 0) this[side].set(price, size)
    else if (!this[side].delete(price)) throw new Error(`deleted an unknown ${side} at ${price}`)
  }

  get isCrossed(): boolean {
    return Math.max(...this.bid.keys()) >= Math.min(...this.ask.keys())
  }

  levels(side: 'bid' | 'ask') {
    const away = side === 'ask' ? 1 : -1
    return [...this[side]]
      .sort(([a], [b]) => (a - b) * away)
      .map(([price, size]) => ({ price, size }))
  }
}

type Action =
  | 'stir'
  | { middle: number; spread: number; backing: 'full' | 'thin bids' | 'thin asks' }

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: fc.constant('stir' as const) },
  {
    weight: 2,
    arbitrary: fc.record({
      middle: fc.integer({ min: 6_000_000, max: 6_700_000 }),
      spread: fc.integer({ min: 1, max: 500 }),
      backing: fc.constantFrom('full' as const, 'thin bids' as const, 'thin asks' as const),
    }),
  },
)

function perform(book: SimulatedBook, todo: Action): readonly LevelChange[] {
  if (todo === 'stir') return book.stir()
  const { middle, spread, backing } = todo
  return book.requote({ bid: middle, ask: middle + spread }, backing)
}

describe('SimulatedBook', () => {
  it('stays valid whatever happens: replayed changes give the snapshot, no prefix is crossed', {
    timeout: 60_000,
  }, () => {
    const shape = shapeNamed('binance', 'BTC/USDT')
    fc.assert(
      fc.property(fc.integer(), fc.array(action, { maxLength: 40 }), (seed, actions) => {
        const book = new SimulatedBook(shape, createRandom(seed), {
          bid: 6_340_000,
          ask: 6_340_001,
        })
        const replay = new Replay(book.snapshot())
        let version = book.snapshot().version
        for (const todo of actions) {
          const changes = perform(book, todo)
          expect(changes.length).toBeGreaterThan(0)
          for (const change of changes) {
            replay.apply(change)
            expect(replay.isCrossed).toBe(false)
          }
          const names = changes.map(({ side, price }) => `${side} ${price}`)
          expect(new Set(names).size).toBe(names.length)
          version += changes.length
          const snapshot = book.snapshot()
          expect(snapshot.version).toBe(version)
          expect(snapshot.bids).toEqual(replay.levels('bid'))
          expect(snapshot.asks).toEqual(replay.levels('ask'))
          for (const side of [snapshot.bids, snapshot.asks]) {
            expect(side.length).toBeGreaterThanOrEqual(shape.min_levels)
            expect(side.length).toBeLessThanOrEqual(shape.max_levels)
          }
        }
      }),
      { numRuns: 60 },
    )
  })

  it('puts the best prices exactly where it is told', () => {
    const book = new SimulatedBook(shapeNamed('kraken', 'ETH/USD'), createRandom(1), {
      bid: 338_000,
      ask: 338_010,
    })
    for (const [bid, ask] of [
      [338_400, 338_401],
      [330_000, 350_000],
      [350_001, 350_002],
    ] as const) {
      book.requote({ bid, ask }, 'full')
      expect([book.bids.price(0), book.asks.price(0)]).toEqual([bid, ask])
    }
    expect(() => book.requote({ bid: 5, ask: 5 }, 'full')).toThrow('crossed')
  })

  it('leaves the best prices and sizes alone when makers stir behind them', () => {
    const book = new SimulatedBook(shapeNamed('bybit', 'SOL/USDT'), createRandom(2), {
      bid: 14_250,
      ask: 14_252,
    })
    const top = () => [book.bids, book.asks].map((side) => [side.price(0), side.size(0)])
    const before = top()
    for (let count = 0; count < 2_000; count++) book.stir()
    expect(top()).toEqual(before)
  })

  it('sends only a few small levels along with a thin side', () => {
    const shape = shapeNamed('binance', 'BTC/USDT')
    const book = new SimulatedBook(shape, createRandom(3), { bid: 6_340_000, ask: 6_340_002 })
    book.requote({ bid: 6_420_000, ask: 6_420_002 }, 'thin bids')
    const ahead = book.snapshot().bids.filter(({ price }) => price > 6_340_000)
    expect(ahead.length).toBeGreaterThanOrEqual(3)
    expect(ahead.length).toBeLessThanOrEqual(9)
    const usd = ahead.reduce((sum, { price, size }) => sum + (price / 100) * (size / 1e5), 0)
    expect(usd).toBeGreaterThan(3_000)
    expect(usd).toBeLessThan(150_000)
  })

  it('keeps its depth near the top through a long random walk', () => {
    const random = createRandom(4)
    const shape = shapeNamed('binance', 'ETH/USDT')
    let middle = 338_000
    const book = new SimulatedBook(shape, createRandom(5), { bid: middle, ask: middle + 2 })
    const depth: number[] = []
    for (let count = 0; count < 20_000; count++) {
      if (random.chance(1 / 7)) {
        middle += Math.round(3 * random.normal())
        book.requote({ bid: middle, ask: middle + 2 }, 'full')
      } else book.stir()
      const { bids, asks } = book
      depth.push(bids.price(0) - bids.price(20), asks.price(20) - asks.price(0))
    }
    depth.sort((a, b) => a - b)
    const resting = Array.from({ length: 20 }, (_, rank) => shape.gap(rank)).reduce((a, b) => a + b)
    const median = depth[depth.length >> 1]!
    expect(median / resting).toBeGreaterThan(0.4)
    expect(median / resting).toBeLessThan(2.5)
  })
})
