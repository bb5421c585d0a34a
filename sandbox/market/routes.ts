/**
 * Every chain that the listings allow, put together once: families of chains that are one opportunity
 * because only the market of a hop differs. It refuses chains that are another type's:
 *  - `cross_exchange`: one base bought and sold on two exchanges; quotes may differ when both are money,
 *    then any market of the two converts (which one does not make another opportunity);
 *  - `triangular`: three trades on one exchange;
 *  - `multi_leg`: any other cycle of three to five coins, over at least two exchanges.
 */
import {
  baseCoin,
  type ChainType,
  coinGiven,
  coinReceived,
  describe,
  type Leg,
  MOST_LEGS,
  named,
} from './chain.ts'
import type { SimulatedMarket } from './source.ts'

/** What is money: an amount in one of these is turned into another by a conversion market. */
const MONEY: readonly string[] = ['USD', 'USDT', 'USDC', 'EUR']
/** A cycle is told from the first of these that it visits, else from the first by name. */
const STARTS: readonly string[] = [...MONEY, 'BTC', 'ETH']

export interface Family {
  readonly key: string
  readonly type: ChainType
  /** the legs that may stand at each place of the chain */
  readonly hops: readonly (readonly Leg[])[]
  /** whether this choice of legs is a chain of the family, and not of another one */
  admits(legs: readonly Leg[]): boolean
}

/** `most_cycles`: above it, cycles of more than three coins are left out, and which are is not chance. */
export function routes(markets: readonly SimulatedMarket[], most_cycles: number): Family[] {
  const edges = edgesOf(markets)
  const cycles =
    cyclesOf(edges, MOST_LEGS, most_cycles) ?? cyclesOf(edges, 3, Number.POSITIVE_INFINITY) ?? []
  return [
    ...crossings(markets, edges),
    ...cycles.flatMap((coins) => cycleFamilies(markets, edges, coins)),
  ]
}

/** coin given → coin received → legs */
type Edges = ReadonlyMap<string, ReadonlyMap<string, readonly Leg[]>>

function edgesOf(markets: readonly SimulatedMarket[]): Edges {
  const edges = new Map<string, Map<string, Leg[]>>()
  for (const [market, listed] of markets.entries()) {
    for (const side of ['buy', 'sell'] as const) {
      const [from, to] = [coinGiven(listed, side), coinReceived(listed, side)]
      const outward = edges.get(from) ?? new Map<string, Leg[]>()
      edges.set(from, outward)
      outward.set(to, [...(outward.get(to) ?? []), { market, side }])
    }
  }
  return edges
}

function legsBetween(edges: Edges, from: string, to: string): readonly Leg[] {
  return edges.get(from)?.get(to) ?? []
}

function crossings(markets: readonly SimulatedMarket[], edges: Edges): Family[] {
  const families: Family[] = []
  const byCoin = Map.groupBy(markets.keys(), (index) => baseCoin(at(markets, index)))
  for (const listed of byCoin.values()) {
    for (const buy of listed) {
      for (const sell of listed) {
        const family = crossing(markets, edges, buy, sell)
        if (family !== undefined) families.push(family)
      }
    }
  }
  return families
}

function crossing(
  markets: readonly SimulatedMarket[],
  edges: Edges,
  buy: number,
  sell: number,
): Family | undefined {
  const [buying, selling] = [at(markets, buy), at(markets, sell)]
  if (buying.exchange === selling.exchange) return undefined
  const legs: Leg[] = [
    { market: buy, side: 'buy' },
    { market: sell, side: 'sell' },
  ]
  const type = 'cross_exchange'
  const key = `${type} ${describe([named(buying, 'buy'), named(selling, 'sell')])}`
  const hops = legs.map((leg) => [leg])
  if (buying.quote === selling.quote) return { key, type, hops, admits: () => true }
  if (!MONEY.includes(buying.quote) || !MONEY.includes(selling.quote)) return undefined
  const conversions = legsBetween(edges, selling.quote, buying.quote)
  if (conversions.length === 0) return undefined
  return { key, type, hops: [...hops, conversions], admits: () => true }
}

/** Simple directed cycles of three to `most` coins, each once; undefined when they are too many. */
function cyclesOf(edges: Edges, most: number, limit: number): string[][] | undefined {
  const order = [...edges.keys()].sort(byStart)
  const rank = new Map(order.map((coin, index) => [coin, index]))
  const found: string[][] = []
  const extend = (path: string[], start: number) => {
    for (const next of edges.get(path.at(-1) ?? '')?.keys() ?? []) {
      if (found.length > limit) return
      if (next === path[0] && path.length >= 3) found.push([...path])
      const is_later = (rank.get(next) ?? 0) > start
      if (path.length < most && is_later && !path.includes(next)) extend([...path, next], start)
    }
  }
  for (const [start, coin] of order.entries()) extend([coin], start)
  return found.length > limit ? undefined : found
}

function byStart(a: string, b: string): number {
  const place = (coin: string) => (STARTS.includes(coin) ? STARTS.indexOf(coin) : STARTS.length)
  return place(a) - place(b) || (a < b ? -1 : 1)
}

function cycleFamilies(
  markets: readonly SimulatedMarket[],
  edges: Edges,
  coins: readonly string[],
): Family[] {
  const hops = coins.map((coin, i) => legsBetween(edges, coin, coins[(i + 1) % coins.length] ?? ''))
  const exchangeOf = ({ market }: Leg) => at(markets, market).exchange
  const families: Family[] = []
  if (coins.length === 3) {
    for (const exchange of new Set(hops.flat().map(exchangeOf))) {
      const own = hops.map((legs) => legs.filter((leg) => exchangeOf(leg) === exchange))
      if (own.some((legs) => legs.length === 0)) continue
      const legs = own.flatMap(([leg]) => (leg ? [named(at(markets, leg.market), leg.side)] : []))
      const key = `triangular ${describe(legs)}`
      families.push({ key, type: 'triangular', hops: own, admits: () => true })
    }
  }
  families.push({
    key: `multi_leg ${coins.join(' > ')}`,
    type: 'multi_leg',
    hops,
    admits: (legs) =>
      new Set(legs.map(exchangeOf)).size > 1 && !(coins.length === 3 && crosses(markets, legs)),
  })
  return families
}

/** Whether three legs are one base on two exchanges and a conversion of its two moneys. */
function crosses(markets: readonly SimulatedMarket[], legs: readonly Leg[]): boolean {
  return legs.some((buy) =>
    legs.some((sell) => {
      if (buy.side !== 'buy' || sell.side !== 'sell') return false
      const [buying, selling] = [at(markets, buy.market), at(markets, sell.market)]
      return (
        baseCoin(buying) === baseCoin(selling) &&
        buying.exchange !== selling.exchange &&
        MONEY.includes(buying.quote) &&
        MONEY.includes(selling.quote)
      )
    }),
  )
}

function at(markets: readonly SimulatedMarket[], index: number): SimulatedMarket {
  const market = markets[index]
  if (market === undefined) throw new RangeError(`no market ${index}`)
  return market
}
