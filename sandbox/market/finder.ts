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

/** A family with what is asked of it again and again. */
interface Entry {
  readonly family: Family
  /** numbers of its hops, in their order */
  readonly hops: readonly number[]
  readonly markets: readonly number[]
}

export class ChainFinder {
  readonly families: readonly Family[]
  private readonly options: FinderOptions
  private readonly by_market: Entry[][]
  private readonly terms
  /** received for one coin given, by 2 × market + (1 for a sale) */
  private readonly rates: Float64Array
  /** by number; hops of several families are one when they have the same legs */
  private readonly hops: (readonly Leg[])[] = []
  private readonly hops_of: Set<number>[]
  /** by number of the hop: the best rate of its legs */
  private readonly best: Float64Array
  private readonly least: number
  /** families whose best prices pay: their depth decides, so every change counts */
  private readonly paying = new Set<Entry>()

  constructor(options: FinderOptions) {
    const { markets } = options.books
    this.options = options
    this.families = routes(markets, MOST_CYCLES)
    this.by_market = markets.map(() => [])
    this.hops_of = markets.map(() => new Set())
    const numbers = new Map<string, number>()
    for (const family of this.families) {
      const hops = family.hops.map((legs) => this.numberOf(legs, numbers))
      const entry = { family, hops, markets: marketsOf(family) }
      for (const market of entry.markets) this.by_market[market]?.push(entry)
    }
    this.terms = markets.map(termsOf)
    this.rates = new Float64Array(2 * markets.length)
    this.best = new Float64Array(this.hops.length)
    this.least = (1 + options.min_percent / 100) * (1 - MARGIN)
    for (const market of markets.keys()) this.refresh(market)
  }

  /**
   * The families that these markets' changes concern and that pay at their best prices, or did until
   * now, each with what can be taken now, if anything.
   */
  *look(changed: ReadonlySet<number>): Generator<readonly [Family, Found | undefined]> {
    const moved = [...changed].filter((market) => this.refresh(market))
    const due = new Set<Entry>()
    for (const market of moved) {
      for (const entry of this.by_market[market] ?? []) if (this.pays(entry)) due.add(entry)
    }
    for (const entry of this.paying) {
      if (entry.markets.some((market) => changed.has(market))) due.add(entry)
    }
    for (const entry of due) yield [entry.family, this.find(entry)]
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

  private numberOf(legs: readonly Leg[], numbers: Map<string, number>): number {
    const name = legs.map(({ market, side }) => `${side} ${market}`).join()
    const known = numbers.get(name)
    if (known !== undefined) return known
    const number = this.hops.push(legs) - 1
    numbers.set(name, number)
    for (const { market } of legs) this.hops_of[market]?.add(number)
    return number
  }

  private pays({ hops }: Entry): boolean {
    let rate = 1
    for (const hop of hops) rate *= this.best[hop] ?? 0
    return rate >= this.least
  }

  private find(entry: Entry): Found | undefined {
    const { family, hops } = entry
    if (!this.pays(entry)) {
      this.paying.delete(entry)
      return undefined
    }
    this.paying.add(entry)
    const best = hops.map((hop) => this.best[hop] ?? 0)
    const first = family.hops.map((legs, i) => legs.find((leg) => this.rate(leg) === best[i]))
    // mostly it is the best leg of every hop, and the others need not be put together
    if (isWhole(first) && family.admits(first)) {
      const found = this.judge(first)
      if (found !== undefined) return found
    }
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
    if (is_new) {
      for (const hop of this.hops_of[market] ?? []) {
        this.best[hop] = Math.max(...(this.hops[hop] ?? []).map((leg) => this.rate(leg)))
      }
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

function isWhole(legs: readonly (Leg | undefined)[]): legs is readonly Leg[] {
  return legs.every((leg) => leg !== undefined)
}

function marketsOf({ hops }: Family): number[] {
  return [...new Set(hops.flat().map(({ market }) => market))]
}
