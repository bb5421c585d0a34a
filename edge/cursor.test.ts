import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeCursor, encodeCursor } from './cursor.ts'

const position = fc.record({
  detected_at: fc
    .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
    .map((date) => date.toISOString()),
  id: fc.stringMatching(/^opp_[0-9A-Za-z_-]{1,60}$/),
})

it('gives back any position, in letters that need no escaping in a URL', () => {
  fc.assert(
    fc.property(position, (one) => {
      const cursor = encodeCursor(one)
      expect(decodeCursor(cursor)).toEqual(one)
      expect(cursor).toMatch(/^[\w-]{1,256}$/)
    }),
  )
})

it('takes nothing else for a cursor', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(decodeCursor(text)).toBeNull()
    }),
  )
  for (const text of ['[1]', '{}', 'null', '[1,"2026-10-01","opp_1"]', '[1,null,null]']) {
    expect(decodeCursor(btoa(text))).toBeNull()
  }
})
