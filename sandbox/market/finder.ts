/**
 * Which chains could be taken right now: after every change it looks at the families of chains that
 * the changed markets belong to. The best prices decide first; what they let through is walked. It
 * keeps no history and knows nothing of how the books came about.
 */
import { coinGiven, type Leg } from './chain.ts'
import { type Family, routes } from './routes.ts'
import { type Books, profitPercent, type Taken, take, termsOf, topRate } from './walk.ts'

export interface FinderOptions {
  readonly books: Books
  /** false: nobody can trade there, whatever the book says */
  readonly tradable: (market: number) => boolean
  /** dollar price of a coin; undefined: unknown, and what begins with it has no volume */
  readonly usdPrice: (coin: string) => number | undefined
  /** net of all taker fees */
  readonly min_percent: number
  readonly min_volume_usd: number
}

export interface Found {
  readonly legs: readonly Leg[]
  readonly taken: Taken
  readonly profit_percent: number
  readonly volume_usd: number
}

interface Choice {
  readonly legs: readonly Leg[]
  /** product of the best prices after fees */
  readonly rate: number
}

/** Chains of four and five coins grow with the square of the coins: 30 make about 3,000. */
const MOST_CYCLES = 6_000
/** The best prices are multiplied in Float64: they may let a chain through, never hold one back. */
const MARGIN = 1e-9
/** Of one family, so many of the best choices of legs are walked. */
const MOST_CHOICES = 48

export class ChainFinder {
  readonly families: readonly Family[]
  private readonly options: FinderOptions
  private readonly byMarket: Family[][]
  private readonly terms
  /** received for one coin given, by 2 × market + (1 for a sale) */
  private readonly rates: Float64Array
  private readonly least: number
  /** families whose best prices pay: their depth decides, so every change counts */
  private readonly paying = new Set<Family>()

  constructor(options: FinderOptions) {
    const { markets } = options.books
    this.options = options
    this.families = routes(markets, MOST_CYCLES)
    this.byMarket = markets.map(() => [])
    for (const family of this.families) {
      for (const market of marketsOf(family)) this.byMarket[market]?.push(family)
    }
    this.terms = markets.map(termsOf)
    this.rates = new Float64Array(2 * markets.length)
    this.least = (1 + options.min_percent / 100) * (1 - MARGIN)
    for (const market of markets.keys()) this.refresh(market)
  }

  /** The families that these markets' changes concern, each with what can be taken now, if anything. */
  *look(changed: ReadonlySet<number>): Generator<readonly [Family, Found | undefined]> {
    const due = new Set<Family>()
    for (const market of changed) {
      if (!this.refresh(market)) continue
      for (const family of this.byMarket[market] ?? []) due.add(family)
    }
    for (const family of this.paying) {
      if (family.hops.some((hop) => hop.some(({ market }) => changed.has(market)))) due.add(family)
    }
    for (const family of due) yield [family, this.find(family)]
  }

  /** What exactly these legs give now. */
  judge(legs: readonly Leg[], min_percent = this.options.min_percent): Found | undefined {
    if (!legs.every(({ market }) => this.isTradable(market))) return undefined
    const { books, usdPrice, min_volume_usd } = this.options
    const taken = take(books, legs, min_percent)
    const first = books.markets[legs[0]?.market ?? -1]
    if (taken === undefined || first === undefined) return undefined
    const price = usdPrice(coinGiven(first, legs[0]?.side ?? 'buy'))
    const volume_usd = taken.amount_in * (price ?? 0)
    if (!(volume_usd >= min_volume_usd)) return undefined
    return { legs, taken, profit_percent: profitPercent(taken), volume_usd }
  }

  private find(family: Family): Found | undefined {
    const best = family.hops.map((hop) => Math.max(...hop.map((leg) => this.rate(leg))))
    if (best.reduce((product, rate) => product * rate, 1) < this.least) {
      this.paying.delete(family)
      return undefined
    }
    this.paying.add(family)
    for (const { legs } of this.choices(family, best).slice(0, MOST_CHOICES)) {
      const found = this.judge(legs)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Choices of legs whose best prices pay, the best first. */
  private choices({ hops, admits }: Family, best: readonly number[]): Choice[] {
    const rest = best.map((_, hop) => best.slice(hop + 1).reduce((a, b) => a * b, 1))
    const found: Choice[] = []
    const extend = (legs: readonly Leg[], rate: number) => {
      if (legs.length === hops.length) {
        if (admits(legs)) found.push({ legs, rate })
        return
      }
      for (const leg of hops[legs.length] ?? []) {
        const reached = rate * this.rate(leg)
        if (reached * (rest[legs.length] ?? 0) >= this.least) extend([...legs, leg], reached)
      }
    }
    extend([], 1)
    return found.sort((a, b) => b.rate - a.rate)
  }

  private rate({ market, side }: Leg): number {
    return this.rates[2 * market + (side === 'sell' ? 1 : 0)] ?? 0
  }

  /** Takes in a market's best prices; true when they are others than before. */
  private refresh(market: number): boolean {
    const terms = this.terms[market]
    if (terms === undefined) throw new RangeError(`no market ${market}`)
    const is_tradable = this.isTradable(market)
    let is_new = false
    for (const [offset, side] of (['buy', 'sell'] as const).entries()) {
      const levels = this.options.books.side(market, side === 'buy' ? 'ask' : 'bid')
      const rate = is_tradable ? topRate({ market, side }, terms, levels) : 0
      if (this.rates[2 * market + offset] === rate) continue
      this.rates[2 * market + offset] = rate
      is_new = true
    }
    return is_new
  }

  /** A book that crosses itself is no market either. */
  private isTradable(market: number): boolean {
    const { books, tradable } = this.options
    const [bids, asks] = [books.side(market, 'bid'), books.side(market, 'ask')]
    if (!tradable(market) || bids.length === 0 || asks.length === 0) return false
    return bids.price(0) < asks.price(0)
  }
}

function marketsOf({ hops }: Family): Set<number> {
  return new Set(hops.flat().map(({ market }) => market))
}
