import { describe, expect, it } from 'vitest'
import { amount, exactPrice, feePercent, percent, price, rate } from './format.ts'

describe('profit', () => {
  it('is rounded down, so that it is never overstated', () => {
    expect(percent('0.5519')).toBe('0.551')
    expect(percent('-0.0001')).toBe('-0.001')
  })

  it('keeps the digits that a float would change', () => {
    expect(exactPrice('0.1000000000000000055')).toBe('0.1000000000000000055')
  })
})

describe('a price', () => {
  it.each([
    ['63388.1043829517', '63,388.10'],
    ['2441.02', '2,441.02'],
    ['143.2210', '143.221'],
    ['14.32215', '14.3222'],
    ['1.00012', '1.00012'],
    ['0.99985', '0.99985'],
    ['0.0000112300', '0.00001123'],
    ['0.000000001234', '0.000000001234'],
  ])('%s reads %s', (text, expected) => expect(price(text)).toBe(expected))

  it('of a level shows every digit that the exchange sent', () => {
    expect(exactPrice('63391.27')).toBe('63,391.27')
    expect(exactPrice('0.000000012345678')).toBe('0.000000012345678')
  })
})

describe('other figures', () => {
  it('shows an amount at six digits, rounded down', () => {
    expect(amount('0.078848999')).toBe('0.0788489')
    expect(amount('243464826')).toBe('243,464,000')
  })

  it('shows a fee at two digits or as many as it has', () => {
    expect(feePercent('0.1')).toBe('0.10')
    expect(feePercent('0.0750')).toBe('0.075')
  })

  it('shows a rate at three digits below a thousand and in full above', () => {
    expect(rate(0)).toBe('0')
    expect(rate(2.7462)).toBe('2.75')
    expect(rate(12_345.6)).toBe('12,346')
  })
})
