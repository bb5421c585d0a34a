/**
 * Coinbase's public list of currencies and their networks.
 * https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/currencies
 */
import type { MarketSource } from '../market/source.ts'
import { ok, type Routes } from './account-rest.ts'
import { type Wallet, walletsOf } from './wallets.ts'

export function coinbaseRoutes(source: MarketSource): Routes {
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
