/** What is remembered must never show: every book has the checksum of its digits written down. */
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Book, type Side } from '../book/book.ts'
import { BookUpdate } from '../book/update.ts'
import { addByte, advance, countDigits, crcOfPair } from './crc32.ts'
import { KrakenChecksum } from './kraken-checksum.ts'

const digits = (value: number, decimals: number) =>
  value.toFixed(decimals).replace('.', '').replace(/^0+/, '')

function written(side: Side, book: Book): string {
  const levels = Array.from({ length: Math.min(10, side.length) }, (_, rank) => rank)
  return levels
    .map(
      (rank) =>
        digits(side.price(rank), book.price_decimals) + digits(side.size(rank), book.size_decimals),
    )
    .join('')
}

it('is the CRC32 of the digits, whatever changed since the last time', () => {
  const level = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.nat(4))
  const levels = fc.array(level, { maxLength: 15 })
  const message = fc.record({
    snapshot: fc.nat(15).map((n) => n === 0),
    bids: levels,
    asks: levels,
    decimals: fc.tuple(fc.nat(6), fc.nat(9)),
    // messages that were applied without a look at the checksum must not be missed by the next look
    looks: fc.nat(9).map((n) => n > 0),
  })
  fc.assert(
    fc.property(fc.array(message, { maxLength: 40 }), fc.nat(9), (messages, scale) => {
      const [one, other] = [new Book(), new Book()]
      const sums = new Map([one, other].map((book) => [book, new KrakenChecksum()]))
      for (const [i, { snapshot, bids, asks, decimals, looks }] of messages.entries()) {
        const book = i % 5 === 0 ? other : one
        const update = Object.assign(new BookUpdate(), { snapshot, depth: snapshot ? 25 : 0 })
        // an exchange prints all digits that a number has
        update.price_decimals = Math.max(2, decimals[0])
        update.size_decimals = Math.max(4, decimals[1])
        for (const [price, size] of bids) update.bids.push(price / 100, (size * 10 ** scale) / 1e4)
        for (const [price, size] of asks) update.asks.push(price + 0.25, size / 1e4)
        book.apply(update, 0)
        if (!looks) continue
        expect(sums.get(book)?.of(book, update)).toBe(
          crc32(written(book.asks, book) + written(book.bids, book)),
        )
      }
    }),
    { numRuns: 300 },
  )
})

it('is right beyond 2^53 lots', () => {
  const book = new Book()
  const update = Object.assign(new BookUpdate(), { price_decimals: 2, size_decimals: 8 })
  update.asks.push(0.01, 123_456_789_012)
  book.apply(update, 0)
  expect(new KrakenChecksum().of(book, update)).toBe(crc32(`1${'123456789012'}00000000`))
})

it('finds the digits as sent again, up to 2^52 lots', () => {
  const lots = fc.oneof(
    fc.integer({ min: 1, max: 2 ** 52 }),
    fc.integer({ min: 1, max: 1e9 }),
    fc.integer({ min: 2 ** 51, max: 2 ** 52 }),
  )
  const decimals = fc.integer({ min: 1, max: 10 })
  const sent = (whole: number, decimals: number) => {
    const digits = String(whole).padStart(decimals + 1, '0')
    return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`
  }
  fc.assert(
    fc.property(lots, lots, decimals, decimals, (ticks, lots, price_decimals, size_decimals) => {
      const update = Object.assign(new BookUpdate(), { price_decimals, size_decimals })
      update.bids.push(Number(sent(ticks, price_decimals)), Number(sent(lots, size_decimals)))
      const book = new Book()
      book.apply(update, 0)
      expect(new KrakenChecksum().of(book, update)).toBe(crc32(`${ticks}${lots}`))
    }),
    { numRuns: 5_000 },
  )
})

it('knows the CRC of two numbers written down one behind the other', () => {
  const whole = fc.oneof(
    fc.nat(),
    fc.nat({ max: 100_000 }),
    fc.maxSafeNat(),
    fc.nat({ max: 53 }).map((bits) => 2 ** bits),
    fc.nat({ max: 15 }).map((tens) => 10 ** tens),
    fc.nat({ max: 15 }).map((tens) => 10 ** tens - 1),
  )
  fc.assert(
    fc.property(whole, whole, (first, second) => {
      const [one, other] = [first, second].map((number) => (number === 0 ? '' : String(number)))
      const counts = [countDigits(first), countDigits(second)] as const
      expect(counts).toEqual([one?.length, other?.length])
      expect(crcOfPair(first, counts[0], second, counts[1])).toBe(
        Buffer.from(`${one}${other}`).reduce(addByte, 0),
      )
    }),
    { numRuns: 5_000 },
  )
})

it('carries a state on over zeros', () => {
  fc.assert(
    fc.property(fc.integer(), fc.nat(600), (state, length) => {
      expect(advance(state, length)).toBe(Buffer.alloc(length).reduce(addByte, state))
    }),
  )
})
