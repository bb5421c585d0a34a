/**
 * Every opportunity of a small world, found by trying everything with exact fractions: all pairs, all
 * conversions, all triangles, all cycles up to five coins, level by level. It shares no code with the
 * engine and is as slow as it looks.
 */
import { Fraction } from './fraction.ts'
import type { OracleMarket, World } from './world.ts'

export interface OracleLeg {
  readonly market: number
  readonly side: 'buy' | 'sell'
}

/** One way to take a gap, as exact as it gets. */
export interface Taking {
  readonly legs: readonly OracleLeg[]
  readonly rate: Fraction
  readonly outcome: Outcome
}

export type Outcome =
  | {
      readonly kind: 'taken'
      readonly sizes: readonly Fraction[]
      readonly given: Fraction
      readonly received: Fraction
    }
  /** the rounding to lots costs the profit at the walked size: a smaller size may or may not do */
  | { readonly kind: 'rounding' }
  | { readonly kind: 'refused' }

export interface Expected {
  readonly type: 'cross_exchange' | 'triangular' | 'multi_leg'
  readonly name: string
  /** the best that can be taken; of equally good ones the published one */
  readonly taking: Taking
}

interface BookLevel {
  readonly price: Fraction
  readonly size: Fraction
  /** coins received for one coin given, after the fee */
  readonly rate: Fraction
  /** coins given that it takes */
  readonly room: Fraction
}

interface Judged {
  readonly type: Expected['type']
  readonly name: string
  /** best first */
  readonly takings: readonly Taking[]
}

const MOST_CHOICES = 16
const MONEY = new Set(['USD', 'USDT', 'USDC', 'EUR'])
const STARTS = ['USD', 'USDT', 'EUR', 'BTC', 'ETH', 'SOL']

export class Oracle {
  private readonly world: World
  private readonly markets: readonly OracleMarket[]
  private readonly bound: Fraction
  /** where floats cannot tell any more */
  private readonly rough_bound: number
  private readonly legs: OracleLeg[]

  /** names of the chains that were published: they decide what rounding leaves open, and ties */
  private readonly published: ReadonlySet<string>
  private readonly books = new Map<OracleLeg, readonly BookLevel[]>()
  private readonly rough = new Map<OracleLeg, number>()

  constructor(world: World, published: ReadonlySet<string>) {
    this.world = world
    this.published = published
    this.markets = world.markets
    this.bound = Fraction.one.plus(Fraction.of(world.min_percent).over(Fraction.of('100')))
    this.rough_bound = this.bound.number - 1e-6
    this.legs = world.markets
      .flatMap((_, market) => [
        { market, side: 'buy' as const },
        { market, side: 'sell' as const },
      ])
      .filter((leg) => this.at(leg).bids.length > 0 && this.at(leg).asks.length > 0)
    for (const leg of this.legs) {
      this.books.set(leg, this.read(leg))
      this.rough.set(leg, this.top(leg).rate.number)
    }
  }

  private read(leg: OracleLeg): BookLevel[] {
    const { bids, asks, fee_percent, units } = this.at(leg)
    const kept = Fraction.one.minus(Fraction.of(fee_percent).over(Fraction.of('100')))
    const per_unit = Fraction.of(String(units))
    return (leg.side === 'buy' ? asks : bids).map(([p, s]) => {
      const [price, size] = [Fraction.of(p), Fraction.of(s)]
      return leg.side === 'buy'
        ? { price, size, rate: kept.times(per_unit).over(price).reduced, room: price.times(size) }
        : {
            price,
            size,
            rate: price.times(kept).over(per_unit).reduced,
            room: size.times(per_unit),
          }
    })
  }

  /** In the order in which they are told: what is told first may make later ones superfluous. */
  all(): Expected[] {
    const found: Expected[] = []
    for (const judged of [...this.pairs(), ...this.conversions(), ...this.triangles()]) {
      const taking = this.choose(judged.takings)
      if (taking !== undefined) found.push({ ...judged, taking })
    }
    const open = found.map(({ taking }) => taking.legs)
    for (const cycle of this.cycles()) {
      const ways = this.ways(cycle)
        .filter(({ legs }) => !open.some((known) => this.tells(known, legs)))
        .slice(0, MOST_CHOICES)
      const taking = this.choose(this.judged(ways))
      if (taking === undefined) continue
      found.push({ type: 'multi_leg', name: cycle.join('>'), taking })
      open.push(taking.legs)
    }
    return found
  }

  nameOf(legs: readonly OracleLeg[]): string {
    return legs.map((leg) => this.legName(leg)).join(' > ')
  }

