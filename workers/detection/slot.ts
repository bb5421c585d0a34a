/**
 * What an opportunity may be made of before it is one: a pair of markets, with or without a
 * conversion, a triangle on one exchange, or a cycle of coins over any exchanges. A slot offers the
 * chains that stand for it, best first; the detector decides which of them, if any, can be taken.
 *
 * - `cross_exchange`: bought on one exchange and sold on another. Where the two are priced in
 *   different money, the best market that converts back is the third leg. That market may change
 *   while the opportunity lasts, so the key names the two assets only.
 * - `triangular`: three legs on one exchange.
 * - `multi_leg`: one for a cycle of coins. Its legs are the best that make no type above; they stay
 *   the same as long as the opportunity is open, and the key names them.
 */
import type { OpportunityType } from '../../shared/opportunity.ts'
import type { ChainLeg } from './chain.ts'
import type { Graph } from './graph.ts'
import { compareStarts, isMoney } from './money.ts'
import type { Quotes } from './quotes.ts'
import type { Told } from './told.ts'

export interface Slot {
  /** the same for the same gap, however it is found */
  readonly id: string
  readonly type: OpportunityType
  /** slots of one round are judged in this order: the shortest description first */
  readonly order: number
  /** position of the leg that sells what the first leg buys; of the last leg for a cycle */
  readonly sell_leg: number
  /** its legs are picked from many: those that a guard refuses for themselves are passed over */
  readonly is_picky: boolean
  /** it may go on with other legs under the same key */
  readonly can_change: boolean
  /** hops whose markets matter to it, the even one of either direction */
  readonly links: readonly number[]
  /** whether a change of this market can change the answer */
  concerns(market: number): boolean
  /** legs of chains whose rates multiply to `least` or more, best first */
  choices(least: number): readonly Choice[]
  /** of a chain that it offered */
  keyOf(legs: readonly number[]): string
}

export interface Choice {
  readonly legs: readonly number[]
  /** product of the rates at the top of the books, after fees */
  readonly rate: number
}

/** Chains of one slot that are tried at most: each costs a walk. */
const MOST_CHOICES = 16

export interface Sources {
  readonly graph: Graph
  readonly quotes: Quotes
  /** what is open now */
  readonly told: Told
}

/** Two legs on two exchanges. */
export function pairSlot({ graph, quotes }: Sources, one: number, other: number): Slot {
  const legs = inOrder(graph, one, other)
  const [first, second] = legs
  return {
    id: `pair ${first} ${second}`,
    type: 'cross_exchange',
    order: 2,
    sell_leg: 1,
    is_picky: false,
    can_change: false,
    links: linksOf(graph, legs),
    concerns: (market) => market === first >> 1 || market === second >> 1,
    choices: (least) => chosen(legs, product(quotes.any, legs), least),
    keyOf: () => `cross_exchange ${legs.map((leg) => legName(graph, leg)).join(' > ')}`,
  }
}

/** Bought for one money, sold for another on another exchange, and converted back. */
export function conversionSlot({ graph, quotes }: Sources, buy: number, sell: number): Slot {
  const from = graph.to[graph.hop_of[sell] as number] as number
  const to = graph.from[graph.hop_of[buy] as number] as number
  const hop = graph.hop(from, to)
  if (hop === undefined) throw new RangeError('nobody converts one into the other')
  const { trusted } = quotes
  const rate = (leg: number) => product(trusted, [buy, sell]) * (trusted[leg] as number)
  return {
    id: `conversion ${buy} ${sell}`,
    type: 'cross_exchange',
    order: 3,
    sell_leg: 1,
    is_picky: true,
    can_change: true,
    links: [...linksOf(graph, [buy, sell]), hop & ~1],
    concerns: (market) =>
      market === buy >> 1 ||
      market === sell >> 1 ||
      ((graph.hop_of[2 * market] as number) & ~1) === (hop & ~1),
    choices(least) {
      return (graph.legs_of[hop] as number[])
        .map((leg) => ({ legs: [buy, sell, leg], rate: rate(leg) }))
        .filter((choice) => choice.rate >= least)
        .sort(bestFirst)
        .slice(0, MOST_CHOICES)
    },
    keyOf: () =>
      `cross_exchange ${legName(graph, buy)} > ${legName(graph, sell)} > ${graph.coins[from]} to ${graph.coins[to]}`,
  }
}

/** Three legs on one exchange. */
export function triangleSlot({ graph, quotes }: Sources, cycle: readonly number[]): Slot {
  const legs = fromStart(cycle, (leg) => coinGiven(graph, leg))
  return {
    id: `triangle ${legs.join(' ')}`,
    type: 'triangular',
    order: 4,
    sell_leg: 2,
    is_picky: false,
    can_change: false,
    links: linksOf(graph, legs),
    concerns: (market) => legs.some((leg) => leg >> 1 === market),
    choices: (least) => chosen(legs, product(quotes.live, legs), least),
    keyOf: () => `triangular ${legs.map((leg) => legName(graph, leg)).join(' > ')}`,
  }
}

