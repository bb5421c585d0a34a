import { describe, expect, it } from 'vitest'
import { count, duration, elapsed, usd } from './figures.ts'

describe('dollars', () => {
  it('are rounded down, so that they are never overstated', () => {
    expect(usd('5.519')).toBe('$5.51')
    expect(usd('-0.001')).toBe('-$0.01')
  })

  it('keep the digits that a float would change', () => {
    expect(usd('90071992547409931.07')).toBe('$90,071,992,547,409,931.07')
  })
})

describe('a span of time', () => {
  it.each([
    [-5, '0 ms'],
    [840, '840 ms'],
    [3_400, '3.4 s'],
    [9_960, '10 s'],
    [12_400, '12 s'],
    [72_000, '1 m 12 s'],
    [7_380_000, '2 h 03 m'],
    [90_000_000, '1 d 01 h'],
  ])('of %d ms reads %s', (ms, expected) => expect(duration(ms)).toBe(expected))

  it('that ticks has whole seconds and is never below none', () => {
    expect(elapsed(999)).toBe('0 s')
    expect(elapsed(-1)).toBe('0 s')
    expect(elapsed(61_000)).toBe('1 m 01 s')
  })
})

it('counts have no fractions', () => {
  expect(count(12_345.6)).toBe('12,346')
})