  /** What comes of these legs, named as in `nameOf`; undefined where a book has an empty side. */
  taken(names: readonly string[]): Outcome | undefined {
    const legs = names.flatMap((name) => this.legs.find((leg) => this.legName(leg) === name) ?? [])
    return legs.length < names.length ? undefined : this.outcome(legs)
  }

  private choose(takings: readonly Taking[]): Taking | undefined {
    const isPublished = ({ legs }: Taking) => this.published.has(this.nameOf(legs))
    const first = takings.find(
      (one) =>
        one.outcome.kind === 'taken' || (one.outcome.kind === 'rounding' && isPublished(one)),
    )
    if (first === undefined) return undefined
    return takings.find((one) => one.rate.equals(first.rate) && isPublished(one)) ?? first
  }

  private pairs(): Judged[] {
    const found: Judged[] = []
    for (const one of this.legs) {
      for (const two of this.legs) {
        if (one.market === two.market || this.exchange(one) === this.exchange(two)) continue
        if (!this.fits(one, two) || !this.fits(two, one)) continue
        if (!this.isFirst(one, two)) continue
        found.push(this.expect('cross_exchange', [[one, two]]))
      }
    }
    return found
  }

  private isFirst(one: OracleLeg, two: OracleLeg): boolean {
    if (one.side !== two.side) return one.side === 'buy'
    return startRank(this.given(one)) < startRank(this.given(two))
  }

  private conversions(): Judged[] {
    const found: Judged[] = []
    for (const buy of this.legs) {
      const [from, coin] = [this.given(buy), this.received(buy)]
      if (!MONEY.has(from) || MONEY.has(coin)) continue
      for (const sell of this.legs) {
        const to = this.received(sell)
        if (this.given(sell) !== coin || !MONEY.has(to) || to === from) continue
        if (this.exchange(buy) === this.exchange(sell)) continue
        const back = this.legs.filter(
          (leg) => this.given(leg) === to && this.received(leg) === from,
        )
        found.push(
          this.expect(
            'cross_exchange',
            back.map((leg) => [buy, sell, leg]),
          ),
        )
      }
    }
    return found
  }

  private triangles(): Judged[] {
    const found: Judged[] = []
    for (const a of this.legs) {
      for (const b of this.legs) {
        if (!this.fits(a, b) || this.exchange(a) !== this.exchange(b)) continue
        for (const c of this.legs) {
          if (this.exchange(b) !== this.exchange(c) || !this.fits(b, c) || !this.fits(c, a))
            continue
          const coins = [a, b, c].map((leg) => this.given(leg))
          if (new Set(coins).size !== 3 || coins[0] !== startOf(coins)) continue
          found.push(this.expect('triangular', [[a, b, c]]))
        }
      }
    }
    return found
  }

  /** Cycles of three to five coins that pay at the top, the shortest first, of those the best. */
  private cycles(): string[][] {
    const found: { coins: string[]; rate: Fraction }[] = []
    const next = new Map<string, Set<string>>()
    for (const leg of this.legs) {
      const known = next.get(this.given(leg)) ?? new Set<string>()
      next.set(this.given(leg), known.add(this.received(leg)))
    }
    const extend = (coins: string[]) => {
      for (const coin of next.get(coins.at(-1) as string) ?? []) {
        if (coin === coins[0] && coins.length >= 3 && coin === startOf(coins)) {
          const best = this.ways(coins)[0]
          if (best !== undefined) found.push({ coins, rate: best.rate })
        }
        if (coins.length < 5 && !coins.includes(coin)) extend([...coins, coin])
      }
    }
    for (const coin of next.keys()) extend([coin])
    found.sort((a, b) => a.coins.length - b.coins.length || (b.rate.below(a.rate) ? -1 : 1))
    return found.map(({ coins }) => coins)
  }

  /** All legs for a cycle of coins that make neither a triangle nor a conversion, best first. */
  private ways(coins: readonly string[]): { legs: OracleLeg[]; rate: Fraction }[] {
    const hops = coins.map((from, i) => {
      const to = coins[(i + 1) % coins.length]
      return this.legs.filter((leg) => this.given(leg) === from && this.received(leg) === to)
    })
    // nothing is lost: far from the bound no fraction is needed
    const most = hops.reduce(
      (rate, hop) => rate * Math.max(...hop.map((leg) => this.roughly(leg))),
      1,
    )
    if (most < this.rough_bound) return []
    let ways: OracleLeg[][] = [[]]
    for (const hop of hops) ways = ways.flatMap((legs) => hop.map((leg) => [...legs, leg]))
    return ways
      .filter((legs) => !this.isOtherType(legs))
      .filter((legs) => legs.reduce((r, leg) => r * this.roughly(leg), 1) > this.rough_bound)
      .map((legs) => ({ legs, rate: this.rate(legs) }))
      .filter(({ rate }) => !rate.below(this.bound))
      .sort((a, b) => (b.rate.below(a.rate) ? -1 : a.rate.below(b.rate) ? 1 : 0))
  }

