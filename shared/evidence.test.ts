import { expect, it } from 'vitest'
import { format } from './decimal.ts'
import { averagePrice, legAmounts, recomputeProfitPercent } from './evidence.ts'

const buy = {
  side: 'buy' as const,
  fills: [
    ['100.00', '1'],
    ['101.00', '0.5'],
  ] as [string, string][],
  fee_percent: '0.1',
}
const sell = {
  side: 'sell' as const,
  fills: [['103', '1.4985']] as [string, string][],
  fee_percent: '0.26',
}

it('takes the fee from the received asset', () => {
  const bought = legAmounts(buy)
  expect(format(bought.amount_in)).toBe('150.5')
  expect(format(bought.gross_out)).toBe('1.5')
  expect(format(bought.amount_out)).toBe('1.4985')
  const sold = legAmounts(sell)
  expect(format(sold.amount_in)).toBe('1.4985')
  expect(format(sold.gross_out)).toBe('154.3455')
  expect(format(sold.amount_out)).toBe('153.9442017')
})

it('recomputes the net profit of the whole chain, rounded down', () => {
  // 153.9442017 / 150.5 - 1 = 2.288506... %
  expect(recomputeProfitPercent([buy, sell])).toBe('2.2885')
})

it('averages over the size actually taken', () => {
  expect(averagePrice(legAmounts(buy), 2)).toBe('100.333333')
  const dust = {
    ...buy,
    fills: [
      ['0.000011667', '3'],
      ['0.000011668', '4'],
    ] as [string, string][],
  }
  expect(averagePrice(legAmounts(dust), 9)).toBe('0.0000116675714')
})

it('refuses an empty chain', () => {
  expect(() => recomputeProfitPercent([])).toThrow(RangeError)
})
