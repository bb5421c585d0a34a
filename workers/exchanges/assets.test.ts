/** What can be moved, out of answers in the exchanges' documented shapes. */
import { describe, expect, it } from 'vitest'
import type { AssetStatus } from '../../shared/asset.ts'
import { binanceAccount, binanceAssets } from './binance-account.ts'
import { bybitAccount, bybitAssets } from './bybit-account.ts'
import { coinbaseAssets } from './coinbase-assets.ts'
import { FrameError } from './exchange.ts'
import { exchanges } from './index.ts'
import { krakenAssets } from './kraken-assets.ts'
import { networkName } from './networks.ts'

const parse = (procedure: { parse(body: string): AssetStatus[] }, body: unknown) =>
  procedure.parse(JSON.stringify(body))

it('binance: every network by itself, with its fee', () => {
  const coin = {
    coin: 'BTC',
    depositAllEnable: true,
    free: '0.08074558',
    isLegalMoney: false,
    name: 'Bitcoin',
    networkList: [
      {
        ...{ coin: 'BTC', network: 'BSC', name: 'BEP20', depositEnable: false },
        ...{ withdrawEnable: true, withdrawFee: '0.00000220', withdrawMin: '0.00000440' },
      },
      {
        ...{ coin: 'BTC', network: 'SEGWITBTC', depositEnable: true, withdrawEnable: true },
        withdrawFee: '0.00050000',
      },
    ],
    trading: true,
    withdrawAllEnable: true,
  }
  expect(parse(binanceAssets, [coin])).toEqual([
    {
      asset: 'BTC',
      deposits: true,
      withdrawals: true,
      networks: [
        { network: 'BSC', deposits: false, withdrawals: true, withdrawal_fee: '0.0000022' },
        { network: 'BTC', deposits: true, withdrawals: true, withdrawal_fee: '0.0005' },
      ],
    },
  ])
})

it('bybit: no fee means no withdrawal, and a share is no fee', () => {
  const chain = {
    ...{ chainType: 'ERC20', confirmation: '12', withdrawFee: '3', depositMin: '0', chain: 'ETH' },
    ...{ withdrawMin: '3', chainDeposit: '1', chainWithdraw: '1', withdrawPercentageFee: '0' },
  }
  const chains = [
    chain,
    { ...chain, chain: 'ARBI', withdrawFee: '' },
    { ...chain, chain: 'CAVAX', chainDeposit: '0', withdrawPercentageFee: '0.022' },
  ]
  const rows = [{ name: 'LINK', coin: 'LINK', remainAmount: '10000', chains }]
  expect(parse(bybitAssets, { retCode: 0, retMsg: 'success', result: { rows } })).toEqual([
    {
      asset: 'LINK',
      deposits: true,
      withdrawals: true,
      networks: [
        { network: 'ETH', deposits: true, withdrawals: true, withdrawal_fee: '3' },
        { network: 'ARBITRUM', deposits: true, withdrawals: false, withdrawal_fee: null },
        { network: 'AVALANCHE', deposits: false, withdrawals: true, withdrawal_fee: null },
      ],
    },
  ])
  expect(() => parse(bybitAssets, { retCode: 10_003, retMsg: 'API key is invalid.' })).toThrow(
    FrameError,
  )
})

it('coinbase: one status for both ways, and none of the networks of money', () => {
  const usdt = {
    ...{ id: 'USDT', name: 'Tether', min_size: '0.000001', status: 'online', message: '' },
    details: { type: 'crypto', network_confirmations: 14 },
    default_network: 'ethereum',
    supported_networks: [
      { id: 'ethereum', name: 'Ethereum', status: 'online', contract_address: '0xdac1' },
      { id: 'solana', name: 'Solana', status: 'delayed' },
    ],
  }
  const euro = { id: 'EUR', status: 'offline', details: { type: 'fiat' }, supported_networks: [] }
  expect(parse(coinbaseAssets, [usdt, euro])).toEqual([
    {
      asset: 'USDT',
      deposits: true,
      withdrawals: true,
      networks: [
        { network: 'ETH', deposits: true, withdrawals: true, withdrawal_fee: null },
        { network: 'SOL', deposits: false, withdrawals: false, withdrawal_fee: null },
      ],
    },
    { asset: 'EUR', deposits: false, withdrawals: false, networks: null },
  ])
})

