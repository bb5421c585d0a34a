import { expect, it } from 'vitest'
import { byNet, Spread, spreadOf } from './spread.ts'
import type { TopOfBook } from './top.ts'
import type { WatchedMarket } from './watched.ts'

const top = (exchange: string, bid: string | null, ask: string | null): TopOfBook => ({
  exchange,
  symbol: 'BTC/USDT',
  market: 'BTCUSDT',
  state: 'live',
  bid: bid === null ? null : { price: bid, size: '2' },
  ask: ask === null ? null : { price: ask, size: '0.50' },
  updated_at: '2026-10-01T00:00:00.000Z',
})
const market = (exchange: string, percent: string | null): WatchedMarket => ({
  exchange,
  symbol: 'BTC/USDT',
  market: 'BTCUSDT',
  base: 'BTC',
  quote: 'USDT',
  price_step: '0.01',
  size_step: '0.001',
  minimum_size: '0',
  minimum_notional: '0',
  taker_fee: percent === null ? null : { percent, source: 'schedule' },
})

it('gives every ordered pair its edge before and after both fees, best first', () => {
  const tops = [top('a', '100', '101'), top('b', '102.0', '103')]
  const spread = spreadOf('BTC/USDT', tops, [market('a', '0.1'), market('b', '0.2')])
  expect(Spread.parse(spread)).toEqual(spread)
  expect(spread.routes).toEqual([
    {
      ...{ buy_exchange: 'a', sell_exchange: 'b', buy_price: '101', sell_price: '102.0' },
      // 102/101 = 1.00990099, times 0.999 and 0.998
      ...{ size: '0.50', gross_percent: '0.9900', net_percent: '0.6873' },
    },
    {
      ...{ buy_exchange: 'b', sell_exchange: 'a', buy_price: '103', sell_price: '100' },
      ...{ size: '0.50', gross_percent: '-2.9127', net_percent: '-3.2037' },
    },
  ])
})

it('has no route over a side that nobody quotes, and no net edge where a fee is not known', () => {
  const tops = [top('a', null, '101'), top('b', '102', null), top('c', '99', '100')]
  const { routes, quotes } = spreadOf('BTC/USDT', tops, [market('a', '0.1'), market('b', null)])
  expect(routes.map((one) => [one.buy_exchange, one.sell_exchange, one.net_percent])).toEqual([
    ['a', 'b', null],
    ['a', 'c', null],
    ['c', 'b', null],
  ])
  expect(quotes.map(({ taker_fee_percent }) => taker_fee_percent)).toEqual(['0.1', null, null])
})

it('puts what is not known last', () => {
  const [known, unknown] = ['-5.0000', null].map((net_percent) => ({
    ...{ buy_exchange: 'a', sell_exchange: 'b', buy_price: '1', sell_price: '1' },
    ...{ size: '1', gross_percent: '0.0000', net_percent },
  }))
  expect([unknown!, known!].sort(byNet)).toEqual([known, unknown])
})
