import { expect, it } from 'vitest'
import { FrameError } from './exchange.ts'
import { stepOfDecimals, stepText } from './instruments.ts'

it.each([
  ['0.01000000', '0.01'],
  ['1.00000000', '1'],
  ['0', '0'],
  [0.4, '0.4'],
  [1e-8, '0.00000001'],
  [2.5e-7, '0.00000025'],
  [10, '10'],
])('writes the step %s as %s', (value, text) => {
  expect(stepText(value, 'step')).toBe(text)
})

it.each([undefined, null, 'abc', '1e-8', '', true, Number.NaN])('refuses the step %s', (value) => {
  expect(() => stepText(value, 'step')).toThrow(FrameError)
})

it('makes a step of a number of digits', () => {
  expect([0, 1, 8].map(stepOfDecimals)).toEqual(['1', '0.1', '0.00000001'])
})
