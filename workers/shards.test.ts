import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isHub, shardOf, tickersOf } from './shards.ts'

const leg = (symbol: string, exchange = 'kraken') => ({ exchange, symbol })
const COINS = ['ADA', 'XRP', 'SOL', 'DOGE', 'LINK', 'DOT', 'AVAX', 'ATOM', 'NEAR', 'APT']

describe('the shard of a chain', () => {
  it('is that of its coin, wherever and for whatever money it is traded', () => {
    const pair = [leg('ADA/USDT', 'binance'), leg('ADA/USD')]
    for (const count of [2, 3, 7]) {
      const shard = shardOf(pair, count)
      expect(shardOf([leg('ADA/EUR', 'bybit'), leg('ADA/BTC')], count)).toBe(shard)
      expect(shardOf([...pair, leg('USDT/USD')], count)).toBe(shard)
      expect(shardOf([leg('ADA/ETH'), leg('ETH/BTC'), leg('ADA/BTC')], count)).toBe(shard)
    }
  })

  it('is the first for hubs alone, and for everything while there is one', () => {
    expect(shardOf([leg('BTC/USDT'), leg('ETH/BTC'), leg('ETH/USDT')], 5)).toBe(0)
    expect(shardOf([leg('USDT/USD'), leg('USDT/USD', 'coinbase')], 5)).toBe(0)
    for (const coin of COINS) expect(shardOf([leg(`${coin}/USD`)], 1)).toBe(0)
  })

  it('is the same for what exchanges call by other names', () => {
    expect(shardOf([leg('1000SATS/USDT', 'binance')], 9)).toBe(
      shardOf([leg('SATS/USDT', 'bybit')], 9),
    )
  })

  it('does not depend on the order of the legs, also of two coins', () => {
    const symbols = COINS.flatMap((coin) => [`${coin}/USDT`, `${coin}/BTC`])
    fc.assert(
      fc.property(
        fc.shuffledSubarray(symbols, { minLength: 2, maxLength: 5 }),
        fc.integer({ min: 1, max: 64 }),
        (chain, count) => {
          const shard = shardOf(
            chain.map((symbol) => leg(symbol)),
            count,
          )
          expect(shard).toBeGreaterThanOrEqual(0)
          expect(shard).toBeLessThan(count)
          expect(
            shardOf(
              chain.toReversed().map((symbol) => leg(symbol)),
              count,
            ),
          ).toBe(shard)
        },
      ),
    )
  })

  it('takes a coin that the chain is quoted in for a hub, though nobody else does', () => {
    const shard = shardOf([leg('ADA/XYZ'), leg('ADA/USD'), leg('XYZ/USD')], 8)
    expect(shard).toBe(shardOf([leg('ADA/USD')], 8))
    expect(isHub('XYZ', new Set(['XYZ']))).toBe(true)
    expect(isHub('XYZ', new Set())).toBe(false)
    expect(tickersOf(leg('ADA/XYZ'))).toEqual(['ADA', 'XYZ'])
  })

  it('spreads many coins evenly', () => {
    const counts = [0, 0, 0, 0]
    for (let i = 0; i < 26 ** 2; i++) {
      const coin = `T${String.fromCharCode(65 + (i % 26), 65 + Math.floor(i / 26))}Q`
      counts[shardOf([leg(`${coin}/USDT`)], 4)]!++
    }
    expect(Math.min(...counts)).toBeGreaterThan(130)
  })
})
