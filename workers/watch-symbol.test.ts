import { expect, it } from 'vitest'
import { testMarket } from './exchanges/testing.ts'
import { watchSymbol } from './watch-symbol.ts'

it.each([
  ['binance', 'BTC/USDT', 'BTC/USDT'],
  ['binance', '1000SATS/USDT', 'SATS/USDT'],
  ['bybit', 'SATS/USDT', 'SATS/USDT'],
  ['kraken', 'LUNA/USD', 'LUNC/USD'],
  // a stranger meets its namesakes: there it is refused, and seen
  ['okx', 'QNT/USDT', 'QNT/USDT'],
  ['bybit', 'BTC3L/USDT', null],
  ['coinbase', 'AMPL/USD', null],
])('chooses %s %s as %s', (exchange, symbol, chosen) => {
  expect(watchSymbol(testMarket(exchange, symbol), [])).toBe(chosen)
})

it('takes what was asked for by its own name', () => {
  const asked = ['1000SATS/USDT', 'BTC3L/USDT']
  expect(watchSymbol(testMarket('binance', '1000SATS/USDT'), asked)).toBe('1000SATS/USDT')
  expect(watchSymbol(testMarket('bybit', 'SATS/USDT'), asked)).toBe('SATS/USDT')
  expect(watchSymbol(testMarket('bybit', 'BTC3L/USDT'), asked)).toBe('BTC3L/USDT')
})
