/**
 * REST about wallets and accounts of the four sandbox exchanges, in each one's own shapes: what is
 * public where it is public, and what needs a signature only for those who sign rightly. Everything
 * else is left to the exchange's server.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { systemClock } from '../../shared/clock.ts'
import type { MarketSource, SandboxExchange } from '../market/source.ts'
import { admit, type SignedRequest } from './keys.ts'
import type { ExchangeServer, HttpAnswer } from './server.ts'
import { type Wallet, type WalletNetwork, walletsOf } from './wallets.ts'

type Route = (url: URL, headers: IncomingHttpHeaders) => HttpAnswer
type Routes = Readonly<Record<string, Route>>

/** The same server, with the wallets and accounts of what it trades. */
export function withAccounts(server: ExchangeServer, source: MarketSource): ExchangeServer {
  const routes = ROUTES[server.id](source)
  return {
    ...server,
    request: (url, headers) => {
      const route = Object.hasOwn(routes, url.pathname) ? routes[url.pathname] : undefined
      return route === undefined ? server.request(url, headers) : route(url, headers)
    },
  }
}

const ROUTES: Readonly<Record<SandboxExchange, (source: MarketSource) => Routes>> = {
  binance: binanceRoutes,
  bybit: bybitRoutes,
  coinbase: coinbaseRoutes,
  kraken: krakenRoutes,
}

const ok = (body: unknown): HttpAnswer => ({ status: 200, body: JSON.stringify(body) })

/** symbol → taker share */
function shares(exchange: SandboxExchange, source: MarketSource): [string, string][] {
  return source.markets
    .filter((market) => market.exchange === exchange)
    .map(({ base, quote, taker_fee_percent }) => [
      base + quote,
      String(Number((Number(taker_fee_percent) / 100).toFixed(8))),
    ])
}

const BINANCE_LABELS: Readonly<Record<WalletNetwork['chain'], string>> = {
  bitcoin: 'BTC',
  ethereum: 'ETH',
  tron: 'TRX',
  solana: 'SOL',
  arbitrum: 'ARBITRUM',
}

function binanceRoutes(source: MarketSource): Routes {
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
      network: BINANCE_LABELS[chain],
      depositEnable: deposits,
      withdrawEnable: withdrawals,
      withdrawFee: withdrawal_fee,
      busy: false,
    })),
  }
}

const BYBIT_LABELS = { ...BINANCE_LABELS, arbitrum: 'ARBI' }

function bybitRoutes(source: MarketSource): Routes {
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
      chain: BYBIT_LABELS[chain],
      chainDeposit: deposits ? '1' : '0',
      chainWithdraw: withdrawals ? '1' : '0',
      withdrawFee: withdrawals ? withdrawal_fee : '',
      withdrawPercentageFee: '0',
    })),
  }
}

function coinbaseRoutes(source: MarketSource): Routes {
  const currency = ({ asset, networks }: Wallet) => ({
    id: asset,
    name: asset,
    status: 'online',
    details: { type: networks.length === 0 ? 'fiat' : 'crypto' },
    supported_networks: networks.map(({ chain, deposits }) => {
      return { id: chain, name: chain, status: deposits ? 'online' : 'offline' }
    }),
  })
  return { '/currencies': () => ok(walletsOf('coinbase', source).map(currency)) }
}

const KRAKEN_LEGACY: Readonly<Record<string, readonly [name: string, altname: string]>> = {
  BTC: ['XXBT', 'XBT'],
  DOGE: ['XXDG', 'XDG'],
  ETH: ['XETH', 'ETH'],
  USD: ['ZUSD', 'USD'],
  EUR: ['ZEUR', 'EUR'],
}

function krakenRoutes(source: MarketSource): Routes {
  const entry = ({ asset, networks }: Wallet) => {
    const [name, altname] = KRAKEN_LEGACY[asset] ?? [asset, asset]
    return [name, { aclass: 'currency', altname, decimals: 10, status: krakenStatus(networks) }]
  }
  return {
    '/0/public/Assets': () =>
      ok({ error: [], result: Object.fromEntries(walletsOf('kraken', source).map(entry)) }),
  }
}

function krakenStatus(networks: readonly WalletNetwork[]): string {
  if (networks.length === 0) return 'enabled'
  const deposits = networks.some((network) => network.deposits)
  const withdrawals = networks.some((network) => network.withdrawals)
  if (deposits && withdrawals) return 'enabled'
  if (deposits) return 'deposit_only'
  return withdrawals ? 'withdrawal_only' : 'funding_temporarily_disabled'
}

function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}
