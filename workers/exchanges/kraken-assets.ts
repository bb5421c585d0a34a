/**
 * The names of Kraken's assets and whether they can be moved. It tells no networks and no fees
 * without a key.
 * https://docs.kraken.com/api/docs/rest-api/get-asset-info
 */
import type { AssetStatus } from '../../shared/asset.ts'
import { type AssetProcedure, FrameError } from './exchange.ts'
import { array, type JsonObject, object, parseJson, shown, text } from './json.ts'

/** REST still says XBT and XDG where WebSocket v2 says BTC and DOGE. */
const RENAMED = new Map([
  ['XBT', 'BTC'],
  ['XDG', 'DOGE'],
])

export function krakenAsset(name: string): string {
  return RENAMED.get(name) ?? name
}

/** "status: enabled, deposit_only, withdrawal_only, funding_temporarily_disabled" */
function parseAsset(asset: JsonObject): AssetStatus {
  const { status } = asset
  return {
    asset: krakenAsset(text(asset.altname, 'altname')).toUpperCase(),
    deposits: status === 'enabled' || status === 'deposit_only',
    withdrawals: status === 'enabled' || status === 'withdrawal_only',
    networks: null,
  }
}

export const krakenAssets: AssetProcedure = {
  path: '/0/public/Assets',
  needs_key: false,
  parse: (body) => {
    const answer = object(parseJson(body), 'Assets')
    const errors = array(answer.error, 'error')
    if (errors.length > 0) throw new FrameError(errors.map(shown).join(', '))
    return Object.entries(object(answer.result, 'result')).map(([name, asset]) =>
      parseAsset(object(asset, name)),
    )
  },
}
