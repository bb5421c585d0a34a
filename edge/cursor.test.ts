import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attemptCursor, historyCursor, webhookCursor } from './cursor.ts'

const moment = fc
  .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString())

const CASES = [
  {
    name: 'history',
    cursor: historyCursor,
    position: fc.record({
      detected_at: moment,
      id: fc.stringMatching(/^opp_[0-9A-Za-z_-]{1,60}$/),
    }),
    wrong: ['[1,"2026-10-01","opp_1"]', '[1,null,null]', '[1,"17"]'],
  },
  {
    name: 'webhooks',
    cursor: webhookCursor,
    position: fc.record({ created_at: moment, id: fc.stringMatching(/^wh_[0-9A-Za-z]{22}$/) }),
    wrong: ['[1,"2026-10-01T00:00:00.000Z","opp_1"]', '[2,"2026-10-01T00:00:00.000Z","wh_1"]'],
  },
  {
    name: 'attempts',
    cursor: attemptCursor,
    position: fc.bigInt({ min: 0n, max: 10n ** 18n - 1n }).map(String),
    wrong: ['[1,17]', '[2,"17"]', '[1,"17;"]', '[1,"-1"]', '[1,"9223372036854775808"]'],
  },
] as const

describe.each(CASES)('a cursor of $name', ({ cursor, position, wrong }) => {
  it('gives back any position, in letters that need no escaping in a URL', () => {
    fc.assert(
      fc.property(position as fc.Arbitrary<never>, (one) => {
        const text = cursor.encode(one)
        expect(cursor.decode(text)).toEqual(one)
        expect(text).toMatch(/^[\w-]{1,256}$/)
      }),
    )
  })

  it('is nothing else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(cursor.decode(text)).toBeNull()
      }),
    )
    for (const text of ['[1]', '{}', 'null', ...wrong]) {
      expect(cursor.decode(btoa(text))).toBeNull()
    }
  })
})
