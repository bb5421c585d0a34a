/**
 * Two books as one picture: what is bought gets dearer with the size, what is sold gets cheaper, and
 * between the two lies the profit. Only levels that the evidence holds are drawn. These are numbers
 * for a drawing, so they are floats; no amount that anybody reads comes from here.
 */
import type { Leg, Opportunity } from '../../../shared/opportunity.ts'

export interface Step {
  /** coins of the asset that is bought and sold */
  readonly from: number
  readonly to: number
  /** for one coin of it, in coins of what the chain begins and ends with, before any fee */
  readonly price: number
  /** the same after every fee: dearer for a purchase, cheaper for a sale */
  readonly net: number
}

export interface Depth {
  readonly buy: Leg
  readonly sell: Leg
  readonly asset: string
  readonly asks: readonly Step[]
  readonly bids: readonly Step[]
  /** where the smaller of the two ends */
  readonly size: number
  readonly lowest: number
  readonly highest: number
  /** legs that only change the money, from 1; what is quoted in it is converted at their average */
  readonly converted_by: readonly number[]
}

/**
 * The purchase and the sale of one asset that follow each other; the legs before and after change
 * the money. Null: the chain has another shape.
 */
export function depthOf({ legs }: Pick<Opportunity, 'legs'>): Depth | null {
  const at = legs.findIndex((leg, index) => {
    const next = legs[index + 1]
    return leg.side === 'buy' && next?.side === 'sell' && assetOf(leg) === assetOf(next)
  })
  const [buy, sell] = [legs[at], legs[at + 1]]
  if (buy === undefined || sell === undefined) return null
  const asks = stepsOf(buy, costOf(legs.slice(0, at)))
  const bids = stepsOf(sell, yieldOf(legs.slice(at + 2)))
  if (asks.length === 0 || bids.length === 0) return null
  const prices = [...asks, ...bids].flatMap(({ price, net }) => [price, net])
  return {
    buy,
    sell,
    asset: assetOf(buy),
    asks,
    bids,
    size: Math.min(asks.at(-1)?.to ?? 0, bids.at(-1)?.to ?? 0),
    lowest: Math.min(...prices),
    highest: Math.max(...prices),
    converted_by: legs.flatMap((leg, index) => (leg === buy || leg === sell ? [] : [index + 1])),
  }
}

function assetOf(leg: Leg): string {
  return leg.symbol.slice(0, leg.symbol.indexOf('/'))
}

interface Factor {
  readonly gross: number
  readonly net: number
}

/** What one coin costs that comes out of these legs. */
function costOf(legs: readonly Leg[]): Factor {
  const { gross, net } = yieldOf(legs)
  return { gross: 1 / gross, net: 1 / net }
}

/** What comes out of these legs for one coin that goes in. */
function yieldOf(legs: readonly Leg[]): Factor {
  return legs.reduce(
    ({ gross, net }, leg) => {
      const [base, quote] = totals(leg)
      const rate = leg.side === 'buy' ? base / quote : quote / base
      return { gross: gross * rate, net: net * rate * kept(leg) }
    },
    { gross: 1, net: 1 },
  )
}

function totals(leg: Leg): [base: number, quote: number] {
  const base = leg.fills.reduce((sum, [, size]) => sum + Number(size), 0)
  const quote = leg.fills.reduce((sum, [price, size]) => sum + Number(price) * Number(size), 0)
  return [base * Number(leg.base_units ?? 1), quote * Number(leg.quote_units ?? 1)]
}

function kept({ fee_percent }: Leg): number {
  return 1 - Number(fee_percent) / 100
}

function stepsOf(leg: Leg, factor: Factor): Step[] {
  const base_units = Number(leg.base_units ?? 1)
  const quote_units = Number(leg.quote_units ?? 1)
  let from = 0
  return leg.fills.map(([price_text, size_text]) => {
    const price = (Number(price_text) * quote_units) / base_units
    const after_fee = leg.side === 'buy' ? price / kept(leg) : price * kept(leg)
    const to = from + Number(size_text) * base_units
    const step = { from, to, price: price * factor.gross, net: after_fee * factor.net }
    from = to
    return step
  })
}

/** The corners of a staircase, cut off at `size`. */
export function corners(
  steps: readonly Step[],
  size: number,
  key: 'price' | 'net',
): { readonly x: number; readonly y: number }[] {
  return steps
    .filter(({ from }) => from < size)
    .flatMap((step) => [
      { x: step.from, y: step[key] },
      { x: Math.min(step.to, size), y: step[key] },
    ])
}
