/**
 * For tests: the finder that looks at everything, every time. It tries all pairs, all triples of one
 * exchange and all cycles of coins, and keeps no cache, index or bound; what it finds must be what the
 * fast one finds.
 */
import type { Books, MarketBook } from '../book/books.ts'
import type { Fees } from './fees.ts'
import type { Collect, Finder } from './finder.ts'
import { Graph } from './graph.ts'
import { Quotes } from './quotes.ts'
import { conversionSlot, mostOf, multiSlot, pairSlot, soleCoin, triangleSlot } from './slot.ts'
import { Told } from './told.ts'

export class SlowFinder implements Finder {
  readonly graph: Graph
  readonly quotes: Quotes
  readonly told: Told
  private readonly books: Books

  constructor(books: Books, fees: Fees) {
    this.books = books
    this.graph = new Graph(fees)
    this.quotes = new Quotes(this.graph)
    this.told = new Told(this.graph)
  }

  take(changed: readonly MarketBook[]): void {
    if (this.graph.update(this.books)) this.quotes.grow()
    for (const entry of changed) this.quotes.take(entry)
  }

  find(changed: readonly MarketBook[], least: number, collect: Collect): void {
    const legs = this.graph.hop_of.flatMap((hop, leg) => (hop < 0 ? [] : [leg]))
    for (const { index } of changed) {
      this.findStrangers(index, least, collect)
      for (const leg of [2 * index, 2 * index + 1]) {
        if (this.quotes.risen[leg] !== 1 || (this.graph.hop_of[leg] as number) < 0) continue
        this.findPairs(leg, legs, least, collect)
        this.findTriangles(leg, legs, least, collect)
        if ((this.quotes.trusted[leg] as number) > 0) this.findCycles(leg, least, collect)
      }
    }
  }

  private findPairs(leg: number, legs: readonly number[], least: number, collect: Collect): void {
    const { any } = this.quotes
    for (const other of legs) {
      if (this.exchange(other) === this.exchange(leg)) continue
      if (this.start(other) !== this.end(leg) || this.end(other) !== this.start(leg)) continue
      if ((any[leg] as number) * (any[other] as number) >= least) {
        collect(pairSlot(this, leg, other))
      }
    }
  }

  private findStrangers(market: number, least: number, collect: Collect): void {
    const { any } = this.quotes
    for (const peer of this.graph.strangers_of[market] as number[]) {
      for (const [buy, sell] of [
        [2 * market, 2 * peer + 1],
        [2 * peer, 2 * market + 1],
      ] as const) {
        if ((any[buy] as number) * (any[sell] as number) >= least) {
          collect(pairSlot(this, buy, sell))
        }
      }
    }
  }

  private findTriangles(
    leg: number,
    legs: readonly number[],
    least: number,
    collect: Collect,
  ): void {
    const { live } = this.quotes
    const here = legs.filter((other) => this.exchange(other) === this.exchange(leg))
    for (const second of here) {
      const middle = this.end(second)
      if (this.start(second) !== this.end(leg) || middle === this.start(leg)) continue
      for (const third of here) {
        if (this.start(third) !== middle || this.end(third) !== this.start(leg)) continue
        const rate = (live[leg] as number) * (live[second] as number) * (live[third] as number)
        if (rate >= least) collect(triangleSlot(this, [leg, second, third]))
      }
    }
  }

  /** Every way back in two to four hops. */
  private findCycles(leg: number, least: number, collect: Collect): void {
    const { graph } = this
    const home = this.start(leg)
    const extend = (hops: readonly number[], nodes: readonly number[], rate: number) => {
      const at = nodes.at(-1) as number
      for (const hop of graph.out[at] as number[]) {
        const to = graph.to[hop] as number
        const further = rate * this.best(hop)
        if (further === 0) continue
        if (to === home) {
          if (hops.length >= 2 && further >= least)
            this.collectCycle([...hops, hop], least, collect)
        } else if (hops.length < 4 && !nodes.includes(to)) {
          extend([...hops, hop], [...nodes, to], further)
        }
      }
    }
    const hop = graph.hop_of[leg] as number
    extend([hop], [this.end(leg)], this.best(hop))
  }

  private collectCycle(hops: readonly number[], least: number, collect: Collect): void {
    const { graph, quotes } = this
    const into = soleCoin(graph, hops)
    if (mostOf(this, hops) >= least) collect(multiSlot(this, hops))
    if (into < 0) return
    const [bought, sold, back] = [0, 1, 2].map((i) => hops[(into + i) % 3] as number)
    for (const buy of graph.legs_of[bought as number] as number[]) {
      for (const sell of graph.legs_of[sold as number] as number[]) {
        if (this.exchange(buy) === this.exchange(sell)) continue
        const rate = (quotes.trusted[buy] as number) * (quotes.trusted[sell] as number)
        if (rate * this.best(back as number) >= least) collect(conversionSlot(this, buy, sell))
      }
    }
  }

  private best(hop: number): number {
    const { trusted } = this.quotes
    return Math.max(
      0,
      ...(this.graph.legs_of[hop] as number[]).map((leg) => trusted[leg] as number),
    )
  }

  private start(leg: number): number {
    return this.graph.from[this.graph.hop_of[leg] as number] as number
  }

  private end(leg: number): number {
    return this.graph.to[this.graph.hop_of[leg] as number] as number
  }

  private exchange(leg: number): number {
    return this.graph.exchange_of[leg >> 1] as number
  }
}
