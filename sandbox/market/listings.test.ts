import { describe, expect, it } from 'vitest'
import { decimal, decimalsOfStep } from '../../shared/decimal.ts'
import { COINS } from './coins.ts'
import { listings } from './listings.ts'
import { FOUR } from './testing.ts'

const on = (symbol: string) =>
  listings(24, FOUR)
    .filter((listing) => listing.symbol === symbol)
    .map(({ exchange }) => exchange)

describe('listings', () => {
  it('knows at least 300 coins, none twice', () => {
    expect(COINS.length).toBeGreaterThanOrEqual(300)
    expect(new Set(COINS.map(({ asset }) => asset)).size).toBe(COINS.length)
  })

  it('lists no market twice, however many coins are asked for', () => {
    for (const symbols of [1, 24, 300, COINS.length]) {
      const names = listings(symbols, FOUR).map(({ exchange, symbol }) => `${exchange} ${symbol}`)
      expect(new Set(names).size).toBe(names.length)
    }
  })

  it('quotes in what each exchange trades', () => {
    expect(on('BTC/USDT')).toEqual(['binance', 'bybit', 'coinbase', 'kraken'])
    expect(on('BTC/USD')).toEqual(['coinbase', 'kraken'])
    expect(on('UNI/USDT')).toEqual(['binance', 'bybit', 'kraken'])
    expect(on('USDT/USD')).toEqual(['coinbase', 'kraken'])
  })

  it('lists a cross only when both coins are listed', () => {
    expect(on('ETH/BTC')).toEqual(['binance', 'bybit', 'coinbase', 'kraken'])
    expect(listings(1, FOUR).map(({ symbol }) => symbol)).not.toContain('ETH/BTC')
  })

  it('closes a triangle on every exchange', () => {
    const markets = listings(24, FOUR)
    for (const exchange of ['binance', 'bybit', 'coinbase', 'kraken']) {
      const here = new Set(markets.filter((m) => m.exchange === exchange).map((m) => m.symbol))
      const dollars = ['USD', 'USDT'].filter((quote) => here.has(`BTC/${quote}`))
      expect(here.has('ETH/BTC')).toBe(true)
      expect(dollars.some((quote) => here.has(`ETH/${quote}`))).toBe(true)
    }
  })

  it('charges the list price of the lowest tier', () => {
    const fees = new Map(
      listings(24, FOUR).map((m) => [`${m.exchange} ${m.symbol}`, m.taker_fee_percent]),
    )
    expect(fees.get('binance BTC/USDT')).toBe('0.1')
    expect(fees.get('bybit BTC/USDT')).toBe('0.1')
    expect(fees.get('coinbase BTC/USD')).toBe('0.6')
    expect(fees.get('kraken BTC/USD')).toBe('0.8')
    expect(fees.get('kraken USDT/USD')).toBe('0.2')
  })

  it('states prices with ticks fine enough for the price, and minimums worth a few dollars', () => {
    for (const market of listings(COINS.length, FOUR)) {
      const price_ticks = (market.base_usd / market.quote_usd) * 10 ** market.price_decimals
      expect(price_ticks, market.symbol).toBeGreaterThan(500)
      expect(decimalsOfStep(market.minimum_size)).toBeLessThanOrEqual(market.size_decimals)
      expect(decimal(market.minimum_notional).mantissa).toBeGreaterThan(0n)
      expect(Number(market.minimum_size) * market.base_usd, market.symbol).toBeLessThan(10)
    }
  })

  it('refuses a number of symbols that it cannot list', () => {
    for (const symbols of [0, -1, 1.5, Number.NaN, COINS.length + 1]) {
      expect(() => listings(symbols, FOUR)).toThrow(RangeError)
    }
  })
})
