import { expect, it } from 'vitest'
import { shown } from './json.ts'

it('shows whatever was sent, also what would answer `String` with something of its own', () => {
  expect(shown('closed')).toBe('closed')
  expect(shown(undefined)).toBe('nothing')
  expect(shown(JSON.parse('{"toString":"P"}'))).toBe('{"toString":"P"}')
  expect(shown('x'.repeat(10)).length).toBe(10)
  expect(shown(Array(1_000).fill(7)).length).toBeLessThanOrEqual(81)
})
