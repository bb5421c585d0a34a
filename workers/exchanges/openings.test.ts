/** An opening is found again by its bytes, never for another market, and strangers are not learnt. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { found } from './digits.ts'
import { type Opening, Openings } from './openings.ts'
import { open } from './window.ts'

const PATTERN = /^(\{"what":"book","name":"([^"]+)","n":)\d+(,"type":"(\w+)")/u
const KEY = 20

function parse(text: string): Opening | null {
  const [, head, name, middle, type] = PATTERN.exec(text) ?? []
  if (head === undefined || name === undefined || middle === undefined) return null
  return { name, head, middle, snapshot: type === 'snapshot' }
}

const frame = (name: string, n: number, type: string) =>
  Buffer.from(`{"what":"book","name":"${name}","n":${n},"type":"${type}","more":true}`)

function opening(names: readonly string[]) {
  let asked = 0
  const find = (name: string) => {
    asked++
    return names.indexOf(name)
  }
  const openings = new Openings({ find }, KEY, parse)
  const match = (bytes: Buffer) => {
    open(bytes)
    const end = openings.match()
    return end < 0 ? null : { end, market: openings.market, snapshot: openings.snapshot }
  }
  return { match, asked: () => asked }
}

describe('openings', () => {
  it('know every market by its own, however many there are', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9测試É/-]{5,16}$/u)
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 200 }), (names) => {
        const { match, asked } = opening(names)
        for (let round = 0; round < 2; round++) {
          for (const [market, name] of names.entries()) {
            for (const type of ['delta', 'snapshot']) {
              const bytes = frame(name, 123 + market, type)
              const end = bytes.indexOf(',"more"')
              expect(match(bytes)).toEqual({ end, market, snapshot: type === 'snapshot' })
              expect(found.integer).toBe(123 + market)
            }
          }
        }
        expect(asked()).toBe(2 * names.length)
      }),
      { numRuns: 30 },
    )
  })

  it('ask for a stranger every time and never answer for it', () => {
    const { match, asked } = opening(['known'])
    for (let i = 0; i < 3; i++) expect(match(frame('stranger', i, 'delta'))).toBeNull()
    expect(asked()).toBe(3)
    expect(match(frame('known', 1, 'delta'))).not.toBeNull()
  })

  it('do not know bytes that are no text, nor names beyond measure', () => {
    const long = 'x'.repeat(200)
    const { match } = opening(['known', long, 'kn\ufffdwn'])
    expect(match(frame(long, 1, 'delta'))).toBeNull()
    const broken = frame('known', 1, 'delta')
    broken[KEY + 5] = 0xff
    expect(match(broken)).toBeNull()
    expect(match(Buffer.alloc(0))).toBeNull()
  })
})
