/**
 * What a key of the operator's tells about Binance: its rights, the account's commissions and which
 * coins can be moved. It signs and reads, and has no request that could change anything.
 * https://developers.binance.com/docs/binance-spot-api-docs/rest-api/request-security
 */
import { createHmac } from 'node:crypto'
import type { AssetNetwork, AssetStatus } from '../../shared/asset.ts'
import { decimal, format, HUNDRED, multiply } from '../../shared/decimal.ts'
import type { AccountProcedure, AssetProcedure } from './exchange.ts'
import { stepText } from './instruments.ts'
import { array, type JsonObject, object, parseJson, text } from './json.ts'
import { networkName } from './networks.ts'

/** "recvWindow: the number of milliseconds after timestamp the request is valid for" */
const RECEIVE_WINDOW_MS = 5_000
/** every other right that is given, also one that Binance invents later, is too much */
const READING = new Set(['enableReading', 'enableFixReadOnly'])

/** `[{"symbol":"BTCUSDT","makerCommission":"0.001","takerCommission":"0.001"}]`: shares, not percent */
function parseRates(body: string): Map<string, string> {
  return new Map(
    array(parseJson(body), 'tradeFee').map((item) => {
      const entry = object(item, 'fee')
      const share = decimal(stepText(entry.takerCommission, 'takerCommission'))
      return [text(entry.symbol, 'symbol'), format(multiply(share, HUNDRED))]
    }),
  )
}

function parseRights(body: string): string[] {
  return Object.entries(object(parseJson(body), 'apiRestrictions'))
    .filter(([name, value]) => value === true && /^(enable|permits)/.test(name))
    .map(([name]) => name)
    .filter((name) => !READING.has(name))
}

function parseCoin(coin: JsonObject): AssetStatus {
  return {
    asset: text(coin.coin, 'coin').toUpperCase(),
    deposits: coin.depositAllEnable === true,
    withdrawals: coin.withdrawAllEnable === true,
    // money moves by bank: its "networks" are payment channels
    networks:
      coin.isLegalMoney === true
        ? null
        : array(coin.networkList, 'networkList').map((item) =>
            parseNetwork(object(item, 'network')),
          ),
  }
}

function parseNetwork(network: JsonObject): AssetNetwork {
  return {
    network: networkName(text(network.network, 'network')),
    deposits: network.depositEnable === true,
    withdrawals: network.withdrawEnable === true,
    withdrawal_fee:
      network.withdrawFee === undefined ? null : stepText(network.withdrawFee, 'withdrawFee'),
  }
}

export const binanceAccount: AccountProcedure = {
  /** "Use your secretKey as the HMAC key and totalParams as the value"; the signature comes last */
  sign: (path, key, time_ms) => {
    const parameters = `recvWindow=${RECEIVE_WINDOW_MS}&timestamp=${Math.floor(time_ms)}`
    const signature = createHmac('sha256', key.secret).update(parameters).digest('hex')
    return {
      path: `${path}?${parameters}&signature=${signature}`,
      headers: { 'X-MBX-APIKEY': key.id },
    }
  },
  rights: { path: '/sapi/v1/account/apiRestrictions', parse: parseRights },
  rates: { path: '/sapi/v1/asset/tradeFee', parse: parseRates },
}

export const binanceAssets: AssetProcedure = {
  path: '/sapi/v1/capital/config/getall',
  needs_key: true,
  parse: (body) =>
    array(parseJson(body), 'getall').map((entry) => parseCoin(object(entry, 'coin'))),
}