  private isOtherType(legs: readonly OracleLeg[]): boolean {
    if (legs.length !== 3) return false
    if (new Set(legs.map((leg) => this.exchange(leg))).size === 1) return true
    const coins = legs.map((leg) => this.received(leg))
    const others = coins.filter((coin) => !MONEY.has(coin))
    if (others.length !== 1) return false
    const into = coins.indexOf(others[0] as string)
    return this.exchange(legs[into]) !== this.exchange(legs[(into + 1) % 3])
  }

  /** Whether the longer chain tells what the open one tells. */
  private tells(open: readonly OracleLeg[], legs: readonly OracleLeg[]): boolean {
    if (open.length > legs.length) return false
    const shared = open.filter((leg) =>
      legs.some((other) => other.market === leg.market && other.side === leg.side),
    )
    if (shared.length >= 2) return true
    if (shared.length === 0) return false
    const all = legs.map((leg) => this.given(leg))
    const some = open.map((leg) => this.given(leg))
    // turned to begin at the same coin, one must be left when the other coins are struck out
    const turned = all.flatMap((_, i) => [[...all.slice(i), ...all.slice(0, i)]])
    return turned.some(
      (coins) => coins.filter((coin) => some.includes(coin)).join() === some.join(),
    )
  }

  private expect(type: Expected['type'], ways: readonly (readonly OracleLeg[])[]): Judged {
    const paying = ways
      .filter((legs) => legs.reduce((r, leg) => r * this.roughly(leg), 1) > this.rough_bound)
      .map((legs) => ({ legs, rate: this.rate(legs) }))
      .filter(({ rate }) => !rate.below(this.bound))
      .sort((a, b) => (b.rate.below(a.rate) ? -1 : a.rate.below(b.rate) ? 1 : 0))
    const name = (ways[0] ?? []).slice(0, type === 'triangular' ? 3 : 2)
    return { type, name: this.nameOf(name), takings: this.judged(paying) }
  }

  private legName(leg: OracleLeg): string {
    const { exchange, base, quote } = this.at(leg)
    return `${leg.side} ${exchange} ${base}/${quote}`
  }

  private judged(ways: readonly { legs: readonly OracleLeg[]; rate: Fraction }[]): Taking[] {
    return ways.map(({ legs, rate }) => ({ legs, rate, outcome: this.outcome(legs) }))
  }

  private outcome(legs: readonly OracleLeg[]): Outcome {
    const walked = this.walk(legs)
    if (walked.n === 0n) return { kind: 'refused' }
    const orders = this.orders(legs, walked)
    if (orders === null) return { kind: 'refused' }
    const { given, received, sizes } = orders
    if (received.below(given.times(this.bound))) return { kind: 'rounding' }
    const least = Fraction.of(this.world.min_volume_usd)
    // dollars are published rounded down to cents
    const volume = given.times(this.dollars(this.given(legs[0]))).floorTo(Fraction.of('0.01'))
    if (volume.below(least)) return { kind: 'refused' }
    return { kind: 'taken', sizes, given, received }
  }

  /** What goes in, level by level, while every step pays and the average keeps the bound. */
  private walk(legs: readonly OracleLeg[]): Fraction {
    const queues = legs.map((leg) => this.levels(leg).map(({ rate, room }) => ({ rate, room })))
    let [given, received] = [Fraction.zero, Fraction.zero]
    for (;;) {
      const tops = queues.flatMap(([top]) => (top === undefined ? [] : [top]))
      if (tops.length < queues.length) break
      let rate = Fraction.one
      let step: Fraction | null = null
      for (const top of tops) {
        const room = top.room.over(rate)
        if (step === null || room.below(step)) step = room
        rate = rate.times(top.rate)
      }
      if (step === null || !Fraction.one.below(rate)) break
      const whole = received.plus(rate.times(step)).reduced
      if (whole.below(this.bound.times(given.plus(step)))) {
        const cut = received.minus(this.bound.times(given)).over(this.bound.minus(rate))
        return given.plus(cut).reduced
      }
      given = given.plus(step).reduced
      received = whole
      let amount = step
      for (const [i, top] of tops.entries()) {
        top.room = top.room.minus(amount).reduced
        amount = amount.times(top.rate).reduced
        if (top.room.n === 0n) queues[i]?.shift()
      }
    }
    return given
  }

