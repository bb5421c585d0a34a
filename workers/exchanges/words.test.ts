/** In words or byte by byte, a frame must say the same. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BookUpdate } from '../book/update.ts'
import { MarketNames } from './names.ts'
import { anchor, literal, text, timestamp } from './scan.ts'
import { phrase, phraseAt, take, timeAt, WordNames } from './words.ts'

/** A frame as a connection delivers it, behind another that left its bytes. */
function taken(content: string | Uint8Array): Buffer {
  const frame = Buffer.from(content as string)
  expect(take(Buffer.alloc(200, '"9Z.'))).toBe(true)
  expect(take(frame)).toBe(true)
  return frame
}

describe('a phrase', () => {
  it('is its bytes and no others', () => {
    const constant = fc.string({ unit: fc.constantFrom(...'ab"{'), minLength: 4, maxLength: 40 })
    fc.assert(
      fc.property(constant, fc.nat(8), fc.nat(60), fc.boolean(), (constant, from, at, cut) => {
        const whole = 'x'.repeat(from) + constant
        const wounded = `${whole.slice(0, at)}c${whole.slice(at + 1)}`
        for (const content of [whole, wounded, cut ? whole.slice(0, -1) : `${whole}}`]) {
          const frame = taken(content)
          expect(phraseAt(from, phrase(constant))).toBe(literal(frame, from, anchor(constant)))
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('begun nowhere ends nowhere', () => {
    taken('abcd')
    expect(phraseAt(-1, phrase('abcd'))).toBe(-1)
  })

  it('is refused when it is shorter than a word', () => {
    expect(() => phrase('abc')).toThrow('shorter')
  })
})

it('takes no frame that is too long for its memory', () => {
  expect(take(Buffer.alloc(1 << 16))).toBe(true)
  expect(take(Buffer.alloc((1 << 16) + 1))).toBe(false)
})

describe('a time', () => {
  const read = (content: string) => {
    const frame = taken(content)
    const [one, other] = [new BookUpdate(), new BookUpdate()]
    const ends = [timeAt(0, one), timestamp(frame, 0, other)]
    return { ends, times: [one.exchange_time_ms, other.exchange_time_ms] }
  }

  it('is what it is byte by byte, whatever minute came before', () => {
    const digits = (length: number) =>
      fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: length, maxLength: length })
    const fraction = fc.nat(14).chain(digits)
    const minute = fc.constantFrom(
      '2021-04-17T16:43:',
      '2021-04-17T16:44:',
      '2109-01-03T00:00:',
      '2008-12-31T23:59:',
      '2021-02-31T16:43:',
      '2021-04-17T24:43:',
    )
    const end = fc.constantFrom('Z', 'Z"', '+00:00', '')
    fc.assert(
      fc.property(minute, digits(2), fraction, end, (minute, second, fraction, end) => {
        const { ends, times } = read(`${minute}${second}.${fraction}${end}`)
        expect(ends[0]).toBe(ends[1])
        if ((ends[0] as number) >= 0) expect(times[0]).toBe(times[1])
      }),
      { numRuns: 5_000 },
    )
  })

  it('is the time that it says', () => {
    expect(read('2026-08-02T03:35:51.671461Z"').times[0]).toBe(Date.UTC(2026, 7, 2, 3, 35, 51, 671))
    expect(read('2026-08-02T03:35:07.008Z"').ends[0]).toBe(24)
  })
})

describe('names', () => {
  const listed = ['BTC/USD', 'BTC/USDT', 'A', '測試USDT', 'ÉTÉ-USD', '1234567890A', '1234567890AB']
  const all = [...listed, ...Array.from({ length: 400 }, (_, i) => `C${i}-USD`)]
  const market_of = new Map(all.map((name, index) => [name, index]))
  const markets = { find: (name: string) => market_of.get(name) ?? -1 }

  it('are found as byte by byte, however often they come by', () => {
    const [words, letters] = [new WordNames(markets), new MarketNames(markets)]
    const junk = fc.string({ unit: fc.constantFrom(...'ABCUSD/1"\\\u0000\u0007é'), maxLength: 14 })
    const name = fc.oneof(fc.constantFrom(...all), fc.constantFrom(...listed), junk)
    const behind = fc.constantFrom('"', '"",', '","bids":[', '\u0000"', '', '\\"')
    fc.assert(
      fc.property(fc.nat(6), name, behind, (from, name, behind) => {
        const frame = taken('x'.repeat(from) + name + behind)
        const end = text(frame, from)
        const market = letters.find(frame, from, end - 1)
        expect(words.find(frame, from)).toBe(market < 0 ? -1 : end)
        if (market >= 0) expect(words.market).toBe(market)
      }),
      { numRuns: 20_000 },
    )
    for (const name of all) {
      const frame = taken(`${name}"`)
      expect(words.find(frame, 0)).toBe(frame.length)
      expect(words.market).toBe(market_of.get(name))
    }
  })

  it('begun nowhere are found nowhere', () => {
    expect(new WordNames(markets).find(taken('A"'), -1)).toBe(-1)
  })
})
