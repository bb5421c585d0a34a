/**
 * What the top of every book offers, as rates: coins received for one coin given, after the fee; and
 * the best of them for every hop, so that a tick costs the same however many exchanges there are.
 * It prices only; whether a price may be believed is the guards' question.
 */
import type { MarketBook } from '../book/books.ts'
import { type Graph, NO_HOP } from './graph.ts'

/** The best rate of every hop and the leg that offers it. A rate of 0 is no offer. */
class Bests {
  rate = new Float64Array(0)
  leg = new Int32Array(0)
  private readonly graph: Graph

  constructor(graph: Graph) {
    this.graph = graph
  }

  grow(): void {
    const hops = this.graph.from.length
    const [rate, leg] = [this.rate, this.leg]
    this.rate = new Float64Array(hops)
    this.leg = new Int32Array(hops).fill(-1)
    this.rate.set(rate)
    this.leg.set(leg)
  }

  /** `rates` by leg; the one of `leg` may have changed. */
  note(hop: number, leg: number, rates: Float64Array): void {
    const rate = rates[leg] as number
    if (rate >= (this.rate[hop] as number)) {
      this.rate[hop] = rate
      this.leg[hop] = leg
    } else if (this.leg[hop] === leg) {
      this.search(hop, rates)
    }
  }

  private search(hop: number, rates: Float64Array): void {
    let [best, by] = [0, -1]
    for (const leg of this.graph.legs_of[hop] as number[]) {
      const rate = rates[leg] as number
      if (rate > best) {
        best = rate
        by = leg
      }
    }
    this.rate[hop] = best
    this.leg[hop] = by
  }
}

export class Quotes {
  /** by leg, of every book that has a top, whatever its state: what a guard refuses is to be seen */
  any = new Float64Array(0)
  /** by leg, of live books only: neither crossed nor halted, with a known fee, of plain coins */
  live = new Float64Array(0)
  /** by leg: live and not shunned */
  trusted = new Float64Array(0)
  /** by leg: 1 when it got better at the last look. A chain that did not pay and got no better needs none */
  risen = new Uint8Array(0)
  readonly best_any: Bests
  readonly best_trusted: Bests
  /** markets that a guard refuses to cycles for now */
  readonly shunned = new Set<number>()
  private readonly graph: Graph
  /** by market: price of the best bid and ask at the last look, NaN where there was none */
  private tops = new Float64Array(0)

  constructor(graph: Graph) {
    this.graph = graph
    this.best_any = new Bests(graph)
    this.best_trusted = new Bests(graph)
  }

  /** Makes room for markets that the graph has taken in. Until one is looked at it offers nothing. */
  grow(): void {
    this.any = extend(this.any, this.graph.legs.length)
    this.live = extend(this.live, this.graph.legs.length)
    this.trusted = extend(this.trusted, this.graph.legs.length)
    this.tops = extend(this.tops, this.graph.legs.length)
    this.risen = new Uint8Array(this.graph.legs.length)
    this.best_any.grow()
    this.best_trusted.grow()
  }

  /** Reads the top of one market's book again; `risen` says what got better. */
  take(entry: MarketBook): void {
    const { graph, any, live, risen, tops } = this
    const [buy, sell] = [2 * entry.index, 2 * entry.index + 1]
    const hop = graph.hop_of[buy] as number
    if (hop === NO_HOP) return
    const is_renewed = graph.renew(entry)
    const bid = entry.book.bids.price(0)
    const ask = entry.book.asks.price(0)
    const is_live = this.isLive(entry, bid < ask)
    risen[buy] = 0
    risen[sell] = 0
    // mostly only a size changed
    const was_live = live[buy] !== 0
    const is_same = bid === tops[buy] && ask === tops[sell] && is_live === was_live
    if (is_same && !is_renewed) return
    tops[buy] = bid
    tops[sell] = ask
    const buy_rate = offered((graph.factor[buy] as number) / ask)
    const sell_rate = offered((graph.factor[sell] as number) * bid)
    const came = is_live && !was_live
    risen[buy] = Number(came || buy_rate > (any[buy] as number))
    risen[sell] = Number(came || sell_rate > (any[sell] as number))
    any[buy] = buy_rate
    any[sell] = sell_rate
    live[buy] = is_live ? buy_rate : 0
    live[sell] = is_live ? sell_rate : 0
    this.best_any.note(hop, buy, any)
    this.best_any.note(hop ^ 1, sell, any)
    this.trust(entry.index)
  }

  /** No cycle is made of this market until it is let in again. */
  shun(market: number): void {
    this.shunned.add(market)
    this.trust(market)
  }

  admit(market: number): void {
    this.shunned.delete(market)
    this.trust(market)
    this.lookAgain(market)
  }

  /** What this market is part of may pay now, though no price of it got better. */
  lookAgain(market: number): void {
    this.risen.fill(1, 2 * market, 2 * market + 2)
  }

  private trust(market: number): void {
    const { graph, live, trusted, best_trusted } = this
    const [buy, sell] = [2 * market, 2 * market + 1]
    const hop = graph.hop_of[buy] as number
    const is_shunned = this.shunned.size > 0 && this.shunned.has(market)
    trusted[buy] = is_shunned ? 0 : (live[buy] as number)
    trusted[sell] = is_shunned ? 0 : (live[sell] as number)
    best_trusted.note(hop, buy, trusted)
    best_trusted.note(hop ^ 1, sell, trusted)
  }

  private isLive({ index, state, market }: MarketBook, is_two_sided: boolean): boolean {
    const { graph } = this
    if (!is_two_sided || state !== 'live' || !market.trading) return false
    return graph.has_fee[index] === true && graph.is_refused[index] !== true
  }
}

/** An empty side makes no number and offers nothing. */
function offered(rate: number): number {
  return rate > 0 && rate < Number.POSITIVE_INFINITY ? rate : 0
}

function extend(array: Float64Array<ArrayBuffer>, length: number): Float64Array<ArrayBuffer> {
  const longer = new Float64Array(length)
  longer.set(array)
  return longer
}
