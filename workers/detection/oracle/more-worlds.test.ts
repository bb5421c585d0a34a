import { expect, it } from 'vitest'
import { agree } from './testing-agree.ts'

it('agrees with a brute-force search in exact fractions on 10,000 small worlds', {
  timeout: 180_000,
}, () => {
  const { worlds, opportunities, rounded, by_type } = agree(10_001, 20_001, true)
  expect(worlds).toBe(10_000)
  expect(opportunities).toBeGreaterThan(4_000)
  // what rounding leaves open must stay the exception, or nothing is compared
  expect(rounded).toBeLessThan(opportunities / 10)
  expect(Object.keys(by_type).sort()).toEqual(
    expect.arrayContaining(['cross_exchange of 2', 'cross_exchange of 3', 'triangular of 3']),
  )
})
