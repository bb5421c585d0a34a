/** What the window's steps accept they must read as Number() does, and they must see every byte. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BookUpdate } from '../book/update.ts'
import { found } from './digits.ts'
import { arrived, begin, pairs } from './scan.ts'
import { bytes, integer, literal, literalOf, open, sameText } from './window.ts'

const digits = (most: number) =>
  fc
    .array(fc.oneof(fc.nat(9), fc.constant(0)), { minLength: 1, maxLength: most })
    .map((all) => all.join(''))
const decimal = fc.oneof(
  digits(20),
  fc.tuple(digits(12), digits(12)).map(([whole, fraction]) => `${whole}.${fraction}`),
  fc.double({ min: 0, max: 1e15, noNaN: true }).map((value) => value.toFixed(8)),
)
const decimalsOf = (text: string) => (text.includes('.') ? text.length - text.indexOf('.') - 1 : 0)

function side(written: string) {
  const update = new BookUpdate()
  open(Buffer.from(written))
  begin(update)
  const end = pairs(bytes, 0, update.bids)
  arrived(bytes, end, update)
  const { bids, price_decimals, size_decimals } = update
  const read = Array.from({ length: bids.count }, (_, i) => [bids.price[i], bids.size[i]])
  return { end, read, price_decimals, size_decimals }
}

describe('the levels of a side', () => {
  it('are the numbers that their texts are, or are refused', () => {
    const pair = fc.tuple(decimal, decimal)
    let accepted = 0
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 5 }), (levels) => {
        const text = JSON.stringify(levels)
        const { end, read, price_decimals, size_decimals } = side(text)
        if (end < 0) return
        accepted++
        expect(end).toBe(text.length)
        expect(read).toEqual(levels.map((level) => level.map(Number)))
        expect(price_decimals).toBe(Math.max(0, ...levels.map(([price]) => decimalsOf(price))))
        expect(size_decimals).toBe(Math.max(0, ...levels.map(([, size]) => decimalsOf(size))))
      }),
      { numRuns: 20_000 },
    )
    expect(accepted).toBeGreaterThan(5_000)
  })

  it.each([
    ...['0', '7', '0.0', '0.00000000', '61737.63000000', '1234567', '9999999.99999999'],
    ...['1234', '12345678', '123456789012345', '429236422.00000000', '12345678901.50000000'],
    ...['0.1', '0.12', '0.123', '0.1234', '0.12345', '0.1234567', '0.000000000000123', '00012.50'],
  ])('read %s', (text) => {
    const { read, size_decimals } = side(`[["1","${text}"]]`)
    expect(read).toEqual([[1, Number(text)]])
    expect(size_decimals).toBe(decimalsOf(text))
  })

  it.each([
    ...['', '.', '1.', '.5', '-1', '+1', 'x', ' 1', '1 ', '1e5', '1.5.5', '1:', '1/', '12345:'],
    ...['0.1234/', '0.12345678x', '9007199254740993', '0.30000000000000004', '1'.repeat(41)],
  ])('leave %j to others', (text) => {
    expect(side(`[["1","${text}"]]`).end).toBe(-1)
    expect(side(`[["${text}","1"]]`).end).toBe(-1)
  })

  it.each([
    ...['', '[', '["', '["1"', '["1","1', '["1","1"', '["1","1"]', '["1","1"],', '["1","1"],['],
    ...[
      '["1","1"],]',
      '["0","1"]]',
      '["1","1","1"]]',
      '["1", "1"]]',
      '["1","1"] ]',
      '["1","1"],[2',
    ],
  ])('are refused where the frame is %j', (text) => {
    expect(side(`[${text}`).end).toBe(-1)
  })

  it('are not continued by what an earlier frame left behind', () => {
    side('[["1","1"],["2","2"],["3","3"]]')
    expect(side('[["1","1"],["2"').end).toBe(-1)
    expect(side('[["1","12345').end).toBe(-1)
  })
})

it('reads an integer as Number() does, or refuses it', () => {
  fc.assert(
    fc.property(digits(17), (text) => {
      open(Buffer.from(`${text},`))
      const end = integer(0)
      const exact = text.length <= 15 && !/^0\d/.test(text)
      expect(end).toBe(exact ? text.length : -1)
      if (exact) expect(found.integer).toBe(Number(text))
    }),
    { numRuns: 5_000 },
  )
})

it('finds a text wherever it is and no other', () => {
  const byte = fc.integer({ min: 1, max: 255 })
  const text = fc.uint8Array({ minLength: 8, maxLength: 40, min: 1 })
  fc.assert(
    fc.property(text, fc.nat(20), fc.nat(39), byte, (expected, from, at, other) => {
      const stored = new DataView(new ArrayBuffer(80))
      new Uint8Array(stored.buffer).set(expected, 7)
      const frame = Buffer.concat([Buffer.alloc(from, 32), expected])
      open(frame)
      // eight bytes that are no number equal nothing, which no text is
      const is_text = !expected.some((byte) => (byte & 0x7f) === 0x7f)
      if (is_text) expect(sameText(from, stored, 7, expected.length)).toBe(frame.length)
      const changed = from + (at % expected.length)
      if (frame[changed] === other) return
      frame[changed] = other
      open(frame)
      expect(sameText(from, stored, 7, expected.length)).toBe(-1)
    }),
    { numRuns: 5_000 },
  )
})

it.each(['}', '}}', ',"u":', '},"cts":'])('finds %s and nothing shorter', (text) => {
  const expected = literalOf(text)
  open(Buffer.from(`1${text}`))
  expect(literal(1, expected)).toBe(1 + text.length)
  expect(literal(0, expected)).toBe(-1)
  expect(literal(-1, expected)).toBe(-1)
  open(Buffer.from(`1${text.slice(0, -1)}`))
  expect(literal(1, expected)).toBe(-1)
})

it('refuses a frame that is too long', () => {
  expect(open(Buffer.alloc(1 << 16))).toBe(1 << 16)
  expect(open(Buffer.alloc((1 << 16) + 1))).toBe(-1)
})
