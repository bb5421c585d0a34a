/**
 * Every chain that pays at the top of these markets, found by trying every way round: no index, and
 * nothing kept from one look to the next. What the sizes make of it is the oracle's question.
 */
import { type Chain, chainOf } from './chains.ts'
import { COINS } from './story.ts'
import type { View } from './views.ts'

export interface Gap {
  readonly chain: Chain
  readonly views: readonly View[]
}

interface Offer {
  readonly view: View
  readonly side: 'buy' | 'sell'
  /** received for one given, after the fee */
  readonly rate: number
}

const MOST_LEGS = 5
const MONEY = new Set(['USD', 'USDT', 'EUR'])
const ORDER = Object.keys(COINS)
/** Float64 may err by less: the oracle decides */
const SLACK = 1 - 1e-9

/** The market that buys first is the first leg, and each cycle begins with the first coin of ORDER. */
export function gapsOf(views: readonly View[], least: number): Gap[] {
  const offers = offersOf(views)
  const found: Gap[] = []
  for (const cycle of cyclesThatPay(offers, least * SLACK)) {
    for (const way of waysOf(cycle, least * SLACK)) {
      const used = way.map(({ view }) => view)
      if (new Set(used).size === used.length) found.push(gapOf(way))
    }
  }
  return found
}

type Offers = ReadonlyMap<string, ReadonlyMap<string, readonly Offer[]>>

function offersOf(views: readonly View[]): Offers {
  const all = new Map<string, Map<string, Offer[]>>()
  const add = (from: string, to: string, offer: Offer) => {
    const here = all.get(from) ?? new Map<string, Offer[]>()
    all.set(from, here)
    here.set(to, [...(here.get(to) ?? []), offer])
  }
  for (const view of views) {
    const { market, entry, held } = view
    const { base, quote } = market.spec
    const kept = 1 - Number(entry.market.taker_fee_percent) / 100
    add(quote, base, { view, side: 'buy', rate: kept / Number(held?.asks[0]?.[0]) })
    add(base, quote, { view, side: 'sell', rate: kept * Number(held?.bids[0]?.[0]) })
  }
  return all
}

const bestOf = (offers: readonly Offer[]) => Math.max(...offers.map(({ rate }) => rate))

/** For each hop of a cycle of coins, who offers it. */
function* cyclesThatPay(offers: Offers, least: number): Generator<readonly Offer[][]> {
  const best = new Map<readonly Offer[], number>()
  for (const here of offers.values()) for (const hop of here.values()) best.set(hop, bestOf(hop))
  for (const [rank, start] of ORDER.entries()) {
    const later = new Set(ORDER.slice(rank + 1))
    const path: (readonly Offer[])[] = []
    const extend = function* (at: string, rate: number): Generator<readonly Offer[][]> {
      for (const [to, hop] of offers.get(at) ?? []) {
        const further = rate * (best.get(hop) as number)
        if (to === start && path.length > 0) {
          if (further >= least) yield [...path, hop].map((one) => [...one])
        } else if (later.has(to) && path.length < MOST_LEGS - 1) {
          later.delete(to)
          path.push(hop)
          yield* extend(to, further)
          path.pop()
          later.add(to)
        }
      }
    }
    yield* extend(start, 1)
  }
}

/** One offer for every hop, in all ways that pay. */
function waysOf(cycle: readonly Offer[][], least: number): Offer[][] {
  let ways: Offer[][] = [[]]
  for (const hop of cycle) ways = ways.flatMap((way) => hop.map((offer) => [...way, offer]))
  return ways.filter((way) => way.reduce((rate, offer) => rate * offer.rate, 1) >= least)
}

/** Which of the types it is decides where it begins. */
function gapOf(way: readonly Offer[]): Gap {
  const exchange = (i: number) => (way[i % way.length] as Offer).view.market.spec.exchange
  const told = (type: Chain['type'], from = 0): Gap => {
    const turned = [...way.slice(from), ...way.slice(0, from)]
    const legs = turned.map(({ side, view: { entry } }) => {
      return { side, exchange: entry.market.exchange, symbol: entry.market.symbol }
    })
    return { chain: chainOf(type, legs), views: turned.map(({ view }) => view) }
  }
  if (way.length === 2) return told('cross_exchange')
  if (way.length > 3) return told('multi_leg')
  if (exchange(0) === exchange(1) && exchange(1) === exchange(2)) return told('triangular')
  const into = way.flatMap(({ side, view: { market } }, i) =>
    MONEY.has(side === 'buy' ? market.spec.base : market.spec.quote) ? [] : [i],
  )
  const [bought] = into
  if (into.length === 1 && bought !== undefined && exchange(bought) !== exchange(bought + 1)) {
    return told('cross_exchange', bought)
  }
  return told('multi_leg')
}
