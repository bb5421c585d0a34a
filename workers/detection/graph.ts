/**
 * The markets as a graph: coins are its nodes, an ordered pair of coins that some market trades is a
 * hop, and each market gives one leg to either of two hops. A leg has the number 2 × market (buy) or
 * 2 × market + 1 (sell); the reverse of hop h is h ^ 1. It knows names and rules, never prices.
 */
import type { Market } from '../../shared/market.ts'
import type { Books, MarketBook } from '../book/books.ts'
import { type ChainLeg, chainLeg } from './chain.ts'
import type { Fees } from './fees.ts'
import { identify } from './identity.ts'

/** A market whose base and quote are the same coin takes part in nothing. */
export const NO_HOP = -1

export class Graph {
  /** coin of each node */
  readonly coins: string[] = []
  /** by hop */
  readonly from: number[] = []
  readonly to: number[] = []
  /** legs of the markets that trade the hop */
  readonly legs_of: number[][] = []
  /** by node: hops that begin there */
  readonly out: number[][] = []
  /** by node: prices are quoted in it somewhere */
  readonly is_quote: boolean[] = []
  /** by leg */
  readonly legs: ChainLeg[] = []
  readonly hop_of: number[] = []
  /** by market: a number for its exchange */
  readonly exchange_of: number[] = []
  /** by market: an asset is no plain coin (leveraged, rebasing, a share): never part of a cycle */
  readonly is_refused: boolean[] = []
  readonly has_fee: boolean[] = []
  /** by leg: its rate is this over the ask, or times the bid */
  readonly factor: number[] = []
  /** by market: the rules that its legs were made of */
  private readonly rules: Market[] = []
  /** by market: markets elsewhere with the same tickers that are not known to be the same coins */
  readonly strangers_of: number[][] = []
  private readonly fees: Fees
  private readonly nodes = new Map<string, number>()
  private readonly hops = new Map<string, number>()
  private readonly exchanges = new Map<string, number>()
  private readonly by_tickers = new Map<string, number[]>()

  constructor(fees: Fees) {
    this.fees = fees
  }

  /** Takes in markets that were added to `books` since the last call. True when there were any. */
  update(books: Books): boolean {
    const before = this.exchange_of.length
    for (let i = before; i < books.all.length; i++) this.take(books.all[i] as MarketBook)
    return books.all.length > before
  }

  /** True when the exchange has changed the market's rules or fees since the last call. */
  renew(entry: MarketBook): boolean {
    if (this.rules[entry.index] === entry.market) return false
    const at = 2 * entry.index
    this.rules[entry.index] = entry.market
    const buy = chainLeg(entry, 'buy', this.fees)
    const sell = chainLeg(entry, 'sell', this.fees)
    this.legs[at] = buy
    this.legs[at + 1] = sell
    this.factor[at] = buy.keep * (buy.base_units / buy.quote_units)
    this.factor[at + 1] = sell.keep * (sell.quote_units / sell.base_units)
    this.has_fee[entry.index] = buy.fee !== null
    return true
  }

  /** Node of a coin, or undefined when no market trades it. */
  node(coin: string): number | undefined {
    return this.nodes.get(coin)
  }

  /** The hop from one node to another, or undefined when no market trades the two. */
  hop(from: number, to: number): number | undefined {
    return this.hops.get(`${from} ${to}`)
  }

  private take(entry: MarketBook): void {
    const { exchange, base: base_asset, quote: quote_asset } = entry.market
    const base = identify(exchange, base_asset)
    const quote = identify(exchange, quote_asset)
    this.renew(entry)
    this.exchange_of.push(numberOf(this.exchanges, exchange))
    this.is_refused.push(base.refused !== null || quote.refused !== null)
    this.takeHops(entry, this.addNode(base.coin), this.addNode(quote.coin))
    this.takeStrangers(entry, `${base.ticker}/${quote.ticker}`)
  }

  private takeHops(entry: MarketBook, base: number, quote: number): void {
    if (base === quote) {
      this.hop_of.push(NO_HOP, NO_HOP)
      return
    }
    this.is_quote[quote] = true
    const buy = this.addHop(quote, base)
    this.hop_of.push(buy, buy ^ 1)
    this.legs_of[buy]?.push(2 * entry.index)
    this.legs_of[buy ^ 1]?.push(2 * entry.index + 1)
  }

  private takeStrangers({ index }: MarketBook, tickers: string): void {
    const peers = this.by_tickers.get(tickers) ?? []
    const strangers: number[] = []
    for (const peer of peers) {
      const same_coins = this.hop_of[2 * peer] === this.hop_of[2 * index]
      if (same_coins || this.exchange_of[peer] === this.exchange_of[index]) continue
      strangers.push(peer)
      this.strangers_of[peer]?.push(index)
    }
    this.strangers_of.push(strangers)
    peers.push(index)
    this.by_tickers.set(tickers, peers)
  }

  private addNode(coin: string): number {
    const node = numberOf(this.nodes, coin)
    if (node === this.coins.length) {
      this.coins.push(coin)
      this.out.push([])
      this.is_quote.push(false)
    }
    return node
  }

  private addHop(from: number, to: number): number {
    const known = this.hop(from, to)
    if (known !== undefined) return known
    const made = this.from.length
    for (const [a, b] of [
      [from, to],
      [to, from],
    ] as const) {
      this.hops.set(`${a} ${b}`, this.from.length)
      this.out[a]?.push(this.from.length)
      this.from.push(a)
      this.to.push(b)
      this.legs_of.push([])
    }
    return made
  }
}

/** Numbers names in the order in which they are first seen. */
function numberOf(numbers: Map<string, number>, name: string): number {
  const known = numbers.get(name)
  if (known !== undefined) return known
  numbers.set(name, numbers.size)
  return numbers.size - 1
}
