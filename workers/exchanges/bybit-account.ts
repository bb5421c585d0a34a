/**
 * What a key of the operator's tells about Bybit: its rights, the account's spot fees and which
 * coins can be moved. It signs and reads, and has no request that could change anything.
 * https://bybit-exchange.github.io/docs/v5/guide#authentication
 */
import { createHmac } from 'node:crypto'
import type { AssetNetwork, AssetStatus } from '../../shared/asset.ts'
import { decimal, format, HUNDRED, multiply } from '../../shared/decimal.ts'
import { type AccountProcedure, type AssetProcedure, FrameError } from './exchange.ts'
import { stepText } from './instruments.ts'
import { array, type JsonObject, object, parseJson, shown, text } from './json.ts'
import { networkName } from './networks.ts'

/** "server_time - recv_window <= timestamp < server_time + 1000" */
const RECEIVE_WINDOW_MS = 5_000

/** Refusals come with HTTP 200. */
function result(body: string): JsonObject {
  const answer = object(parseJson(body), 'answer')
  if (answer.retCode === 0) return object(answer.result, 'result')
  throw new FrameError(`retCode ${shown(answer.retCode)}: ${shown(answer.retMsg)}`)
}

/** "takerFeeRate: Taker fee rate", a share, not percent */
function parseRates(body: string): Map<string, string> {
  return new Map(
    array(result(body).list, 'list').map((item) => {
      const entry = object(item, 'fee')
      const share = decimal(stepText(entry.takerFeeRate, 'takerFeeRate'))
      return [text(entry.symbol, 'symbol'), format(multiply(share, HUNDRED))]
    }),
  )
}

/** "readOnly: 0: Read and Write. 1: Read only" */
function parseRights(body: string): string[] {
  const key = result(body)
  if (key.readOnly === 1) return []
  const granted = Object.entries(object(key.permissions, 'permissions')).flatMap(
    ([group, rights]) => array(rights, group).map((right) => `${group}: ${shown(right)}`),
  )
  return ['Read-Write', ...granted]
}

function parseCoin(row: JsonObject): AssetStatus {
  const networks = array(row.chains, 'chains').map((item) => parseChain(object(item, 'chain')))
  return {
    asset: text(row.coin, 'coin').toUpperCase(),
    deposits: networks.some(({ deposits }) => deposits),
    withdrawals: networks.some(({ withdrawals }) => withdrawals),
    networks,
  }
}

function parseChain(chain: JsonObject): AssetNetwork {
  const fee = text(chain.withdrawFee ?? '', 'withdrawFee')
  const share = chain.withdrawPercentageFee
  const plain = share === undefined || share === '' || Number(share) === 0
  return {
    network: networkName(text(chain.chain, 'chain')),
    deposits: chain.chainDeposit === '1',
    // "withdrawFee: If withdraw fee is empty, then it means that this coin does not support withdrawal"
    withdrawals: chain.chainWithdraw === '1' && fee !== '',
    withdrawal_fee: plain && fee !== '' ? stepText(fee, 'withdrawFee') : null,
  }
}

export const bybitAccount: AccountProcedure = {
  /** "timestamp + API key + recv_window + queryString", signed with HMAC_SHA256, in hex */
  sign: (path, key, time_ms) => {
    const [, query = ''] = path.split('?')
    const timestamp = String(Math.floor(time_ms))
    const signed = timestamp + key.id + String(RECEIVE_WINDOW_MS) + query
    return {
      path,
      headers: {
        'X-BAPI-API-KEY': key.id,
        'X-BAPI-TIMESTAMP': timestamp,
        'X-BAPI-RECV-WINDOW': String(RECEIVE_WINDOW_MS),
        'X-BAPI-SIGN': createHmac('sha256', key.secret).update(signed).digest('hex'),
      },
    }
  },
  rights: { path: '/v5/user/query-api', parse: parseRights },
  rates: { path: '/v5/account/fee-rate?category=spot', parse: parseRates },
}

export const bybitAssets: AssetProcedure = {
  path: '/v5/asset/coin/query-info',
  needs_key: true,
  parse: (body) =>
    array(result(body).rows, 'rows').map((entry) => parseCoin(object(entry, 'coin'))),
}
