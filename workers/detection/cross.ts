/**
 * Which pairs of markets can make a cross-exchange opportunity: the same symbol (same base and same
 * quote) on two exchanges, in both directions. Pairs are made once, when a market is first seen.
 */
import type { Books, MarketBook } from '../book/books.ts'
import { type ChainLeg, chainLeg } from './chain.ts'

/** Buy on one exchange, sell on another. */
export interface Pair {
  readonly key: string
  readonly buy: ChainLeg
  readonly sell: ChainLeg
  readonly legs: readonly [ChainLeg, ChainLeg]
  /** the detector's: it is open or held back, so it matters even when it does not pay */
  remembered: boolean
}

export class CrossPairs {
  private readonly by_symbol = new Map<string, MarketBook[]>()
  /** pairs that a market takes part in, by MarketBook.index */
  private readonly by_market: Pair[][] = []
  private seen = 0

  /** Takes in markets that were added to `books` since the last call. */
  update(books: Books): void {
    for (; this.seen < books.all.length; this.seen++) {
      this.take(books.all[this.seen] as MarketBook)
    }
  }

  /** Those of one market, with the fees of the rules that are in force. */
  of(entry: MarketBook): readonly Pair[] {
    const pairs = this.by_market[entry.index] ?? []
    for (const known of pairs) {
      const { buy, sell } = known
      if (buy.market !== buy.entry.market || sell.market !== sell.entry.market) {
        // the same object all its life: the detector keeps its state by it
        const { remembered } = known
        Object.assign(known, pair(buy.entry, sell.entry), { remembered })
      }
    }
    return pairs
  }

  private take(entry: MarketBook): void {
    const peers = this.by_symbol.get(entry.market.symbol) ?? []
    this.by_market[entry.index] = []
    for (const peer of peers) {
      if (peer.market.exchange === entry.market.exchange) continue
      for (const made of [pair(entry, peer), pair(peer, entry)]) {
        this.by_market[entry.index]?.push(made)
        this.by_market[peer.index]?.push(made)
      }
    }
    peers.push(entry)
    this.by_symbol.set(entry.market.symbol, peers)
  }
}

function pair(buy_at: MarketBook, sell_at: MarketBook): Pair {
  const [buy, sell] = [chainLeg(buy_at, 'buy'), chainLeg(sell_at, 'sell')]
  const [from, to] = [buy_at.market, sell_at.market]
  const key = `cross_exchange ${from.exchange} ${from.market} > ${to.exchange} ${to.market}`
  return { key, buy, sell, legs: [buy, sell], remembered: false }
}
