import { expect, it } from 'vitest'
import { agree } from './testing-agree.ts'

it('agrees with a brute-force search in exact fractions on 600 large worlds', {
  timeout: 180_000,
}, () => {
  const { worlds, by_type } = agree(1, 601, false)
  expect(worlds).toBe(600)
  expect(Object.keys(by_type).sort()).toEqual([
    'cross_exchange of 2',
    'cross_exchange of 3',
    'multi_leg of 3',
    'multi_leg of 4',
    'multi_leg of 5',
    'triangular of 3',
  ])
})
