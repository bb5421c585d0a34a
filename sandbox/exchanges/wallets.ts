/**
 * Which assets the sandbox exchanges move, on which networks and for which fee: the same answer for
 * the same names every time, with some networks closed on some exchanges. It knows no protocol.
 */
import type { MarketSource } from '../market/source.ts'

export interface WalletNetwork {
  /** BITCOIN, ETHEREUM, … : each protocol has its own label */
  readonly chain: 'bitcoin' | 'ethereum' | 'tron' | 'solana' | 'arbitrum'
  readonly deposits: boolean
  readonly withdrawals: boolean
  readonly withdrawal_fee: string
}

export interface Wallet {
  readonly asset: string
  /** none: money, which no chain moves */
  readonly networks: readonly WalletNetwork[]
}

const CHAINS: Readonly<Record<string, readonly WalletNetwork['chain'][]>> = {
  BTC: ['bitcoin'],
  ETH: ['ethereum', 'arbitrum'],
  USDT: ['ethereum', 'tron', 'solana'],
  SOL: ['solana'],
  USD: [],
  EUR: [],
}
/** about so many in a hundred are closed, each way by itself */
const CLOSED_PERCENT = 12

/** Everything that the exchange trades, in a fixed order. */
export function walletsOf(exchange: string, source: MarketSource): readonly Wallet[] {
  const own = source.markets.filter((market) => market.exchange === exchange)
  const assets = new Set(own.flatMap(({ base, quote }) => [base, quote]))
  return [...assets].map((asset) => {
    const chains = CHAINS[asset] ?? ['ethereum']
    return { asset, networks: chains.map((chain) => networkOf(exchange, asset, chain)) }
  })
}

function networkOf(exchange: string, asset: string, chain: WalletNetwork['chain']): WalletNetwork {
  const luck = hash(`${exchange} ${asset} ${chain}`)
  return {
    chain,
    deposits: luck % 100 >= CLOSED_PERCENT,
    withdrawals: (luck >>> 8) % 100 >= CLOSED_PERCENT,
    withdrawal_fee: `0.000${1 + (luck % 9)}`,
  }
}

/** FNV-1a */
function hash(text: string): number {
  let sum = 0x811c9dc5
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193) >>> 0
  return sum
}
