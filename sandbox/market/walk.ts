/**
 * What a chain of trades really earns: the size of largest profit whose average keeps the wanted
 * minimum, then the same size as orders that an exchange takes, lot by lot. It is the judge of the
 * detectors, so it shares nothing with them. Numbers are Float64 of whole ticks and lots, rounded
 * only against the taker, by less than one part in 10^12 where a Float64 rounds.
 */
import type { Leg } from './chain.ts'
import type { Side } from './side.ts'
import type { SimulatedMarket } from './source.ts'

export interface Books {
  readonly markets: readonly SimulatedMarket[]
  side(market: number, name: 'bid' | 'ask'): Side
}

export interface Taken {
  /** quantity ordered on the first leg, in its lots */
  readonly base_lots: number
  /** in the coin that the chain begins with */
  readonly amount_in: number
  readonly amount_out: number
}

/** Sizes below the walked one that are tried where lots make it fall below the minimum. */
const TRIES = 64
/** A Float64 product that should be a whole lot may lie this share below it. */
const ROUNDING = 1e-12

/** What a market asks of an order and takes from it, as numbers. */
export interface Terms {
  readonly price_unit: number
  readonly lot: number
  /** coins in one unit of base */
  readonly units: number
  readonly kept: number
  readonly minimum_lots: number
  readonly minimum_notional: number
}

const known = new WeakMap<SimulatedMarket, Terms>()

export function termsOf(market: SimulatedMarket): Terms {
  const before = known.get(market)
  if (before !== undefined) return before
  const terms = {
    price_unit: 10 ** -market.price_decimals,
    lot: 10 ** -market.size_decimals,
    units: market.units ?? 1,
    kept: 1 - Number(market.taker_fee_percent) / 100,
    minimum_lots: Math.ceil(
      Number(market.minimum_size) * 10 ** market.size_decimals * (1 - ROUNDING),
    ),
    minimum_notional: Number(market.minimum_notional),
  }
  known.set(market, terms)
  return terms
}

/** Received for one coin given, at the best level and after the fee; 0 when the side is empty. */
export function topRate({ side }: Leg, terms: Terms, levels: Side): number {
  return levels.length === 0 ? 0 : rateAt(side, terms, levels.price(0))
}

/**
 * The largest orders whose average net profit is at least `min_percent`; undefined when there are
 * none that every leg's lot, minimum size and minimum notional allow.
 */
export function take(books: Books, legs: readonly Leg[], min_percent: number): Taken | undefined {
  const steps = legs.map((leg) => new Ladder(books, leg))
  const least = 1 + min_percent / 100
  const most = largestInput(steps, least)
  for (let size = TRIES; size > 0; size--) {
    const taken = order(steps, (most * size) / TRIES)
    if (taken === undefined) return undefined
    if (taken.amount_out >= taken.amount_in * least * (1 - ROUNDING)) return taken
  }
  return undefined
}

/** Profit of `taken` in percent. */
export function profitPercent({ amount_in, amount_out }: Taken): number {
  return (amount_out / amount_in - 1) * 100
}

function rateAt(side: Leg['side'], terms: Terms, ticks: number): number {
  const price = (ticks * terms.price_unit) / terms.units
  return side === 'buy' ? terms.kept / price : terms.kept * price
}

/** One side of a book as a leg meets it. */
class Ladder {
  readonly side: Leg['side']
  private readonly terms: Terms
  private readonly levels: Side

  constructor(books: Books, { market, side }: Leg) {
    const listed = books.markets[market]
    if (listed === undefined) throw new RangeError(`no market ${market}`)
    this.side = side
    this.terms = termsOf(listed)
    this.levels = books.side(market, side === 'buy' ? 'ask' : 'bid')
  }

  get depth(): number {
    return this.levels.length
  }

  rate(rank: number): number {
    return rateAt(this.side, this.terms, this.levels.price(rank))
  }

  /** What the level takes, in the coin that is given. */
  capacity(rank: number): number {
    const { price_unit, lot, units } = this.terms
    const base = this.levels.size(rank) * lot
    return this.side === 'buy' ? base * this.levels.price(rank) * price_unit : base * units
  }

