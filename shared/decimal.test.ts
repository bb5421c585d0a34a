import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  add,
  compare,
  DecimalString,
  decimal,
  decimalsOfStep,
  divide,
  fixed,
  floorToScale,
  floorToStep,
  format,
  fromNumber,
  multiply,
  profitPercent,
  subtract,
} from './decimal.ts'

const texts = fc
  .tuple(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), fc.stringMatching(/^\d{0,10}$/))
  .map(([whole, fraction]) => (fraction === '' ? `${whole}` : `${whole}.${fraction}`))

describe('decimal text', () => {
  it.each([
    ['1.500', '1.5'],
    ['-0.50', '-0.5'],
    ['100', '100'],
    ['0.00000001', '0.00000001'],
    ['000.10', '0.1'],
  ])('reads %s and writes %s', (text, expected) => {
    expect(format(decimal(text))).toBe(expected)
  })

  it('keeps the digits asked for', () => {
    expect(format(decimal('2.5'), 4)).toBe('2.5000')
    expect(format(decimal('2.50001'), 2)).toBe('2.50001')
  })

  it.each(['1e5', 'NaN', 'Infinity', '', '.5', '1.', '--1', '1,5', ' 1'])('refuses %j', (text) => {
    expect(() => decimal(text)).toThrow(RangeError)
    expect(DecimalString.safeParse(text).success).toBe(false)
  })

  it('never writes an exponent', () => {
    expect(fixed(1e-9, 10)).toBe('0.0000000010')
    expect(fixed(1e22, 0)).toBe('10000000000000000000000')
    expect(format(fromNumber(0.1 + 0.2, 8))).toBe('0.3')
  })

  it('survives a round trip', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(compare(decimal(format(decimal(text))), decimal(text))).toBe(0)
      }),
    )
  })
})

describe('arithmetic', () => {
  it('adds and subtracts back to where it began', () => {
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        const sum = add(decimal(a), decimal(b))
        expect(compare(subtract(sum, decimal(b)), decimal(a))).toBe(0)
      }),
    )
  })

  it('divides downwards: quotient x divisor <= dividend < (quotient + 1 unit) x divisor', () => {
    fc.assert(
      fc.property(texts, texts, fc.integer({ min: 0, max: 12 }), (a, b, scale) => {
        const [dividend, divisor] = [decimal(a), decimal(b)]
        fc.pre(divisor.mantissa > 0n)
        const quotient = divide(dividend, divisor, scale)
        const next = { mantissa: quotient.mantissa + 1n, scale }
        expect(compare(multiply(quotient, divisor), dividend)).toBeLessThanOrEqual(0)
        expect(compare(multiply(next, divisor), dividend)).toBeGreaterThan(0)
      }),
    )
  })

  it('divides downwards for negative divisors too', () => {
    expect(format(divide(decimal('1'), decimal('-3'), 2))).toBe('-0.34')
  })

  it('rounds to steps and scales downwards', () => {
    expect(format(floorToStep(decimal('0.123456'), decimal('0.0005')))).toBe('0.123')
    expect(format(floorToStep(decimal('7'), decimal('5')))).toBe('5')
    expect(format(floorToScale(decimal('-1.2345'), 2))).toBe('-1.24')
    expect(format(floorToScale(decimal('1.2'), 4))).toBe('1.2')
  })

  it('refuses to divide by zero', () => {
    expect(() => divide(decimal('1'), decimal('0.00'), 4)).toThrow(RangeError)
  })
})

describe('percentages and steps', () => {
  it.each([
    ['100', '100.5513', '0.5513'],
    ['100', '100.55139999', '0.5513'],
    ['3', '2', '-33.3334'],
    ['1000', '1000', '0.0000'],
  ])('%s in and %s out is %s %%', (given, received, percent) => {
    expect(profitPercent(decimal(given), decimal(received))).toBe(percent)
  })

  it.each([
    ['0.00001000', 5],
    ['1e-8', 8],
    ['1', 0],
    ['10', 0],
    ['0.1', 1],
  ])('a step of %s has %i digits', (step, digits) => {
    expect(decimalsOfStep(step)).toBe(digits)
  })
})
