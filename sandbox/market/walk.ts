/**
 * The exact profit of buying on one book and selling on another: a naive walk through both books
 * with big integers, net of both taker fees, each taken from the asset received. It is the judge of
 * the detectors, so it shares nothing with them and is written to be checked by eye, not to be fast.
 */
import { type Decimal, decimal, divide, profitPercent } from '../../shared/decimal.ts'
import type { Level, SimulatedMarket } from './source.ts'

type Terms = Pick<SimulatedMarket, 'price_decimals' | 'size_decimals' | 'taker_fee_percent'>

export interface Leg {
  readonly market: Terms
  /** best first: the asks where one buys, the bids where one sells */
  readonly levels: readonly Level[]
}

export interface Taken {
  /** quantity ordered on the buying side, before its fee; whole lots of both exchanges */
  readonly base_size: Decimal
  /** quote paid, rounded down to 18 decimals */
  readonly amount_in: Decimal
  /** (received / paid - 1) x 100 for exactly `base_size`, with four digits, rounded down */
  readonly profit_percent: string
}

/**
 * The size of largest profit whose average net profit is at least `min_percent`, and what exactly
 * that size earns; undefined when not even the coarser lot step does. Marginal profit never rises
 * along the walk, so the walk stops at the first step that earns nothing or at the bound.
 */
export function walk(buy: Leg, sell: Leg, min_percent: Decimal): Taken | undefined {
  const units = unitsOf(buy.market, sell.market)
  const steps = matchedSteps(buy, sell, units)
  const size = largestSize(steps, min_percent)
  const whole_lots = size - (size % units.lot)
  if (whole_lots === 0n) return undefined
  const { paid, received } = amountsOf(whole_lots, steps)
  return {
    base_size: { mantissa: whole_lots / units.bought.kept, scale: units.size_decimals },
    amount_in: divide(integer(paid), integer(units.quote), QUOTE_DECIMALS),
    profit_percent: profitPercent(integer(paid), integer(received)),
  }
}

const QUOTE_DECIMALS = 18

/** `size` units of base between one ask and one bid, each for so much quote. */
interface Step {
  readonly size: bigint
  readonly paid: bigint
  readonly received: bigint
}

/** A taker keeps `kept` of every `whole` units that a trade would bring without a fee. */
interface Fee {
  readonly kept: bigint
  readonly whole: bigint
}

/**
 * Units so small that every number is whole: one of base is 10^-size_decimals / bought.kept, one
 * of quote is 1 / `quote`.
 */
interface Units {
  readonly size_decimals: number
  readonly price_decimals: number
  readonly bought: Fee
  readonly sold: Fee
  /** the coarser of the two lot steps, in units of base */
  readonly lot: bigint
  readonly quote: bigint
}

function unitsOf(buy: Terms, sell: Terms): Units {
  const size_decimals = Math.max(buy.size_decimals, sell.size_decimals)
  const price_decimals = Math.max(buy.price_decimals, sell.price_decimals)
  const coarse_decimals = Math.min(buy.size_decimals, sell.size_decimals)
  const [bought, sold] = [feeOf(buy), feeOf(sell)]
  const decimals = powerOfTen(size_decimals + price_decimals)
  return {
    size_decimals,
    price_decimals,
    bought,
    sold,
    lot: powerOfTen(size_decimals - coarse_decimals) * bought.kept,
    quote: decimals * bought.kept * bought.whole * sold.whole,
  }
}

/** Both books side by side: each step lies within one ask and one bid. */
function matchedSteps(buy: Leg, sell: Leg, units: Units): Step[] {
  const { bought, sold } = units
  // Of what is bought kept / whole arrives and is sold, so a bid takes whole / kept of its size.
  const asks = inUnits(buy, units, bought.kept)
  const bids = inUnits(sell, units, bought.whole)
  const steps: Step[] = []
  let [ask, bid] = [asks.shift(), bids.shift()]
  while (ask && bid) {
    const size = smaller(ask.left, bid.left)
    steps.push({
      size,
      paid: ask.price * bought.whole * sold.whole,
      received: bid.price * bought.kept * sold.kept,
    })
    ask.left -= size
    bid.left -= size
    if (ask.left === 0n) ask = asks.shift()
    if (bid.left === 0n) bid = bids.shift()
  }
  return steps
}

function inUnits({ market, levels }: Leg, units: Units, per_smallest_lot: bigint) {
  const price_scale = powerOfTen(units.price_decimals - market.price_decimals)
  const size_scale = powerOfTen(units.size_decimals - market.size_decimals) * per_smallest_lot
  return levels.map(({ price, size }) => ({
    price: BigInt(price) * price_scale,
    left: BigInt(size) * size_scale,
  }))
}

function largestSize(steps: readonly Step[], min_percent: Decimal): bigint {
  // On average at least: received / paid >= least / hundred.
  const hundred = powerOfTen(min_percent.scale) * 100n
  const least = hundred + min_percent.mantissa
  let [size, paid, received] = [0n, 0n, 0n]
  for (const step of steps) {
    if (step.received <= step.paid) break
    const surplus = received * hundred - paid * least
    const shortfall = step.paid * least - step.received * hundred
    const affordable = shortfall > 0n ? surplus / shortfall : step.size
    const taken = smaller(affordable, step.size)
    size += taken
    paid += taken * step.paid
    received += taken * step.received
    if (taken < step.size) break
  }
  return size
}

function amountsOf(size: bigint, steps: readonly Step[]): { paid: bigint; received: bigint } {
  let [left, paid, received] = [size, 0n, 0n]
  for (const step of steps) {
    const taken = smaller(left, step.size)
    paid += taken * step.paid
    received += taken * step.received
    left -= taken
  }
  return { paid, received }
}

function feeOf({ taker_fee_percent }: Terms): Fee {
  const fee = decimal(taker_fee_percent)
  const whole = powerOfTen(fee.scale) * 100n
  return { kept: whole - fee.mantissa, whole }
}

function smaller(a: bigint, b: bigint): bigint {
  if (a < b) return a
  return b
}

function integer(mantissa: bigint): Decimal {
  return { mantissa, scale: 0 }
}

function powerOfTen(exponent: number): bigint {
  return 10n ** BigInt(exponent)
}
