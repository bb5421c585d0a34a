/**
 * Bybit's REST about wallets and accounts.
 * https://bybit-exchange.github.io/docs/v5/guide#authentication
 */
import { systemClock } from '../../shared/clock.ts'
import type { MarketSource } from '../market/source.ts'
import { headerOf, ok, type Route, type Routes, shares } from './account-rest.ts'
import { admit, type SignedRequest } from './keys.ts'
import type { HttpAnswer } from './server.ts'
import { type Wallet, type WalletNetwork, walletsOf } from './wallets.ts'

const LABELS: Readonly<Record<WalletNetwork['chain'], string>> = {
  bitcoin: 'BTC',
  ethereum: 'ETH',
  tron: 'TRX',
  solana: 'SOL',
  arbitrum: 'ARBI',
}

export function bybitRoutes(source: MarketSource): Routes {
  return {
    '/v5/user/query-api': bybitSigned((powerful) => ({
      id: '13770661',
      note: 'sandbox',
      readOnly: powerful ? 0 : 1,
      secret: '',
      permissions: {
        ContractTrade: [],
        Spot: powerful ? ['SpotTrade'] : [],
        Wallet: powerful ? ['AccountTransfer', 'Withdraw'] : [],
        Options: [],
        Derivatives: [],
        Exchange: [],
      },
      ips: ['*'],
      type: 1,
      isMaster: true,
    })),
    '/v5/account/fee-rate': bybitSigned(() => ({
      list: shares('bybit', source).map(([symbol, share]) => {
        return { symbol, makerFeeRate: share, takerFeeRate: share }
      }),
    })),
    '/v5/asset/coin/query-info': bybitSigned(() => ({
      rows: walletsOf('bybit', source).map(bybitCoin),
    })),
  }
}

/** "timestamp + api_key + recv_window + queryString" */
function bybitSigned(result: (powerful: boolean) => unknown): Route {
  return (url, headers) => {
    const timestamp = headerOf(headers, 'x-bapi-timestamp') ?? ''
    const window = headerOf(headers, 'x-bapi-recv-window') ?? '5000'
    const key_id = headerOf(headers, 'x-bapi-api-key')
    const request: SignedRequest = {
      key_id,
      payload: timestamp + (key_id ?? '') + window + url.search.slice(1),
      signature: headerOf(headers, 'x-bapi-sign') ?? '',
      timestamp: Number(timestamp),
      window_ms: Number(window),
    }
    const key = admit(request)
    switch (key) {
      case 'unknown key':
        return bybitAnswer(10_003, 'API key is invalid.', {})
      case 'bad signature':
        return bybitAnswer(10_004, 'error sign! please check your signature generation', {})
      case 'bad time':
        return bybitAnswer(10_002, 'invalid request, please check your server timestamp', {})
      default:
        return bybitAnswer(0, '', result(key.powerful))
    }
  }
}

/** Refusals come with status 200 too. */
function bybitAnswer(retCode: number, retMsg: string, result: unknown): HttpAnswer {
  return ok({ retCode, retMsg, result, retExtInfo: {}, time: Math.floor(systemClock.wall_ms()) })
}

function bybitCoin({ asset, networks }: Wallet) {
  return {
    name: asset,
    coin: asset,
    remainAmount: '1000000',
    chains: networks.map(({ chain, deposits, withdrawals, withdrawal_fee }) => ({
      chainType: chain,
      chain: LABELS[chain],
      chainDeposit: deposits ? '1' : '0',
      chainWithdraw: withdrawals ? '1' : '0',
      withdrawFee: withdrawals ? withdrawal_fee : '',
      withdrawPercentageFee: '0',
    })),
  }
}
