/** What the cursor accepts it must read as Number(), Date.parse() and the table of texts do. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BookUpdate, Levels } from '../book/update.ts'
import { decimalAt } from './digits.ts'
import { MarketNames } from './names.ts'
import { integer, pairs, text, timestamp } from './scan.ts'

function decimal(written: string) {
  const [into, decimals] = [new Float64Array(1), { most: 0 }]
  const end = decimalAt(Buffer.from(`${written}"`), 0, into, 0, decimals)
  return end < 0 ? null : { value: into[0], decimals: decimals.most, end }
}

const decimalsOf = (text: string) => (text.includes('.') ? text.length - text.indexOf('.') - 1 : 0)

const digits = (most: number) =>
  fc
    .array(fc.oneof(fc.nat(9), fc.constant(0)), { minLength: 1, maxLength: most })
    .map((all) => all.join(''))

describe('a decimal', () => {
  it('is the number that its text is, or is refused', () => {
    const text = fc.oneof(
      digits(22),
      fc.tuple(digits(20), digits(20)).map(([whole, fraction]) => `${whole}.${fraction}`),
      fc.double({ min: 0, max: 1e15, noNaN: true }).map((value) => value.toFixed(8)),
    )
    fc.assert(
      fc.property(text, (text) => {
        const read = decimal(text)
        if (read === null) return
        expect(read).toEqual({ value: Number(text), decimals: decimalsOf(text), end: text.length })
      }),
      { numRuns: 20_000 },
    )
  })

  it.each([
    ...['0', '7', '0.0', '0.00000000', '61737.63000000', '123456789', '999999999.999999'],
    ...['1234567890', '123456789012345', '429236422.00000000', '12345678901.50000000'],
    ...['0.000000000000123', '00012.50', '9007199.254740991', '100000000000.00000000'],
  ])('%s is read from bytes', (text) => {
    expect(decimal(text)).toEqual({
      value: Number(text),
      decimals: decimalsOf(text),
      end: text.length,
    })
  })

  it.each([
    ...['', '.', '1.', '.5', '-1', '+1', 'x', ' 1', '"'],
    ...['9007199254740993', '0.30000000000000004', '123456789.12345678', '1'.repeat(41)],
    `0.${'0'.repeat(39)}`,
  ])('%j is left to others', (text) => {
    expect(decimal(text)).toBeNull()
  })
})

describe('a time', () => {
  const read = (written: string) => {
    const update = new BookUpdate()
    const end = timestamp(Buffer.from(written), 0, update)
    return end === written.length ? update.exchange_time_ms : null
  }

  it('is what Date.parse makes of it', () => {
    const two = (most: number) => fc.nat(most).map((value) => String(value).padStart(2, '0'))
    const text = fc
      .tuple(
        fc.integer({ min: 2009, max: 2110 }),
        two(13),
        two(32),
        two(24),
        two(60),
        two(60),
        digits(9),
      )
      .map(([y, mo, d, h, m, s, f]) => `${y}-${mo}-${d}T${h}:${m}:${s}.${f}Z`)
    fc.assert(
      fc.property(text, (text) => {
        const time = read(text)
        if (time === null || Number.isNaN(time)) return
        expect(time).toBe(Date.parse(text))
      }),
      { numRuns: 20_000 },
    )
  })

  it('is read in every month of a leap year and of others', () => {
    for (let day = 0; day < 366 * 8; day++) {
      const text = new Date(Date.UTC(2019, 0, 1, 23, 59, 58, 123) + day * 86_400_000).toISOString()
      expect(read(text)).toBe(Date.parse(text))
    }
  })

  it.each([
    ...['2021-04-17T16:43:44Z', '2021-04-17T16:43:44.43Z'],
    ...['2021-04-17 16:43:44.432Z', '2021-04-17T16:43:44.432', '2021-04-17T16:43:44.432+01:00'],
    ...['2021-00-17T16:43:44.432Z', '2021-13-17T16:43:44.432Z', '2021-04-32T16:43:44.432Z'],
    ...['2021-04-17T24:00:00.000Z', '2021-04-17T16:60:44.432Z', '2021-04-17T16:43:60.432Z'],
    ...['2021-04-17T16:43:44.4x2Z', '2021-04-17T16:43:44.1234567890Z', '2021-04-17T16:43:44.43 Z'],
  ])('%s is left to others', (text) => {
    expect(read(text)).toBeNull()
  })
})

it('is no time at all in the year 1', () => {
  const update = new BookUpdate()
  const frame = Buffer.from('0001-01-01T00:00:00.000000Z')
  expect(timestamp(frame, 0, update)).toBe(frame.length)
  expect(update.exchange_time_ms).toBeNaN()
})

describe('names of markets', () => {
  it('are found by their bytes as by their text, learned as they come, strangers never', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 0, maxLength: 12 })
    fc.assert(
      fc.property(fc.uniqueArray(name, { maxLength: 200 }), fc.array(name), (known, others) => {
        const find = (text: string) => known.indexOf(text)
        const names = new MarketNames({ find })
        for (const text of [...known, ...others, ...known]) {
          const bytes = Buffer.from(`xx${text}xx`)
          expect(names.find(bytes, 2, bytes.length - 2)).toBe(find(Buffer.from(text).toString()))
        }
      }),
    )
  })

  it('may become known later', () => {
    let markets = ['BTCUSDT']
    const names = new MarketNames({ find: (text) => markets.indexOf(text) })
    const find = (text: string) => names.find(Buffer.from(text), 0, text.length)
    expect([find('BTCUSDT'), find('ETHUSDT')]).toEqual([0, -1])
    markets = [...markets, 'ETHUSDT']
    expect([find('BTCUSDT'), find('ETHUSDT')]).toEqual([0, 1])
  })
})

describe('pairs', () => {
  const read = (written: string) => {
    const side = new Levels()
    const frame = Buffer.from(written)
    if (pairs(frame, 0, side) !== frame.length) return null
    return Array.from({ length: side.count }, (_, i) => [side.price[i], side.size[i]])
  }

  it('are taken whole or not at all', () => {
    const written = '[["61737.63000000","0.00000000"],["1","2.5"]]'
    expect(read(written)).toEqual([
      [61_737.63, 0],
      [1, 2.5],
    ])
    for (let end = 0; end < written.length; end++) expect(read(written.slice(0, end))).toBeNull()
    expect(read('[]')).toEqual([])
    for (const wrong of ['[["1","2"],]', '[,["1","2"]]', '[["1","2","3"]]', '[["0.0","2"]]']) {
      expect(read(wrong)).toBeNull()
    }
  })

  it('may be as many as they like', () => {
    const many = Array.from({ length: 1_000 }, (_, i) => [i + 1, i])
    expect(read(JSON.stringify(many.map((level) => level.map(String))))).toEqual(many)
  })
})

it.each([
  [integer, ['0', '1795454156589', '123456789012345'], ['', '01', '-1', '1234567890123456']],
  [text, ['"', 'BTCUSDT"', '測試"'], ['', 'BTC', 'a\\nb"', 'a\nb"']],
])('%o takes what JSON allows and no more than it can', (step, good, bad) => {
  const end = (written: string) => step(Buffer.from(written), 0)
  for (const written of good) expect(end(written)).toBe(Buffer.byteLength(written))
  for (const written of bad) expect(end(written)).not.toBe(Buffer.byteLength(written) || 0)
})