/** A cycle of three to five hops, over several exchanges. */
export function multiSlot(sources: Sources, cycle: readonly number[]): Slot {
  const { graph, told } = sources
  const hops = fromStart(cycle, (hop) => graph.coins[graph.from[hop] as number] as string)
  const links = hops.map((hop) => hop & ~1)
  return {
    id: `multi ${hops.join(' ')}`,
    type: 'multi_leg',
    order: 4 + hops.length,
    sell_leg: hops.length - 1,
    is_picky: true,
    can_change: false,
    links,
    concerns: (market) => links.includes((graph.hop_of[2 * market] as number) & ~1),
    choices: (least) =>
      combinations(sources, hops, least)
        .filter(({ legs }) => !isOtherType(graph, legs) && !told.covers(legs))
        .sort(bestFirst)
        .slice(0, MOST_CHOICES),
    keyOf: (legs) => `multi_leg ${legs.map((leg) => legName(graph, leg)).join(' > ')}`,
  }
}

/** Position of the hop into the only coin that is no money, of a cycle of three; else -1. */
export function soleCoin(graph: Graph, hops: readonly number[]): number {
  if (hops.length !== 3) return -1
  const into = hops.flatMap((hop, i) =>
    isMoney(graph.coins[graph.to[hop] as number] as string) ? [] : [i],
  )
  return into.length === 1 ? (into[0] as number) : -1
}

/** What a cycle of these hops yields at most without telling what is open already. */
export function mostOf({ graph, quotes, told }: Sources, hops: readonly number[]): number {
  const excluded = told.legsToldOf(hops)
  let product = 1
  for (const hop of hops) product *= bestOf(graph, quotes, hop, excluded)
  return product
}

function bestOf(
  graph: Graph,
  { trusted, best_trusted }: Quotes,
  hop: number,
  excluded: ReadonlySet<number>,
): number {
  if (!excluded.has(best_trusted.leg[hop] as number)) return best_trusted.rate[hop] as number
  let best = 0
  for (const leg of graph.legs_of[hop] as number[]) {
    if (!excluded.has(leg)) best = Math.max(best, trusted[leg] as number)
  }
  return best
}

/** One leg for every hop, in all ways whose rates multiply to `least` or more. */
function combinations(
  { graph, quotes, told }: Sources,
  hops: readonly number[],
  least: number,
): Choice[] {
  const found: Choice[] = []
  const excluded = told.legsToldOf(hops)
  /** [i]: what the hops from i on yield at most */
  const rest = [1]
  for (let i = hops.length - 1; i >= 0; i--) {
    rest.unshift(bestOf(graph, quotes, hops[i] as number, excluded) * (rest[0] as number))
  }
  const pick = (legs: readonly number[], rate: number) => {
    const at = legs.length
    if (at === hops.length) {
      if (rate >= least) found.push({ legs, rate })
      return
    }
    for (const leg of graph.legs_of[hops[at] as number] as number[]) {
      const further = rate * (quotes.trusted[leg] as number)
      // a product is rounded by the order of its factors: the whole one decides above
      if (further * (rest[at + 1] as number) * ROUNDING < least || excluded.has(leg)) continue
      pick([...legs, leg], further)
    }
  }
  pick([], 1)
  return found
}

const ROUNDING = 1 + 1e-12

/** Three legs on one exchange are a triangle; through one coin on two exchanges, a conversion. */
function isOtherType(graph: Graph, legs: readonly number[]): boolean {
  if (legs.length !== 3) return false
  const exchange = (i: number) => graph.exchange_of[(legs[i % 3] as number) >> 1]
  if (exchange(0) === exchange(1) && exchange(1) === exchange(2)) return true
  const into = soleCoin(
    graph,
    legs.map((leg) => graph.hop_of[leg] as number),
  )
  return into >= 0 && exchange(into) !== exchange(into + 1)
}

function chosen(legs: readonly number[], rate: number, least: number): readonly Choice[] {
  return rate >= least ? [{ legs, rate }] : []
}

export function product(rates: Float64Array, legs: readonly number[]): number {
  let rate = 1
  for (const leg of legs) rate *= rates[leg] as number
  return rate
}

function bestFirst(a: Choice, b: Choice): number {
  if (a.rate !== b.rate) return b.rate - a.rate
  for (let i = 0; i < a.legs.length; i++) {
    if (a.legs[i] !== b.legs[i]) return (a.legs[i] as number) - (b.legs[i] as number)
  }
  return 0
}

/** The leg that buys first; of two that both buy or both sell, the one that gives the fitter start. */
function inOrder(graph: Graph, one: number, other: number): readonly [number, number] {
  const buys = (leg: number) => leg % 2 === 0
  if (buys(one) !== buys(other)) return buys(one) ? [one, other] : [other, one]
  const first = compareStarts(coinGiven(graph, one), coinGiven(graph, other)) < 0
  return first ? [one, other] : [other, one]
}

/** The cycle turned so that it begins with the fittest coin. */
function fromStart(cycle: readonly number[], coin: (item: number) => string): number[] {
  let start = 0
  for (let i = 1; i < cycle.length; i++) {
    if (compareStarts(coin(cycle[i] as number), coin(cycle[start] as number)) < 0) start = i
  }
  return [...cycle.slice(start), ...cycle.slice(0, start)]
}

function coinGiven(graph: Graph, leg: number): string {
  return graph.coins[graph.from[graph.hop_of[leg] as number] as number] as string
}

function linksOf(graph: Graph, legs: readonly number[]): number[] {
  return [...new Set(legs.map((leg) => (graph.hop_of[leg] as number) & ~1))]
}

/** buy binance BTCUSDT */
function legName(graph: Graph, leg: number): string {
  const { side, market } = graph.legs[leg] as ChainLeg
  return `${side} ${market.exchange} ${market.market}`
}
