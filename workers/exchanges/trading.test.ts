/** Which markets of a list trade, by the words that each exchange documents for its status. */
import { expect, it } from 'vitest'
import { binance } from './binance.ts'
import { bybit } from './bybit.ts'
import { coinbase } from './coinbase.ts'
import type { Exchange } from './exchange.ts'
import { kraken } from './kraken.ts'

const trading = (exchange: Exchange, list: object) =>
  exchange.instruments.parse([JSON.stringify(list)]).map((market) => market.trading)

const BINANCE = {
  symbol: 'BTCUSDT',
  status: 'TRADING',
  baseAsset: 'BTC',
  quoteAsset: 'USDT',
  isSpotTradingAllowed: true,
  filters: [
    { filterType: 'PRICE_FILTER', tickSize: '0.01000000' },
    { filterType: 'LOT_SIZE', minQty: '0.00001000', stepSize: '0.00001000' },
    { filterType: 'NOTIONAL', minNotional: '5.00000000' },
  ],
}

it.each([
  [{}, true],
  [{ status: 'HALT' }, false],
  [{ status: 'BREAK' }, false],
  [{ status: 'END_OF_DAY' }, false],
  [{ status: 'CANCEL_ONLY' }, false],
  [{ status: 'PRE_TRADING' }, false],
  [{ isSpotTradingAllowed: false }, false],
])('binance: %o trades: %s', (change, open) => {
  expect(trading(binance, { symbols: [{ ...BINANCE, ...change }] })).toEqual([open])
})

const BYBIT = {
  symbol: 'BTCUSDT',
  baseCoin: 'BTC',
  quoteCoin: 'USDT',
  innovation: '0',
  symbolType: '',
  status: 'Trading',
  stTag: '0',
  lotSizeFilter: { basePrecision: '0.000001', minOrderQty: '0.000011', minOrderAmt: '5' },
  priceFilter: { tickSize: '0.1' },
}

it.each([
  [{}, [true]],
  // special treatment: it may be delisted, and until then it trades
  [{ stTag: '1' }, [true]],
  [{ status: 'PreLaunch' }, [false]],
  [{ status: 'Closed' }, [false]],
  [{ symbolType: 'xstocks' }, []],
])('bybit: %o trades: %s', (change, open) => {
  const list = { retCode: 0, result: { category: 'spot', list: [{ ...BYBIT, ...change }] } }
  expect(trading(bybit, list)).toEqual(open)
})

it('bybit: the fee of the adventure zone is not known, and is not zero', () => {
  const fees = ['', 'innovation', 'adventure'].map((symbolType) => {
    const list = { retCode: 0, result: { list: [{ ...BYBIT, symbolType }] } }
    return bybit.instruments.parse([JSON.stringify(list)])[0]?.taker_fee_percent
  })
  expect(fees).toEqual(['0.1', '0.1', null])
})

const COINBASE = {
  id: 'BTC-USD',
  base_currency: 'BTC',
  quote_currency: 'USD',
  quote_increment: '0.01',
  base_increment: '0.00000001',
  min_market_funds: '1',
  post_only: false,
  limit_only: false,
  cancel_only: false,
  trading_disabled: false,
  auction_mode: false,
  status: 'online',
}

it.each([
  [{}, true],
  [{ status: 'offline' }, false],
  [{ status: 'delisted' }, false],
  [{ status: 'internal' }, false],
  [{ post_only: true }, false],
  [{ limit_only: true }, false],
  [{ cancel_only: true }, false],
  [{ trading_disabled: true }, false],
  [{ auction_mode: true }, false],
])('coinbase: %o trades: %s', (change, open) => {
  expect(trading(coinbase, [{ ...COINBASE, ...change }])).toEqual([open])
})

it('coinbase: a -USDC twin is the book of its -USD product and no market of its own', () => {
  const list = ['BTC-USDC', 'BTC-USD', 'USDT-USDC', 'USDT-USD', 'EURC-USDC', 'EURC-USD', 'XYZ-USDC']
  const products = list.map((id) => ({ ...COINBASE, id }))
  const markets = coinbase.instruments.parse([JSON.stringify(products)])
  expect(markets.map(({ market }) => market)).toEqual([
    'BTC-USD',
    'USDT-USDC',
    'USDT-USD',
    'EURC-USDC',
    'EURC-USD',
    'XYZ-USDC',
  ])
})

const KRAKEN = {
  altname: 'XBTUSD',
  wsname: 'XBT/USD',
  pair_decimals: 1,
  lot_decimals: 8,
  ordermin: '0.00005',
  costmin: '0.5',
  tick_size: '0.1',
  status: 'online',
}

it.each([
  'cancel_only',
  'delisted',
  'limit_only',
  'maintenance',
  'post_only',
  'reduce_only',
  'work_in_progress',
])('kraken: a pair that is %s does not trade', (status) => {
  const list = (pair: object) => ({ error: [], result: { XXBTZUSD: pair } })
  expect(trading(kraken, list(KRAKEN))).toEqual([true])
  expect(trading(kraken, list({ ...KRAKEN, status }))).toEqual([false])
})
