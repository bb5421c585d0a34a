/** A side against the slowest obvious thing: a map that is sorted on every question. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Side } from './side.ts'
import { Levels } from './update.ts'

type Level = [price: number, size: number]

class Oracle {
  readonly levels = new Map<number, number>()
  private readonly sign: 1 | -1

  constructor(sign: 1 | -1) {
    this.sign = sign
  }

  apply(batch: readonly Level[]): void {
    for (const [price, size] of batch) {
      if (size === 0) this.levels.delete(price)
      else this.levels.set(price, size)
    }
  }

  truncate(depth: number): void {
    for (const [price] of this.sorted().slice(depth)) this.levels.delete(price)
  }

  sorted(): Level[] {
    return [...this.levels].sort(([a], [b]) => this.sign * (b - a))
  }
}

function levelsOf(side: Side): Level[] {
  return Array.from({ length: side.length }, (_, rank) => [side.price(rank), side.size(rank)])
}

function batchOf(levels: readonly Level[]): Levels {
  const batch = new Levels()
  for (const [price, size] of levels) batch.push(price, size)
  return batch
}

/**
 * Batches of changes, depths to truncate to, and ranks to read. Prices stand around a middle that
 * wanders; a narrow range collides often, a wide one fills every part.
 */
const commands = (width: number) => {
  const level = fc.tuple(fc.nat(width), fc.nat(2))
  const batch = fc.tuple(
    fc.integer({ min: 1, max: 4 * width }),
    fc.array(level, { maxLength: 120, size: 'max' }),
    fc.constantFrom('as drawn', 'best first', 'worst first'),
  )
  return fc.array(
    fc.oneof(
      { weight: 12, arbitrary: batch },
      { weight: 1, arbitrary: fc.record({ depth: fc.nat(150) }) },
      { weight: 2, arbitrary: fc.record({ rank: fc.nat(150) }) },
    ),
    { maxLength: 40, size: 'max' },
  )
}

function levelsIn(middle: number, drawn: readonly Level[], order: string, sign: 1 | -1): Level[] {
  const levels = drawn.map(([offset, size]): Level => [(middle + offset) / 100, size])
  if (order === 'best first') levels.sort(([a], [b]) => sign * (b - a))
  if (order === 'worst first') levels.sort(([a], [b]) => sign * (a - b))
  return levels
}

describe.each([
  ['bids', 1],
  ['asks', -1],
] as const)('%s', (_name, sign) => {
  it.each([12, 200, 20_000])('equal a sorted map after any batches, %i prices wide', (width) => {
    fc.assert(
      fc.property(commands(width), (all) => {
        const side = new Side(sign)
        const oracle = new Oracle(sign)
        for (const command of all) {
          if ('depth' in command) {
            side.truncate(command.depth)
            oracle.truncate(command.depth)
          } else if ('rank' in command) {
            const [price, size] = oracle.sorted()[command.rank] ?? [Number.NaN, Number.NaN]
            expect([side.price(command.rank), side.size(command.rank)]).toEqual([price, size])
          } else {
            const batch = levelsIn(...command, sign)
            side.apply(batchOf(batch))
            oracle.apply(batch)
          }
          expect(side.length).toBe(oracle.levels.size)
          expect(side.price(0)).toBe(oracle.sorted()[0]?.[0] ?? Number.NaN)
        }
        expect(side.levels().map(({ price, size }) => [price, size])).toEqual(oracle.sorted())
        expect(levelsOf(side)).toEqual(oracle.sorted())
      }),
      { numRuns: 150 },
    )
  })

  it('takes a whole book in any order, and many of them one after another', () => {
    const whole = Array.from(
      { length: 3_000 },
      (_, i): Level => [10_000 + ((i * 7) % 3_000), i + 1],
    )
    const oracle = new Oracle(sign)
    oracle.apply(whole)
    const side = new Side(sign)
    for (let turn = 0; turn < 3; turn++) {
      side.clear()
      expect(levelsOf(side)).toEqual([])
      side.apply(batchOf(turn === 1 ? whole : oracle.sorted()))
      expect(levelsOf(side)).toEqual(oracle.sorted())
    }
  })

  it('survives a wandering price for as long as it likes', () => {
    const side = new Side(sign)
    for (let i = 1; i < 5_000; i++) {
      side.apply(
        batchOf(
          i > 200
            ? [
                [i, 1],
                [i - 200, 0],
              ]
            : [[i, 1]],
        ),
      )
    }
    expect(side.length).toBe(200)
    expect(side.price(0)).toBe(sign === 1 ? 4_999 : 4_800)
    expect(side.price(199)).toBe(sign === 1 ? 4_800 : 4_999)
  })

  it('keeps the levels far from the top apart, whatever their prices have in common', () => {
    const prices = [1e-9, 1.7e-8, 0.1, 0.3, 1, 1e3, 2 ** 20, 1e9, 123_456_789.25, 1e15]
    const side = new Side(sign)
    const oracle = new Oracle(sign)
    for (const scale of prices) {
      const batch = Array.from({ length: 90 }, (_, i): Level => [scale * (i + 1), i + 1])
      side.apply(batchOf(batch))
      oracle.apply(batch)
    }
    expect(levelsOf(side)).toEqual(oracle.sorted())
  })

  it('says NaN beyond its levels', () => {
    expect(new Side(sign).price(0)).toBeNaN()
    expect(new Side(sign).size(0)).toBeNaN()
  })
})
