/** That the comparison of what was told with what arrived sees what must never be. */
import { describe, expect, it } from 'vitest'
import { compareAny, compareInOrder } from './chaos/service/receipts.ts'

const ids = (...numbers: number[]) => numbers.map((number) => `17${number}-0`)
const told = ids(10, 11, 12, 13, 14).map(
  (id, i) => ({ id, type: 'opportunity.detected', happened_ms: i }) as const,
)
const received = (...numbers: number[]) => ids(...numbers).map((id) => ({ id, at_ms: 0 }))
const missing = (one: ReturnType<typeof compareAny>) => one.missing.map(({ id }) => id)

describe('a subscriber', () => {
  it('has everything, in any order and however often', () => {
    const compared = compareAny(told, received(14, 10, 11, 11, 13, 12, 11))
    expect(compared).toEqual({ missing: [], repeated: 2 })
  })

  it('lacks what never came', () => {
    expect(missing(compareAny(told, received(10, 12, 13, 14)))).toEqual(ids(11))
  })
})

describe('a reader', () => {
  it('has everything once and in order', () => {
    const compared = compareInOrder(told, received(10, 11, 12, 13, 14), [])
    expect(compared).toEqual({ missing: [], repeated: 0, wrong: [] })
  })

  it('lacks nothing that the live set made up for, and all else', () => {
    expect(missing(compareInOrder(told, received(10, 13, 14), [1]))).toEqual([])
    expect(missing(compareInOrder(told, received(10, 13), [1]))).toEqual(ids(14))
    expect(missing(compareInOrder(told, received(10, 13), [2]))).toEqual(ids(11, 12))
  })

  it('may not go back, nor read what nobody was told', () => {
    const { wrong } = compareInOrder(told, received(10, 12, 11, 13, 14, 99), [])
    expect(wrong.join()).toMatch(/1711-0 was read after 1712-0.*1799-0 was read and is not/)
  })
})
