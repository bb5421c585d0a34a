/** Comparing a book with an answer of an unknown moment: never a false alarm, never a miss. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Book, type Side } from '../book/book.ts'
import { BookUpdate, Levels } from '../book/update.ts'
import { type AuditResult, compareBooks, type Standing } from './audit.ts'
import { Touches } from './touches.ts'

/** side, tick from the middle (1 is best), size in lots */
type Change = readonly ['bids' | 'asks', number, number]

const MIDDLE = 1_000
const priceOf = (side: 'bids' | 'asks', tick: number) =>
  side === 'bids' ? MIDDLE - tick : MIDDLE + tick

function updateOf(id: number, changes: readonly Change[], snapshot = false): BookUpdate {
  const update = new BookUpdate()
  update.snapshot = snapshot
  update.last_id = id
  for (const [side, tick, size] of changes) update[side].push(priceOf(side, tick), size)
  return update
}

/** What the exchange would answer after `changes`: the best `depth` levels of each side. */
function answerOf(id: number, changes: readonly Change[], depth: number): BookUpdate {
  const book = new Book()
  for (const change of changes) book.apply(updateOf(id, [change]), 0)
  const answer = new BookUpdate()
  answer.snapshot = true
  answer.last_id = id
  for (const side of ['bids', 'asks'] as const) {
    for (let rank = 0; rank < Math.min(depth, book[side].length); rank++) {
      answer[side].push(book[side].price(rank), book[side].size(rank))
    }
  }
  return answer
}

/** Changes a level behind the exchange's back. */
function spoil(side: Side, price: number, size: number): void {
  const levels = new Levels()
  levels.push(price, size)
  side.apply(levels)
}

const NOWHERE: Standing = { last_id: Number.NaN, exchange_time_ms: Number.NaN }

const change = fc.tuple(
  fc.constantFrom('bids' as const, 'asks' as const),
  fc.integer({ min: 1, max: 12 }),
  fc.integer({ min: 0, max: 4 }),
)
const course = fc
  .tuple(fc.array(change, { minLength: 3, maxLength: 60 }), fc.nat(), fc.nat(), fc.nat())
  .map(([changes, a, b, c]) => {
    const [from = 0, at = 0, to = 0] = [a, b, c]
      .map((n) => n % (changes.length + 1))
      .sort((x, y) => x - y)
    return { changes, from, at, to }
  })

/** The book looked at after `from` changes and again after `to`. */
function follow(changes: readonly Change[], from: number, to: number) {
  const book = new Book()
  const touches = new Touches()
  for (const [index, one] of changes.slice(0, to).entries()) {
    const update = updateOf(index + 1, [one])
    book.apply(update, 0)
    if (index >= from) touches.note(update)
  }
  const before = { last_id: from, exchange_time_ms: Number.NaN }
  return { book, touches, before }
}

describe('an audit', () => {
  const depths = fc.constantFrom(1, 5, 100)

  it('agrees or is void whatever moment between the two looks the answer is of', () => {
    fc.assert(
      fc.property(course, depths, fc.boolean(), ({ changes, from, at, to }, depth, numbered) => {
        const { book, touches, before } = follow(changes, from, to)
        const answer = answerOf(numbered ? at : Number.NaN, changes.slice(0, at), depth)
        const result = compareBooks(book, answer, touches, numbered ? before : NOWHERE)
        expect(result.kind).not.toBe('differs')
      }),
      { numRuns: 2_000 },
    )
  })

  it('differs when a level that nobody touched is wrong in size, missing or left over', () => {
    const faults = fc.record({
      side: fc.constantFrom('bids' as const, 'asks' as const),
      rank: fc.nat(11),
      fault: fc.constantFrom('size', 'missing', 'left over'),
    })
    let found = 0
    fc.assert(
      fc.property(course, faults, ({ changes, from, at, to }, { side, rank, fault }) => {
        const { book, touches } = follow(changes, from, to)
        const answer = answerOf(at, changes.slice(0, at), 100)
        const levels = book[side]
        const price = levels.price(rank % Math.max(1, levels.length))
        // the worst level of a book that is known in part may be one that it never claimed to hold
        const inside = levels.length > 1 && price !== levels.price(levels.length - 1)
        if (!inside || touches[side].has(price)) return
        if (fault === 'size') spoil(levels, price, 777)
        else if (fault === 'missing') spoil(levels, price, 0)
        else {
          const stuck = side === 'bids' ? price + 0.5 : price - 0.5
          spoil(levels, stuck, 3)
        }
        found++
        expect(compareBooks(book, answer, touches, NOWHERE).kind).toBe('differs')
      }),
      { numRuns: 2_000 },
    )
    expect(found).toBeGreaterThan(100)
  })

  it('finds a level left over at the top by the best price alone', () => {
    const { book, touches } = follow(
      [
        ['bids', 3, 1],
        ['asks', 3, 1],
      ],
      2,
      2,
    )
    spoil(book.bids, priceOf('bids', 1), 5)
    const answer = answerOf(
      2,
      [
        ['bids', 3, 1],
        ['asks', 3, 1],
      ],
      1,
    )
    const result = compareBooks(book, answer, touches, NOWHERE)
    expect(result).toEqual({ kind: 'differs', level: '999: we hold 5, told 0' })
  })

  it('is void for answers that are older or newer than both looks, and for a replaced book', () => {
    const changes: Change[] = [
      ['bids', 1, 1],
      ['asks', 1, 1],
      ['bids', 2, 2],
    ]
    const { book, touches, before } = follow(changes, 1, 3)
    const kindOf = (answer: BookUpdate, standing = before): AuditResult['kind'] =>
      compareBooks(book, answer, touches, standing).kind
    expect(kindOf(answerOf(2, changes.slice(0, 2), 100))).not.toBe('void')
    expect(kindOf(answerOf(0, [], 100))).toBe('void')
    expect(kindOf(answerOf(4, changes, 100))).toBe('void')
    const timed = answerOf(Number.NaN, changes, 100)
    book.exchange_time_ms = 2_000
    timed.exchange_time_ms = 1_500
    expect(kindOf(timed, { last_id: Number.NaN, exchange_time_ms: 1_600 })).toBe('void')
    expect(kindOf(timed, { last_id: Number.NaN, exchange_time_ms: 1_500 })).toBe('agrees')
    timed.exchange_time_ms = 2_001
    expect(kindOf(timed, { last_id: Number.NaN, exchange_time_ms: 1_500 })).toBe('void')
    touches.note(updateOf(5, [], true))
    expect(kindOf(answerOf(2, changes.slice(0, 2), 100))).toBe('void')
  })
})
