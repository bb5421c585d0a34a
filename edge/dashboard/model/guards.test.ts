import { expect, it } from 'vitest'
import { GUARDS } from '../../../shared/near-miss.ts'
import { nearMiss } from '../testing/examples.ts'
import { countByGuard, GUARD_NAMES, guardName } from './guards.ts'

it('has words for every guard', () => {
  expect(Object.keys(GUARD_NAMES).sort()).toEqual([...GUARDS].sort())
  expect(new Set(GUARDS.map(guardName)).size).toBe(GUARDS.length)
})

it('counts the episodes that were not kept, the most frequent first', () => {
  const misses = [
    nearMiss({ guard: 'stale' }),
    nearMiss({ guard: 'skew', repeated: 4 }),
    nearMiss({ guard: 'stale', repeated: 1 }),
    nearMiss({ guard: 'halted', repeated: 2 }),
  ]
  expect(countByGuard(misses)).toEqual([
    ['skew', 5],
    ['halted', 3],
    ['stale', 3],
  ])
})
