/** What two looks at a book tell apart, against sorting and comparing everything. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Side } from '../market/side.ts'
import { BestLevels } from './best-levels.ts'

const changes = fc.array(
  fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 3 })),
  { maxLength: 8 },
)

function apply(side: Side, prices: Map<number, number>, batch: readonly [number, number][]): void {
  for (const [price, size] of batch) {
    if (size === 0 && !prices.has(price)) continue
    side.set(price, size)
    if (size === 0) prices.delete(price)
    else prices.set(price, size)
  }
}

describe('the best levels', () => {
  it.each(['bid', 'ask'] as const)(
    'tell what turns the window before into the one after: %s',
    (name) => {
      fc.assert(
        fc.property(
          fc.array(changes, { minLength: 1 }),
          fc.integer({ min: 1, max: 6 }),
          (batches, depth) => {
            const side = new Side(name)
            const shown = new BestLevels(side, depth)
            const all = new Map<number, number>()
            let before: [number, number][] = []
            const held = new Map<number, number>()
            for (const batch of batches) {
              apply(side, all, batch)
              const changed = shown.look()
              const after = [...all].sort(([a], [b]) => (a - b) * side.away).slice(0, depth)
              for (const price of shown.left) expect(held.delete(price)).toBe(true)
              for (const { price, size } of shown.fresh.map((rank) => shown.level(rank))) {
                expect(held.get(price)).not.toBe(size)
                held.set(price, size)
              }
              expect(held).toEqual(new Map(after))
              expect(shown.levels()).toEqual(after.map(([price, size]) => ({ price, size })))
              const first = Array.from({ length: depth }, (_, rank) => rank).find(
                (rank) => String(before[rank]) !== String(after[rank]),
              )
              expect(shown.first_different).toBe(first ?? Number.POSITIVE_INFINITY)
              expect(changed).toBe(first !== undefined)
              const worst = after[depth - 1]
              for (let price = 0; price < 14; price++) {
                const beyond = worst !== undefined && (price - worst[0]) * side.away > 0
                expect(shown.isBeyond(price)).toBe(beyond)
              }
              before = after
            }
          },
        ),
      )
    },
  )

  it('refuse a rank that they do not have', () => {
    const shown = new BestLevels(new Side('ask'), 3)
    expect(() => shown.level(0)).toThrow(RangeError)
  })
})
