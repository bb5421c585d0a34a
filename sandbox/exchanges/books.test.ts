import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Level } from '../market/source.ts'
import { difference, digits, microTimestamp, withoutTrailingZeros } from './books.ts'

const window = (away: 1 | -1) =>
  fc
    .uniqueArray(
      fc.record({ price: fc.integer({ min: 1, max: 12 }), size: fc.integer({ min: 1, max: 3 }) }),
      {
        selector: (level) => level.price,
      },
    )
    .map((levels) => levels.sort((a, b) => (a.price - b.price) * away))

describe('the difference of two windows', () => {
  it.each([1, -1] as const)('turns the first into the second (away %i)', (away) => {
    fc.assert(
      fc.property(window(away), window(away), (before: Level[], after: Level[]) => {
        const { set, left } = difference(before, after, away)
        const book = new Map(before.map(({ price, size }) => [price, size]))
        for (const { price } of left) expect(book.delete(price)).toBe(true)
        for (const { price, size } of set) {
          expect(book.get(price)).not.toBe(size)
          book.set(price, size)
        }
        expect(book).toEqual(new Map(after.map(({ price, size }) => [price, size])))
      }),
    )
  })
})

describe('digits', () => {
  it.each([
    [4528350, 2, '45283.50'],
    [5, 3, '0.005'],
    [0, 8, '0.00000000'],
    [70, 0, '70'],
  ])('prints %i with %i decimals as %s', (value, decimals, text) => {
    expect(digits(value, decimals)).toBe(text)
  })

  it.each([
    ['0.500', '0.5'],
    ['2.00', '2'],
    ['100', '100'],
    ['0.000', '0'],
  ])('cuts %s to %s', (text, cut) => {
    expect(withoutTrailingZeros(text)).toBe(cut)
  })

  it('prints times with microseconds', () => {
    expect(microTimestamp(1_696_613_755_440.25)).toBe('2023-10-06T17:35:55.440250Z')
  })
})
