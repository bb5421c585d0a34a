import { describe, expect, it } from 'vitest'
import { digits, microTimestamp, withoutTrailingZeros } from './books.ts'

describe('digits', () => {
  it.each([
    [4528350, 2, '45283.50'],
    [5, 3, '0.005'],
    [0, 8, '0.00000000'],
    [70, 0, '70'],
  ])('prints %i with %i decimals as %s', (value, decimals, text) => {
    expect(digits(value, decimals)).toBe(text)
  })

  it.each([
    ['0.500', '0.5'],
    ['2.00', '2'],
    ['100', '100'],
    ['0.000', '0'],
  ])('cuts %s to %s', (text, cut) => {
    expect(withoutTrailingZeros(text)).toBe(cut)
  })

  it('prints times with microseconds', () => {
    expect(microTimestamp(1_696_613_755_440.25)).toBe('2023-10-06T17:35:55.440250Z')
  })
})
