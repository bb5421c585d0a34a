import { describe, expect, it } from 'vitest'
import { Book, type Side } from './book.ts'
import { BookUpdate } from './update.ts'

type Level = [number, number]

function levelsOf(side: Side): Level[] {
  return Array.from({ length: side.length }, (_, rank) => [side.price(rank), side.size(rank)])
}

function updateOf(bids: readonly Level[], asks: readonly Level[], more: Partial<BookUpdate> = {}) {
  const update = Object.assign(new BookUpdate(), more)
  for (const [price, size] of bids) update.bids.push(price, size)
  for (const [price, size] of asks) update.asks.push(price, size)
  return update
}

describe('Book', () => {
  it('replaces everything by a snapshot', () => {
    const book = new Book()
    book.apply(updateOf([[1, 1]], [[2, 1]], { snapshot: true, last_id: 5 }), 10)
    book.apply(updateOf([[0.5, 3]], [[2.5, 4]], { snapshot: true, last_id: 9 }), 20)
    expect(levelsOf(book.bids)).toEqual([[0.5, 3]])
    expect(levelsOf(book.asks)).toEqual([[2.5, 4]])
    expect([book.last_id, book.received_ms]).toEqual([9, 20])
  })

  it('keeps the window of the last snapshot, and all levels when it names none', () => {
    const book = new Book()
    const bids: Level[] = [10, 9, 8, 7].map((price) => [price, 1])
    book.apply(updateOf(bids, [], { snapshot: true, depth: 3 }), 0)
    book.apply(updateOf([[11, 1]], []), 0)
    expect(levelsOf(book.bids).map(([price]) => price)).toEqual([11, 10, 9])
    book.apply(updateOf(bids, [], { snapshot: true, depth: 0 }), 0)
    book.apply(updateOf([[11, 1]], []), 0)
    expect(book.bids.length).toBe(5)
  })

  it('truncates after the whole frame, so that a deletion in it makes room first', () => {
    const book = new Book()
    book.apply(
      updateOf(
        [
          [3, 1],
          [2, 1],
          [1, 1],
        ],
        [],
        { snapshot: true, depth: 3 },
      ),
      0,
    )
    book.apply(
      updateOf(
        [
          [4, 1],
          [3, 0],
        ],
        [],
      ),
      0,
    )
    expect(levelsOf(book.bids).map(([price]) => price)).toEqual([4, 2, 1])
  })

  it('learns digits from deltas and forgets them with the next snapshot', () => {
    const book = new Book()
    book.apply(updateOf([], [], { snapshot: true, price_decimals: 1, size_decimals: 4 }), 0)
    book.apply(updateOf([], [], { price_decimals: 3, size_decimals: 2 }), 0)
    expect([book.price_decimals, book.size_decimals]).toEqual([3, 4])
    book.apply(updateOf([], [], { snapshot: true, price_decimals: 2, size_decimals: 2 }), 0)
    expect([book.price_decimals, book.size_decimals]).toEqual([2, 2])
  })

  it('is crossed when bid and ask meet, not while a side is empty', () => {
    const book = new Book()
    book.apply(updateOf([[10, 1]], []), 0)
    expect(book.crossed).toBe(false)
    book.apply(updateOf([], [[10, 1]]), 0)
    expect(book.crossed).toBe(true)
    book.apply(
      updateOf(
        [],
        [
          [10, 0],
          [10.5, 1],
        ],
      ),
      0,
    )
    expect(book.crossed).toBe(false)
  })
})

describe('BookUpdate', () => {
  it('clones into something that later frames do not change', () => {
    const update = updateOf([[1, 2]], [[3, 4]], { market: 7, last_id: 9, checksum: 11 })
    const copy = update.clone()
    update.reset()
    update.bids.push(5, 6)
    expect([copy.market, copy.last_id, copy.checksum]).toEqual([7, 9, 11])
    expect([copy.bids.price[0], copy.asks.size[0], copy.bids.count]).toEqual([1, 4, 1])
    copy.bids.push(8, 8)
    expect([copy.bids.price[1], copy.bids.count]).toEqual([8, 2])
  })

  it('holds as many levels as a frame brings', () => {
    const update = new BookUpdate()
    for (let i = 0; i < 10_000; i++) update.bids.push(i, 2 * i)
    expect([update.bids.price[9_999], update.bids.size[9_999]]).toEqual([9_999, 19_998])
  })
})
