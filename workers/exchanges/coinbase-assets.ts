/**
 * Which coins Coinbase moves, and on which networks. It tells one status for deposits and
 * withdrawals together, and no fee without a key.
 * https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/currencies/get-all-known-currencies
 */
import type { AssetStatus } from '../../shared/asset.ts'
import type { AssetProcedure } from './exchange.ts'
import { array, type JsonObject, object, parseJson, text } from './json.ts'
import { networkName } from './networks.ts'

function parseCurrency(currency: JsonObject): AssetStatus {
  const online = currency.status === 'online'
  const fiat = currency.details !== undefined && object(currency.details, 'details').type === 'fiat'
  return {
    asset: text(currency.id, 'id').toUpperCase(),
    deposits: online,
    withdrawals: online,
    networks: fiat ? null : networksOf(currency),
  }
}

function networksOf(currency: JsonObject): AssetStatus['networks'] {
  return array(currency.supported_networks ?? [], 'supported_networks').map((item) => {
    const network = object(item, 'network')
    const open = network.status === 'online'
    return {
      network: networkName(text(network.id, 'id')),
      deposits: open,
      withdrawals: open,
      withdrawal_fee: null,
    }
  })
}

export const coinbaseAssets: AssetProcedure = {
  path: '/currencies',
  needs_key: false,
  parse: (body) =>
    array(parseJson(body), 'currencies').map((entry) => parseCurrency(object(entry, 'currency'))),
}
