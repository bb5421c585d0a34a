import { describe, expect, it } from 'vitest'
import { spread } from '../testing/examples.ts'
import { matching, matrixOf, warmth } from './spreads.ts'

describe('the matrix', () => {
  const matrix = matrixOf(spread('BTC/USDT', { kraken: [100, 101], binance: [102, 103] }))

  it('has every exchange once and no route to itself', () => {
    expect(matrix.exchanges).toEqual(['binance', 'kraken'])
    expect(matrix.cell('kraken', 'kraken')).toBeNull()
    expect(matrix.cell('kraken', 'binance')).toMatchObject({ buy_price: '101', sell_price: '102' })
    expect(matrix.cell('binance', 'kraken')?.net_percent).toMatch(/^-/)
  })
})

it.each([
  ['0.0001', 'up-1'],
  ['0.26', 'up-2'],
  ['1', 'up-4'],
  ['25', 'up-4'],
  ['0', 'down-1'],
  ['-0.1', 'down-1'],
  ['-0.75', 'down-3'],
  [null, 'unknown'],
])('a net edge of %s %% is %s', (net, expected) => {
  expect(warmth(net)).toBe(expected)
})

it('finds symbols by a part of their name', () => {
  const all = ['BTC/USDT', 'ETH/BTC', 'SOL/USDT'].map((symbol) =>
    spread(symbol, { kraken: [1, 2] }),
  )
  expect(matching(all, ' btc').map(({ symbol }) => symbol)).toEqual(['BTC/USDT', 'ETH/BTC'])
})
