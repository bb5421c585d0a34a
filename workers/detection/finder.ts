/**
 * Which slots a change of some markets may concern: those that pay at the top of the books, found
 * through caches and indexes. It judges nothing: a slot too many costs time, one too few an
 * opportunity.
 */
import type { Books, MarketBook } from '../book/books.ts'
import type { Fees } from './fees.ts'
import { Graph, NO_HOP } from './graph.ts'
import { Hubs } from './hubs.ts'
import { Quotes } from './quotes.ts'
import {
  conversionSlot,
  mostOf,
  multiSlot,
  pairSlot,
  type Slot,
  soleCoin,
  triangleSlot,
} from './slot.ts'
import { Told } from './told.ts'
import { Triangles } from './triangles.ts'

/** Collects slots; the same slot may be handed in more than once. */
export type Collect = (slot: Slot) => void

export interface Finder {
  readonly graph: Graph
  readonly quotes: Quotes
  /** kept by whoever judges */
  readonly told: Told
  /** Takes in what is new of these markets, and of markets that were added. */
  take(changed: readonly MarketBook[]): void
  /** Slots that legs of the changed markets take part in that got better, and that yield `least` or more. */
  find(changed: readonly MarketBook[], least: number, collect: Collect): void
}

export type CreateFinder = (books: Books, fees: Fees) => Finder

export class FastFinder implements Finder {
  readonly graph: Graph
  readonly quotes: Quotes
  readonly told: Told
  private readonly books: Books
  private readonly triangles: Triangles
  private readonly hubs: Hubs
  private least = 0
  private collect: Collect = () => {}

  constructor(books: Books, fees: Fees) {
    this.books = books
    this.graph = new Graph(fees)
    this.quotes = new Quotes(this.graph)
    this.told = new Told(this.graph)
    this.triangles = new Triangles(this.graph)
    this.hubs = new Hubs(this.graph)
  }

  take(changed: readonly MarketBook[]): void {
    const { graph, quotes, books } = this
    if (graph.update(books)) {
      quotes.grow()
      this.triangles.build()
      this.hubs.build(quotes.best_trusted.rate)
    }
    for (const entry of changed) quotes.take(entry)
  }

  find(changed: readonly MarketBook[], least: number, collect: Collect): void {
    this.least = least
    this.collect = collect
    for (const { index } of changed) {
      const hop = this.graph.hop_of[2 * index] as number
      if (hop === NO_HOP) continue
      this.findThrough(2 * index, hop)
      this.findThrough(2 * index + 1, hop ^ 1)
      if (this.graph.strangers_of[index]?.length !== 0) this.findStrangers(index)
    }
  }

  private findThrough(leg: number, hop: number): void {
    const { quotes, least } = this
    if (quotes.risen[leg] === 0) return
    this.findPairs(leg, hop)
    this.triangles.find(leg, quotes.live, least, this.onTriangle)
    if ((quotes.trusted[leg] as number) === 0) return
    this.hubs.find(hop, quotes.best_trusted.rate, least, this.onCycle)
  }

  /** This leg, and any that leads back on another exchange. */
  private findPairs(leg: number, hop: number): void {
    const { any, best_any } = this.quotes
    const rate = any[leg] as number
    if (!(rate * (best_any.rate[hop ^ 1] as number) >= this.least)) return
    const { exchange_of, legs_of } = this.graph
    for (const other of legs_of[hop ^ 1] as number[]) {
      if (exchange_of[other >> 1] === exchange_of[leg >> 1]) continue
      if (rate * (any[other] as number) >= this.least) this.collect(pairSlot(this, leg, other))
    }
  }

  /** Markets of the same tickers that are not known to be the same coins: seen, to be refused. */
  private findStrangers(market: number): void {
    const { any } = this.quotes
    for (const peer of this.graph.strangers_of[market] as number[]) {
      for (const [buy, sell] of [
        [2 * market, 2 * peer + 1],
        [2 * peer, 2 * market + 1],
      ] as const) {
        if ((any[buy] as number) * (any[sell] as number) >= this.least) {
          this.collect(pairSlot(this, buy, sell))
        }
      }
    }
  }

  private readonly onTriangle = (a: number, b: number, c: number): void => {
    this.collect(triangleSlot(this, [a, b, c]))
  }

  private readonly onCycle = (hops: readonly number[]): void => {
    const into = soleCoin(this.graph, hops)
    if (into >= 0) this.findConversions(hops, into)
    if (mostOf(this, hops) >= this.least) this.collect(multiSlot(this, hops))
  }

  /** Bought on one exchange, sold on another, whoever converts back best. */
  private findConversions(hops: readonly number[], into: number): void {
    const { graph, quotes } = this
    const [bought, sold, back] = [0, 1, 2].map((i) => hops[(into + i) % 3] as number) as [
      number,
      number,
      number,
    ]
    const conversion = quotes.best_trusted.rate[back] as number
    for (const buy of graph.legs_of[bought] as number[]) {
      for (const sell of graph.legs_of[sold] as number[]) {
        if (graph.exchange_of[buy >> 1] === graph.exchange_of[sell >> 1]) continue
        const rate = (quotes.trusted[buy] as number) * (quotes.trusted[sell] as number) * conversion
        if (rate >= this.least) this.collect(conversionSlot(this, buy, sell))
      }
    }
  }
}
