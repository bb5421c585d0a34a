/**
 * Kraken's public list of assets, under their old names.
 * https://docs.kraken.com/api/docs/rest-api/get-asset-info
 */
import type { MarketSource } from '../market/source.ts'
import { ok, type Routes } from './account-rest.ts'
import { type Wallet, type WalletNetwork, walletsOf } from './wallets.ts'

const LEGACY: Readonly<Record<string, readonly [name: string, altname: string]>> = {
  BTC: ['XXBT', 'XBT'],
  DOGE: ['XXDG', 'XDG'],
  ETH: ['XETH', 'ETH'],
  USD: ['ZUSD', 'USD'],
  EUR: ['ZEUR', 'EUR'],
}

export function krakenRoutes(source: MarketSource): Routes {
  const entry = ({ asset, networks }: Wallet) => {
    const [name, altname] = LEGACY[asset] ?? [asset, asset]
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
