/**
 * Which coin an asset of an exchange is, and in what unit: the same ticker may be another coin
 * elsewhere, and some exchanges trade a thousand coins as one. The facts are a curated table
 * (identity-table.ts); nothing is guessed from a name or scaled because of a price.
 */
import { ASSETS, COLLISIONS, type ExchangeAssets, REBASING } from './identity-table.ts'

export interface AssetIdentity {
  /** what chains are put together by: the coin's usual ticker, SATS for 1000SATS */
  readonly ticker: string
  /** which coin it is: equal on two exchanges only when it is known to be the same coin */
  readonly coin: string
  /** coins in one unit of the exchange's asset, a power of ten: 1, 1000, … */
  readonly units: number
  /** the guard that refuses every chain through this asset, or null */
  readonly refused: 'leveraged' | null
}

const known = new Map<string, Map<string, AssetIdentity>>()

/** Always the same object for the same asset, so that a caller may compare and keep it. */
export function identify(exchange: string, asset: string): AssetIdentity {
  let assets = known.get(exchange)
  if (assets === undefined) {
    assets = new Map()
    known.set(exchange, assets)
  }
  let identity = assets.get(asset)
  if (identity === undefined) {
    identity = lookUp(exchange, asset, ASSETS[exchange] ?? {})
    assets.set(asset, identity)
  }
  return identity
}

function lookUp(exchange: string, asset: string, facts: ExchangeAssets): AssetIdentity {
  const refused = isRefused(asset, facts) ? 'leveraged' : null
  const unit = own(facts.units, asset)
  if (unit !== undefined) return { ticker: unit[0], coin: unit[0], units: unit[1], refused }
  const usual = own(facts.renamed, asset)
  if (usual !== undefined) return { ticker: usual, coin: usual, units: 1, refused }
  return { ticker: asset, coin: coinOf(exchange, asset, facts), units: 1, refused }
}

/** Deny by default: a ticker that is known to collide is a coin of its own until it is verified. */
function coinOf(exchange: string, asset: string, facts: ExchangeAssets): string {
  const stranger = own(facts.strangers, asset)
  if (stranger !== undefined) return stranger
  const doubtful = COLLISIONS.has(asset) && facts.verified?.includes(asset) !== true
  return doubtful ? `${exchange}:${asset}` : asset
}

function isRefused(asset: string, { refused, leveraged }: ExchangeAssets): boolean {
  if (REBASING.has(asset) || refused?.includes(asset)) return true
  return (
    leveraged?.suffixes.some(
      (suffix) => asset.endsWith(suffix) && leveraged.of.includes(asset.slice(0, -suffix.length)),
    ) ?? false
  )
}

/** A table's own entry: an asset may be called `constructor`. */
function own<T>(table: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return table !== undefined && Object.hasOwn(table, name) ? table[name] : undefined
}