it.each([
  ['enabled', true, true],
  ['deposit_only', true, false],
  ['withdrawal_only', false, true],
  ['funding_temporarily_disabled', false, false],
])('kraken: %s', (status, deposits, withdrawals) => {
  const asset = { aclass: 'currency', altname: 'XBT', decimals: 10, display_decimals: 5, status }
  expect(parse(krakenAssets, { error: [], result: { XXBT: asset } })).toEqual([
    { asset: 'BTC', deposits, withdrawals, networks: null },
  ])
})

it('kraken: an answer with errors is none', () => {
  expect(() => parse(krakenAssets, { error: ['EService:Unavailable'] })).toThrow(FrameError)
})

describe('every exchange', () => {
  it.each(exchanges.map((exchange) => [exchange.id, exchange] as const))(
    '%s refuses shapes it does not document with FrameError alone',
    (_, { assets, account }) => {
      for (const body of ['', 'null', '3', '[3]', '{}', '{"result":[]}', '{"retCode":0}']) {
        for (const parser of [assets, account?.rates]) {
          if (parser === undefined) continue
          expect(() => parser.parse(body)).toThrow(FrameError)
        }
      }
    },
  )
})

describe('rights', () => {
  const binance = (more: object) =>
    binanceAccount.rights.parse(
      JSON.stringify({ ipRestrict: true, createTime: 1, enableReading: true, ...more }),
    )

  it('binance: whatever is enabled beside reading, known or new', () => {
    expect(binance({ enableFixReadOnly: true, enableWithdrawals: false })).toEqual([])
    expect(
      binance({ enableWithdrawals: true, permitsUniversalTransfer: true, enableTimeTravel: true }),
    ).toEqual(['enableWithdrawals', 'permitsUniversalTransfer', 'enableTimeTravel'])
  })

  const bybit = (readOnly: unknown, permissions: object) =>
    bybitAccount.rights.parse(JSON.stringify({ retCode: 0, result: { readOnly, permissions } }))

  it('bybit: a key that is not read-only, even with nothing granted', () => {
    expect(bybit(1, { Spot: ['SpotTrade'] })).toEqual([])
    expect(bybit(0, { Spot: ['SpotTrade'], Wallet: [] })).toEqual(['Read-Write', 'Spot: SpotTrade'])
    expect(bybit(undefined, {})).toEqual(['Read-Write'])
  })
})

describe('signatures', () => {
  const key = { id: 'key', secret: 'secret' }

  it('binance: of the parameters, which they follow', () => {
    const { path, headers } = binanceAccount.sign('/p', key, 1_700_000_000_123.9)
    expect(path).toMatch(/^\/p\?recvWindow=5000&timestamp=1700000000123&signature=[0-9a-f]{64}$/)
    expect(headers).toEqual({ 'X-MBX-APIKEY': 'key' })
  })

  it('bybit: of time, key, window and query, in headers', () => {
    const { path, headers } = bybitAccount.sign('/p?category=spot', key, 1_700_000_000_123.9)
    expect(path).toBe('/p?category=spot')
    expect(headers).toMatchObject({
      'X-BAPI-API-KEY': 'key',
      'X-BAPI-TIMESTAMP': '1700000000123',
      'X-BAPI-RECV-WINDOW': '5000',
      'X-BAPI-SIGN': expect.stringMatching(/^[0-9a-f]{64}$/),
    })
  })
})

it('rates are percent', () => {
  const fees = [{ symbol: 'ADABNB', makerCommission: '0.001', takerCommission: '0.00095000' }]
  expect([...binanceAccount.rates.parse(JSON.stringify(fees))]).toEqual([['ADABNB', '0.095']])
  const list = [{ symbol: 'ETHUSDT', takerFeeRate: '0.0006', makerFeeRate: '0.0001' }]
  expect([...bybitAccount.rates.parse(JSON.stringify({ retCode: 0, result: { list } }))]).toEqual([
    ['ETHUSDT', '0.06'],
  ])
})

it('networks have one name on every exchange, and unknown ones their own', () => {
  expect(['MATIC', 'polygon', 'POL'].map(networkName)).toEqual(['POLYGON', 'POLYGON', 'POLYGON'])
  expect(networkName('ARBI')).toBe(networkName('arbitrum'))
  expect(networkName('NEWCHAIN')).toBe('NEWCHAIN')
})