  /** The largest order that `amount` pays for, or undefined when the exchange would refuse it. */
  order(amount: number): { lots: number; given: number; received: number } | undefined {
    const { lot, units, kept, minimum_lots, minimum_notional } = this.terms
    const affordable = this.side === 'buy' ? this.baseFor(amount) : amount / units
    const lots = Math.floor((affordable / lot) * (1 + ROUNDING))
    const quote = this.quoteOf(lots)
    if (lots < Math.max(1, minimum_lots) || quote === undefined) return undefined
    if (quote < minimum_notional * (1 - ROUNDING)) return undefined
    const coins = lots * lot * units
    return this.side === 'buy'
      ? { lots, given: quote, received: coins * kept }
      : { lots, given: coins, received: quote * kept }
  }

  private baseFor(quote: number): number {
    const { price_unit, lot } = this.terms
    let [base, left] = [0, quote]
    for (let rank = 0; rank < this.levels.length; rank++) {
      const price = this.levels.price(rank) * price_unit
      const size = this.levels.size(rank) * lot
      if (size * price >= left) return base + left / price
      base += size
      left -= size * price
    }
    return base
  }

  /** What so many lots cost or bring before the fee; undefined when the side is not deep enough. */
  private quoteOf(lots: number): number | undefined {
    const { price_unit, lot } = this.terms
    let [quote, left] = [0, lots]
    for (let rank = 0; left > 0; rank++) {
      if (rank >= this.levels.length) return undefined
      const size = Math.min(left, this.levels.size(rank))
      quote += size * lot * this.levels.price(rank) * price_unit
      left -= size
    }
    return quote
  }
}

/**
 * All legs stand at their best level, the tightest level decides the step, until the next sliver
 * earns nothing or the average would fall below `least` (received for one given).
 */
function largestInput(ladders: readonly Ladder[], least: number): number {
  const count = ladders.length
  const ranks = new Int32Array(count)
  const left = new Float64Array(count)
  const full = new Float64Array(count)
  const rates = new Float64Array(count)
  const stand = (leg: number, ladder: Ladder, rank: number) => {
    ranks[leg] = rank
    rates[leg] = ladder.rate(rank)
    full[leg] = ladder.capacity(rank)
    left[leg] = full[leg] as number
  }
  /** for one coin given to the chain, so much reaches each leg */
  const reach = new Float64Array(count + 1).fill(1)
  for (const [leg, ladder] of ladders.entries()) {
    if (ladder.depth === 0) return 0
    stand(leg, ladder, 0)
  }
  let [given, received] = [0, 0]
  for (;;) {
    let step = Number.POSITIVE_INFINITY
    for (let leg = 0; leg < count; leg++) {
      const reached = reach[leg] as number
      step = Math.min(step, (left[leg] as number) / reached)
      reach[leg + 1] = reached * (rates[leg] as number)
    }
    const earns = reach[count] as number
    if (earns <= 1) return given
    if (received + earns * step < least * (given + step)) {
      return given + Math.max(0, (received - least * given) / (least - earns))
    }
    given += step
    received += earns * step
    for (let leg = 0; leg < count; leg++) {
      left[leg] = (left[leg] as number) - step * (reach[leg] as number)
      if ((left[leg] as number) > (full[leg] as number) * ROUNDING) continue
      const ladder = ladders[leg] as Ladder
      const next = (ranks[leg] as number) + 1
      if (next >= ladder.depth) return given
      stand(leg, ladder, next)
    }
  }
}

/** One order a leg, each of what the one before brought. */
function order(ladders: readonly Ladder[], input: number): Taken | undefined {
  let amount = input
  let first: { lots: number; given: number } | undefined
  for (const ladder of ladders) {
    const placed = ladder.order(amount)
    if (placed === undefined) return undefined
    first ??= placed
    amount = placed.received
  }
  if (first === undefined) throw new RangeError('a chain has legs')
  return { base_lots: first.lots, amount_in: first.given, amount_out: amount }
}
