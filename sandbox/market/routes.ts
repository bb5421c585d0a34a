/**
 * Every chain that the listings allow, put together once: families of chains that are one opportunity
 * because only the market of a hop differs. It refuses chains that are another type's:
 *  - `cross_exchange`: there and back on two exchanges; quotes of a coin may differ when both are
 *    money, then any market of the two converts (which one does not make another opportunity);
 *  - `triangular`: three trades on one exchange;
 *  - `multi_leg`: any other cycle of three to five coins, whatever exchanges it is on.
 */
import {
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

/**
 * The key of the family that a chain of these legs belongs to, whatever leg it is told from;
 * undefined when they are no chain of any type.
 */
export function familyOf(
  markets: readonly SimulatedMarket[],
  legs: readonly Leg[],
): string | undefined {
  const given = legs.map(({ market, side }) => coinGiven(at(markets, market), side))
  const received = legs.map(({ market, side }) => coinReceived(at(markets, market), side))
  const closes = received.every((coin, i) => coin === given[(i + 1) % legs.length])
  if (!closes || legs.length < 2 || new Set(given).size !== legs.length) return undefined
  const crossed = crossingIn(markets, legs)
  if (crossed !== undefined) return crossingKey(markets, crossed)
  const start = given.indexOf(given.toSorted(byStart)[0] ?? '')
  const rotated = [...legs.slice(start), ...legs.slice(0, start)]
  const exchanges = new Set(legs.map(({ market }) => at(markets, market).exchange))
  if (exchanges.size > 1 || legs.length > 3)
    return cycleKey([...given.slice(start), ...given.slice(0, start)])
  return legs.length === 3 ? triangleKey(markets, rotated) : undefined
}

function crossingKey(markets: readonly SimulatedMarket[], legs: readonly Leg[]): string {
  return `cross_exchange ${describeLegs(markets, legs)}`
}

function triangleKey(markets: readonly SimulatedMarket[], legs: readonly Leg[]): string {
  return `triangular ${describeLegs(markets, legs)}`
}

function cycleKey(coins: readonly string[]): string {
  return `multi_leg ${coins.join(' > ')}`
}

function describeLegs(markets: readonly SimulatedMarket[], legs: readonly Leg[]): string {
  return describe(legs.map(({ market, side }) => named(at(markets, market), side)))
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

/** Every two legs on two exchanges that lead there and back, with a conversion where money differs. */
function crossings(markets: readonly SimulatedMarket[], edges: Edges): Family[] {
  const families: Family[] = []
  for (const [given, outward] of edges) {
    for (const [received, legs] of outward) {
      for (const first of legs) {
        for (const back of edges.get(received)?.values() ?? []) {
          for (const second of back) {
            const family = crossing(markets, edges, first, second, given)
            if (family !== undefined) families.push(family)
          }
        }
      }
    }
  }
  return families
}

function crossing(
  markets: readonly SimulatedMarket[],
  edges: Edges,
  first: Leg,
  second: Leg,
  given: string,
): Family | undefined {
  const [one, other] = [at(markets, first.market), at(markets, second.market)]
  const end = coinReceived(other, second.side)
  if (one.exchange === other.exchange) return undefined
  if (end === given) {
    const legs = inOrder(markets, [first, second])
    // both ways round are one pair: it is taken once, from its start
    if (legs[0] !== first) return undefined
    return fixed(crossingKey(markets, legs), 'cross_exchange', legs)
  }
  const coin = coinReceived(one, first.side)
  if (!MONEY.includes(given) || !MONEY.includes(end) || MONEY.includes(coin)) return undefined
  const conversions = legsBetween(edges, end, given)
  if (conversions.length === 0) return undefined
  return {
    key: crossingKey(markets, [first, second]),
    type: 'cross_exchange',
    hops: [[first], [second], conversions],
    admits: () => true,
  }
}

function fixed(key: string, type: ChainType, legs: readonly Leg[]): Family {
  return { key, type, hops: legs.map((leg) => [leg]), admits: () => true }
}

/** The purchase first; of two purchases or two sales, the one that gives what a cycle starts from. */
function inOrder(markets: readonly SimulatedMarket[], legs: readonly Leg[]): readonly Leg[] {
  const given = ({ market, side }: Leg) => coinGiven(at(markets, market), side)
  return legs.toSorted((a, b) =>
    a.side === b.side ? byStart(given(a), given(b)) : a.side === 'buy' ? -1 : 1,
  )
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
      const legs = own.flatMap(([leg]) => (leg ? [leg] : []))
      families.push(fixed(triangleKey(markets, legs), 'triangular', legs))
    }
  }
  families.push({
    key: cycleKey(coins),
    type: 'multi_leg',
    hops,
    admits: (legs) =>
      legs.length > 3 ||
      (new Set(legs.map(exchangeOf)).size > 1 && crossingIn(markets, legs) === undefined),
  })
  return families
}

/** The two legs through a coin on two exchanges, where a third only converts money. */
function crossingIn(
  markets: readonly SimulatedMarket[],
  legs: readonly Leg[],
): readonly Leg[] | undefined {
  const exchangeOf = ({ market }: Leg) => at(markets, market).exchange
  if (legs.length === 2) {
    const [first, second] = legs
    const are_two = first && second && exchangeOf(first) !== exchangeOf(second)
    return are_two ? inOrder(markets, legs) : undefined
  }
  if (legs.length !== 3) return undefined
  const into = legs.filter(
    ({ market, side }) => !MONEY.includes(coinReceived(at(markets, market), side)),
  )
  const [buy] = into
  if (buy === undefined || into.length > 1) return undefined
  const sell = legs[(legs.indexOf(buy) + 1) % 3]
  return sell && exchangeOf(buy) !== exchangeOf(sell) ? [buy, sell] : undefined
}

function at(markets: readonly SimulatedMarket[], index: number): SimulatedMarket {
  const market = markets[index]
  if (market === undefined) throw new RangeError(`no market ${index}`)
  return market
}
