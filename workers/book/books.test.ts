import { expect, it } from 'vitest'
import type { Market } from '../../shared/market.ts'
import { Books } from './books.ts'

const market: Market = {
  exchange: 'kraken',
  symbol: 'BTC/USD',
  market: 'BTC/USD',
  base: 'BTC',
  quote: 'USD',
  price_step: '0.1',
  size_step: '0.00000001',
  minimum_size: '0',
  minimum_notional: '0',
  taker_fee_percent: '0.8',
  trading: true,
}

it('wakes once a round, however many markets change', () => {
  let woken = 0
  const books = new Books(() => woken++)
  const [a, b] = [books.add(market), books.add({ ...market, market: 'ETH/USD' })]
  books.touch(a)
  books.touch(a)
  books.touch(b)
  expect(woken).toBe(1)
  expect(books.takeDirty()).toEqual([a, b])
  expect(books.has_dirty).toBe(false)
  books.touch(a)
  expect(woken).toBe(2)
})

it('takes a change of state for news, and no change for none', () => {
  const books = new Books()
  const entry = books.add(market)
  books.move(entry, 'live', null, 5)
  expect([entry.state, entry.reason, entry.since_ms]).toEqual(['live', null, 5])
  books.takeDirty()
  books.move(entry, 'live', null, 9)
  expect([entry.since_ms, books.has_dirty]).toEqual([5, false])
  books.move(entry, 'stale', 'gap', 10)
  expect(books.takeDirty()).toEqual([entry])
})

it('finds a book by the exchange and its own name of the market', () => {
  const books = new Books()
  const entry = books.add(market)
  expect(books.get('kraken', 'BTC/USD')).toBe(entry)
  expect(books.get('coinbase', 'BTC/USD')).toBeUndefined()
})