  /** The orders that an exchange would take for so much, each no more than the one before gave. */
  private orders(
    legs: readonly OracleLeg[],
    input: Fraction,
  ): { sizes: Fraction[]; given: Fraction; received: Fraction } | null {
    let available = input
    let given = Fraction.zero
    const sizes: Fraction[] = []
    for (const [i, leg] of legs.entries()) {
      const market = this.at(leg)
      const units = this.units(leg)
      const buys = leg.side === 'buy'
      const wanted = buys ? this.affordable(leg, available) : available.over(units)
      const size = wanted.floorTo(Fraction.of(market.size_step))
      if (size.n <= 0n || size.below(Fraction.of(market.minimum_size))) return null
      const quote = this.quoteFor(leg, size)
      if (quote === null || quote.below(Fraction.of(market.minimum_notional))) return null
      sizes.push(size)
      const base = size.times(units)
      if (i === 0) given = buys ? quote : base
      available = (buys ? base : quote).times(this.kept(leg)).reduced
    }
    return { sizes, given, received: available }
  }

  private affordable(leg: OracleLeg, quote: Fraction): Fraction {
    let [base, left] = [Fraction.zero, quote]
    for (const { price, size } of this.levels(leg)) {
      const cost = price.times(size)
      if (!cost.below(left)) return base.plus(left.over(price))
      base = base.plus(size)
      left = left.minus(cost).reduced
    }
    return base
  }

  private quoteFor(leg: OracleLeg, size: Fraction): Fraction | null {
    let [quote, left] = [Fraction.zero, size]
    for (const { price, size: held } of this.levels(leg)) {
      const part = held.below(left) ? held : left
      quote = quote.plus(price.times(part))
      left = left.minus(part)
    }
    return left.n > 0n ? null : quote
  }

  private rate(legs: readonly OracleLeg[]): Fraction {
    return legs.reduce((rate, leg) => rate.times(this.top(leg).rate), Fraction.one)
  }

  private roughly(leg: OracleLeg): number {
    return this.rough.get(leg) as number
  }

  private top(leg: OracleLeg): BookLevel {
    return this.levels(leg)[0] as BookLevel
  }

  private levels(leg: OracleLeg): readonly BookLevel[] {
    return this.books.get(leg) as readonly BookLevel[]
  }

  private kept(leg: OracleLeg): Fraction {
    const fee = Fraction.of(this.at(leg).fee_percent)
    return Fraction.one.minus(fee.over(Fraction.of('100')))
  }

  private units(leg: OracleLeg): Fraction {
    return Fraction.of(String(this.at(leg).units))
  }

  /** The median of what the markets of a coin and the dollar say, in either direction. */
  private dollars(coin: string): Fraction {
    if (coin === 'USD') return Fraction.one
    const mids = this.markets
      .filter(({ bids, asks }) => bids.length > 0 && asks.length > 0)
      .flatMap(({ base, quote, bids, asks }) => {
        const mid = (Number(bids[0]?.[0]) + Number(asks[0]?.[0])) / 2
        if (base === coin && quote === 'USD') return [mid]
        return base === 'USD' && quote === coin ? [1 / mid] : []
      })
      .sort((a, b) => a - b)
    return Fraction.of((mids[mids.length >> 1] as number).toFixed(8))
  }

  private given(leg: OracleLeg | undefined): string {
    const market = this.at(leg)
    return leg?.side === 'buy' ? market.quote : market.coin
  }

  private received(leg: OracleLeg): string {
    return leg.side === 'buy' ? this.at(leg).coin : this.at(leg).quote
  }

  private fits(one: OracleLeg, two: OracleLeg): boolean {
    return this.received(one) === this.given(two)
  }

  private exchange(leg: OracleLeg | undefined): string {
    return this.at(leg).exchange
  }

  private at(leg: OracleLeg | undefined): OracleMarket {
    return this.markets[leg?.market ?? -1] as OracleMarket
  }
}

function startRank(coin: string): number {
  const rank = STARTS.indexOf(coin)
  return rank < 0 ? STARTS.length : rank
}

function startOf(coins: readonly string[]): string {
  return [...coins].sort((a, b) => startRank(a) - startRank(b))[0] as string
}
