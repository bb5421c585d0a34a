import { describe, expect, it } from 'vitest'
import { createRandom, type Random } from './random.ts'

const DRAWS = 200_000

function moments(draw: () => number): { mean: number; deviation: number } {
  const values = Array.from({ length: DRAWS }, draw)
  const mean = values.reduce((sum, value) => sum + value, 0) / DRAWS
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / DRAWS
  return { mean, deviation: Math.sqrt(variance) }
}

const sequence = (random: Random) => Array.from({ length: 50 }, () => random.uniform())

describe('createRandom', () => {
  it('repeats itself for the same seed and only for the same seed', () => {
    expect(sequence(createRandom(7))).toEqual(sequence(createRandom(7)))
    expect(sequence(createRandom(7))).not.toEqual(sequence(createRandom(8)))
  })

  it('uses all bits of a seed beyond 32 bits, and takes negative ones', () => {
    expect(sequence(createRandom(1))).not.toEqual(sequence(createRandom(1 + 2 ** 32)))
    expect(sequence(createRandom(-1))).not.toEqual(sequence(createRandom(1)))
  })

  it('refuses a seed that is not a whole number', () => {
    expect(() => createRandom(1.5)).toThrow(RangeError)
    expect(() => createRandom(Number.NaN)).toThrow(RangeError)
  })

  it('draws uniformly from [0, 1)', () => {
    const random = createRandom(1)
    const { mean, deviation } = moments(() => random.uniform())
    expect(mean).toBeCloseTo(0.5, 2)
    expect(deviation).toBeCloseTo(1 / Math.sqrt(12), 2)
  })

  it('draws whole numbers evenly below their bound', () => {
    const random = createRandom(2)
    const counts = [0, 0, 0, 0, 0]
    for (let draw = 0; draw < DRAWS; draw++) counts[random.integer(5)]! += 1
    for (const count of counts) expect(count / DRAWS).toBeCloseTo(0.2, 2)
  })

  it('draws normally with mean 0 and deviation 1', () => {
    const random = createRandom(3)
    const { mean, deviation } = moments(() => random.normal())
    expect(mean).toBeCloseTo(0, 1)
    expect(deviation).toBeCloseTo(1, 1)
    const outside = Array.from({ length: DRAWS }, () => random.normal()).filter(
      (value) => Math.abs(value) > 1.96,
    )
    expect(outside.length / DRAWS).toBeCloseTo(0.05, 2)
  })

  it('draws exponentially with the mean it is given', () => {
    const random = createRandom(4)
    const { mean, deviation } = moments(() => random.exponential(250))
    expect(mean / 250).toBeCloseTo(1, 1)
    expect(deviation / 250).toBeCloseTo(1, 1)
  })

  it('forks generators that neither repeat the parent nor each other', () => {
    const random = createRandom(5)
    const [first, second] = [sequence(random.fork()), sequence(random.fork())]
    const parent = sequence(random)
    expect(new Set([...first, ...second, ...parent]).size).toBe(150)
  })
})
