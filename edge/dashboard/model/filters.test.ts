import { describe, expect, it } from 'vitest'
import { opportunity } from '../testing/examples.ts'
import { filtersOf, passes } from './filters.ts'

const found = opportunity({
  symbol: 'BTC/USDT',
  buy_exchange: 'kraken',
  sell_exchange: 'binance',
  profit_percent: '0.5513',
  volume_usd: '4998.10',
  transfer: 'open',
})
const shown = (query: string) => passes(found, filtersOf(new URLSearchParams(query)))

describe('an address', () => {
  it.each([
    ['', true],
    ['symbol=BTC/USDT', true],
    ['symbol=btc', true],
    ['symbol=ETH', false],
    ['exchange=binance', true],
    ['exchange=bybit', false],
    ['buy_exchange=kraken', true],
    ['buy_exchange=binance', false],
    ['sell_exchange=binance', true],
    ['type=cross_exchange', true],
    ['type=triangular', false],
    ['transfer=open', true],
    ['transfer=closed', false],
    ['min_profit_percent=0.5513', true],
    ['min_profit_percent=0.55130000000000000001', false],
    ['min_volume_usd=4998.1', true],
    ['min_volume_usd=5000', false],
    ['symbol=BTC&exchange=bybit', false],
    ['unknown=1&symbol=%20', true],
    ['min_profit_percent=much', true],
  ])('?%s shows a Kraken to Binance BTC/USDT: %s', (query, expected) => {
    expect(shown(query)).toBe(expected)
  })
})
