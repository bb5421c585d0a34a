import { expect, it } from 'vitest'
import { sparkPath } from './samples.ts'
import { SAMPLES_MAX } from './state.ts'

it('begins at the left only with a full memory, and reaches from zero to the most', () => {
  const full = Array.from({ length: SAMPLES_MAX }, (_, index) => index)
  const path = sparkPath(full, 99, 21)
  expect(path.startsWith('M0 20L1 ')).toBe(true)
  expect(path.endsWith('L99 1')).toBe(true)
  expect(sparkPath([5, 10], 99, 21)).toBe('M98 10.5L99 1')
})

it('is broken where nothing is known, and flat at the bottom where there is nothing', () => {
  expect(sparkPath([10, null, 10, 5], 99, 21)).toBe('M96 1M98 1L99 10.5')
  expect(sparkPath([0, 0], 99, 21)).toBe('M98 20L99 20')
  expect(sparkPath([], 99, 21)).toBe('')
})
