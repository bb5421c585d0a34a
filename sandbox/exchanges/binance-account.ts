/**
 * Binance's REST about wallets and accounts. "The signature is computed over the query string."
 * https://developers.binance.com/docs/wallet
 */
import type { MarketSource } from '../market/source.ts'
import { headerOf, ok, type Route, type Routes, shares } from './account-rest.ts'
import { admit } from './keys.ts'
import type { HttpAnswer } from './server.ts'
import { type Wallet, type WalletNetwork, walletsOf } from './wallets.ts'

const LABELS: Readonly<Record<WalletNetwork['chain'], string>> = {
  bitcoin: 'BTC',
  ethereum: 'ETH',
  tron: 'TRX',
  solana: 'SOL',
  arbitrum: 'ARBITRUM',
}

export function binanceRoutes(source: MarketSource): Routes {
  return {
    '/sapi/v1/account/apiRestrictions': binanceSigned((powerful) => ({
      ipRestrict: false,
      createTime: 1_698_645_219_000,
      enableReading: true,
      enableWithdrawals: powerful,
      enableInternalTransfer: false,
      enableMargin: false,
      enableFutures: false,
      permitsUniversalTransfer: false,
      enableVanillaOptions: false,
      enableFixApiTrade: false,
      enableFixReadOnly: false,
      enableSpotAndMarginTrading: powerful,
      enablePortfolioMarginTrading: false,
    })),
    '/sapi/v1/asset/tradeFee': binanceSigned(() =>
      shares('binance', source).map(([symbol, share]) => {
        return { symbol, makerCommission: share, takerCommission: share }
      }),
    ),
    '/sapi/v1/capital/config/getall': binanceSigned(() =>
      walletsOf('binance', source).map(binanceCoin),
    ),
  }
}

/** "The signature is computed over the query string", and is its last parameter. */
function binanceSigned(answer: (powerful: boolean) => unknown): Route {
  return (url, headers) => {
    const [, payload = '', signature = ''] = /^\?(.*)&signature=([0-9a-f]*)$/.exec(url.search) ?? []
    const key = admit({
      ...{ payload, signature, key_id: headerOf(headers, 'x-mbx-apikey') },
      timestamp: Number(url.searchParams.get('timestamp') ?? Number.NaN),
      window_ms: Number(url.searchParams.get('recvWindow') ?? 5_000),
    })
    switch (key) {
      case 'unknown key':
        return binanceFailure(401, -2015, 'Invalid API-key, IP, or permissions for action.')
      case 'bad signature':
        return binanceFailure(400, -1022, 'Signature for this request is not valid.')
      case 'bad time':
        return binanceFailure(
          400,
          -1021,
          'Timestamp for this request is outside of the recvWindow.',
        )
      default:
        return ok(answer(key.powerful))
    }
  }
}

function binanceFailure(status: number, code: number, msg: string): HttpAnswer {
  return { status, body: JSON.stringify({ code, msg }) }
}

function binanceCoin({ asset, networks }: Wallet) {
  return {
    coin: asset,
    name: asset,
    depositAllEnable: networks.some(({ deposits }) => deposits),
    withdrawAllEnable: networks.some(({ withdrawals }) => withdrawals),
    trading: true,
    isLegalMoney: networks.length === 0,
    networkList: networks.map(({ chain, deposits, withdrawals, withdrawal_fee }) => ({
      coin: asset,
      network: LABELS[chain],
      depositEnable: deposits,
      withdrawEnable: withdrawals,
      withdrawFee: withdrawal_fee,
      busy: false,
    })),
  }
}
