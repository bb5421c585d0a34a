import { describe, expect, it } from 'vitest'
import { pathOf, plain, scale, ticks } from './scale.ts'

describe('a scale', () => {
  it('maps the ends to the ends, also upside down', () => {
    const y = scale([10, 20], [100, 0])
    expect([10, 15, 20].map(y)).toEqual([100, 50, 0])
  })

  it('puts a flat line into the middle', () => {
    expect(scale([3, 3], [0, 100])(3)).toBe(50)
  })
})

describe('ticks', () => {
  it.each([
    [0, 10, 5, [0, 2, 4, 6, 8, 10]],
    [0, 1, 2, [0, 0.5, 1]],
    [-3, 7, 4, [-2.5, 0, 2.5, 5]],
    [63_386, 63_971, 3, [63_400, 63_600, 63_800]],
    [5, 5, 4, [5]],
    [0, 3, 4, [0, 1, 2, 3]],
  ])('from %d to %d about %d: %j', (low, high, wanted, expected) => {
    const found = ticks(low, high, wanted)
    expect(found).toHaveLength(expected.length)
    for (const [index, value] of found.entries()) expect(value).toBeCloseTo(expected[index]!, 9)
  })
})

it('draws a path through its points', () => {
  expect(
    pathOf([
      { x: 0, y: 1.26 },
      { x: 10.04, y: 2 },
    ]),
  ).toBe('M0 1.3L10 2')
})

it.each([
  [5e-7, '0.0000005'],
  [63_388.123456, '63388.123'],
  [200, '200'],
  [0, '0'],
  [-0.5, '-0.5'],
])('writes %d as %s', (value, expected) => {
  expect(plain(value)).toBe(expected)
})
