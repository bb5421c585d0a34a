import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { identify } from './identity.ts'
import { ASSETS, COLLISIONS, REBASING } from './identity-table.ts'

const coin = (exchange: string, asset: string) => identify(exchange, asset).coin
const EXCHANGES = ['binance', 'bybit', 'coinbase', 'kraken']

describe('identify', () => {
  it('takes an ordinary ticker for the coin that bears it, everywhere', () => {
    for (const asset of ['BTC', 'ETH', 'USDT', 'EUR', '1INCH', 'JUP', 'SUPER', 'SYRUP', 'PUMP']) {
      for (const exchange of EXCHANGES) {
        expect(identify(exchange, asset)).toEqual({
          ticker: asset,
          coin: asset,
          units: 1,
          refused: null,
        })
      }
    }
  })

  it('answers with the same object each time', () => {
    expect(identify('binance', 'BTC')).toBe(identify('binance', 'BTC'))
  })

  it.each([
    ['1000SATS', 'SATS', 1_000],
    ['1000CAT', 'CAT', 1_000],
    ['1000CHEEMS', 'CHEEMS', 1_000],
    ['1MBABYDOGE', 'BABYDOGE', 1_000_000],
  ])('knows that %s of Binance is %s in units of %d', (asset, ticker, units) => {
    expect(identify('binance', asset)).toMatchObject({ ticker, coin: ticker, units })
    expect(coin('bybit', ticker)).toBe(ticker)
  })

  it('takes no prefix for a unit by itself', () => {
    expect(identify('bybit', '1000PEPPER')).toMatchObject({ ticker: '1000PEPPER', units: 1 })
    expect(identify('bybit', '1000SATS')).toMatchObject({ coin: '1000SATS', units: 1 })
  })

  it.each([
    ['XBT', 'BTC'],
    ['XXBT', 'BTC'],
    ['ZUSD', 'USD'],
    ['XDG', 'DOGE'],
    ['LUNA', 'LUNC'],
    ['LUNA2', 'LUNA'],
    ['UST', 'USTC'],
    ['REPV2', 'REP'],
  ])('reads %s of Kraken as %s', (asset, ticker) => {
    expect(identify('kraken', asset)).toMatchObject({ ticker, coin: ticker })
  })

  it('matches a renamed coin with its usual name elsewhere, and with no namesake', () => {
    expect(coin('kraken', 'LUNA')).toBe(coin('binance', 'LUNC'))
    expect(coin('kraken', 'LUNA2')).toBe(coin('binance', 'LUNA'))
    expect(coin('kraken', 'LUNA')).not.toBe(coin('bybit', 'LUNA'))
    expect(coin('coinbase', 'CGLD')).toBe(coin('binance', 'CELO'))
  })

  it('denies by default: a ticker that collides is nobody else’s coin until it is verified', () => {
    for (const ticker of COLLISIONS) {
      expect(coin('an exchange without a block', ticker)).not.toBe(ticker)
      expect(coin('one', ticker)).not.toBe(coin('another', ticker))
    }
    expect(coin('binance', 'QNT')).toBe(coin('coinbase', 'QNT'))
    expect(coin('okx', 'QNT')).not.toBe(coin('binance', 'QNT'))
  })

  it('keeps the ticker of a stranger, so that it meets its namesakes and is seen', () => {
    expect(identify('okx', 'QNT').ticker).toBe('QNT')
    expect(identify('gate', 'GTC').ticker).toBe('GTC')
  })

  it('knows wrapped and staked coins as coins of their own', () => {
    for (const [wrapped, plain] of [
      ['WBTC', 'BTC'],
      ['STETH', 'ETH'],
      ['CBBTC', 'BTC'],
      ['BETH', 'ETH'],
    ] as const) {
      expect(identify('bybit', wrapped)).toMatchObject({ coin: wrapped, refused: null })
      expect(coin('bybit', wrapped)).not.toBe(coin('bybit', plain))
    }
  })

  it.each([
    ['binance', 'BTCUP'],
    ['binance', 'ETHDOWN'],
    ['binance', 'ETHBULL'],
    ['binance', 'BEAR'],
    ['binance', 'TSLAB'],
    ['bybit', 'BTC3L'],
    ['bybit', 'XRP3S'],
    ['bybit', 'AAPLX'],
    ['kraken', 'TSLAX'],
    ['kucoin', 'BTC3L'],
    ['kucoin', 'BTCUP'],
    ['gate', 'ETH5S'],
    ['coinbase', 'AMPL'],
    ['bitfinex', 'AMP'],
  ])('refuses %s %s', (exchange, asset) => {
    expect(identify(exchange, asset).refused).toBe('leveraged')
  })

  it.each([
    ['binance', 'JUP'],
    ['binance', 'SUPER'],
    ['binance', 'SYRUP'],
    ['binance', 'UP'],
    ['binance', 'BNB'],
    ['binance', 'ARB'],
    ['bybit', 'BULL'],
    ['bybit', '3L'],
    ['bybit', 'SPX'],
    ['kraken', 'TRX'],
    ['kraken', 'AVAX'],
    ['coinbase', 'AMP'],
  ])('does not refuse %s %s', (exchange, asset) => {
    expect(identify(exchange, asset).refused).toBeNull()
  })

  it('is not confused by names of built-in properties', () => {
    expect(identify('constructor', 'toString')).toMatchObject({ coin: 'toString', units: 1 })
    expect(coin('kraken', 'constructor')).toBe('constructor')
  })
})

describe('the documented table', () => {
  const page = readFileSync(new URL('../../docs/asset-identity.md', import.meta.url), 'utf8')
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
  const code = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string)

  it('has a row for every deviation of the code, and no other', () => {
    const documented = rows
      .filter((cells) => cells.length === 4)
      .map(([exchange, asset, is, units]) =>
        [code(exchange)[0], code(asset)[0], is, units].join(' '),
      )
    const coded = Object.entries(ASSETS).flatMap(([exchange, facts]) => [
      ...Object.entries(facts.renamed ?? {}).map(([asset, to]) => `${exchange} ${asset} ${to} 1`),
      ...Object.entries(facts.units ?? {}).map(
        ([asset, [to, units]]) => `${exchange} ${asset} ${to} ${units}`,
      ),
      ...Object.entries(facts.strangers ?? {}).map(([asset, to]) => `${exchange} ${asset} ${to} 1`),
    ])
    expect(documented.toSorted()).toEqual(coded.toSorted())
  })

  it('lists where a colliding ticker is verified', () => {
    const documented = rows
      .filter((cells) => cells.length === 2)
      .map(([ticker, exchanges]) => `${code(ticker)[0]}: ${code(exchanges).join(' ')}`)
    const coded = [...COLLISIONS].map((ticker) => {
      const verified = Object.entries(ASSETS).filter(([, facts]) =>
        facts.verified?.includes(ticker),
      )
      return `${ticker}: ${verified.map(([exchange]) => exchange).join(' ')}`
    })
    expect(documented.toSorted()).toEqual(coded.toSorted())
  })

  it('names every rebasing token', () => {
    for (const ticker of REBASING) expect(page).toContain(`\`${ticker}\``)
  })

  it('verifies nothing twice over', () => {
    for (const { verified = [], renamed = {}, strangers = {} } of Object.values(ASSETS)) {
      for (const ticker of verified) {
        expect(COLLISIONS).toContain(ticker)
        expect({ ...renamed, ...strangers }).not.toHaveProperty(ticker)
      }
    }
  })
})
