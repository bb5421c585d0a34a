/** How the watchers name what was found: by its legs, as the oracle does, and by the gap that it is. */
import type { OpportunityType } from '../../shared/opportunity.ts'

export interface NamedLeg {
  readonly side: 'buy' | 'sell'
  readonly exchange: string
  readonly symbol: string
}

export interface Chain {
  readonly type: OpportunityType
  /** one a leg: buy kraken BTC/USD */
  readonly names: readonly string[]
  /** what each leg gives */
  readonly coins: readonly string[]
}

export function chainOf(type: OpportunityType, legs: readonly NamedLeg[]): Chain {
  return {
    type,
    names: legs.map(({ side, exchange, symbol }) => `${side} ${exchange} ${symbol}`),
    coins: legs.map(({ side, symbol }) => symbol.split('/')[side === 'buy' ? 1 : 0] as string),
  }
}

/**
 * The same for the same opportunity: the market that converts back may change under it, and of a
 * cycle over several exchanges there is one for its coins.
 */
export function gapOf({ type, names, coins }: Chain): string {
  if (type === 'multi_leg') return `${type} ${coins.join(' > ')}`
  return `${type} ${(type === 'cross_exchange' ? names.slice(0, 2) : names).join(' > ')}`
}

/** Whether `chain` only tells the gap of `open` in more words. */
export function tellsAgain(chain: Chain, open: Chain): boolean {
  if (open.names.length > chain.names.length) return false
  const shared = open.names.filter((name) => chain.names.includes(name)).length
  if (shared !== 1) return shared > 1
  const visited = chain.coins.filter((coin) => open.coins.includes(coin))
  return visited.some(
    (_, i) => [...visited.slice(i), ...visited.slice(0, i)].join() === open.coins.join(),
  )
}
