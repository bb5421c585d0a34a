/**
 * What the page of the spreads makes of them: who buys and who sells in the matrix, and how warm a
 * cell is. Pure. Colours follow floats; the figures beside them are the API's own text.
 */
import type { Route, Spread } from '../../../shared/spread.ts'

export interface Matrix {
  /** those whose book is live, by name */
  readonly exchanges: readonly string[]
  /** null: no such route, as from an exchange to itself */
  cell(buy_exchange: string, sell_exchange: string): Route | null
}

export function matrixOf({ quotes, routes }: Spread): Matrix {
  const known = new Map(routes.map((one) => [`${one.buy_exchange} ${one.sell_exchange}`, one]))
  return {
    exchanges: [...new Set(quotes.map(({ exchange }) => exchange))].sort(),
    cell: (buy, sell) => known.get(`${buy} ${sell}`) ?? null,
  }
}

/** This much, gained or lost, is as strong as a colour gets. */
const STRONGEST_PERCENT = 1
const STEPS = 4

/** "up-1" to "up-4" for what pays, "down-1" to "down-4" for what costs, "unknown" without a fee. */
export function warmth(net_percent: string | null): string {
  if (net_percent === null) return 'unknown'
  const net = Number(net_percent)
  const share = Math.min(Math.abs(net) / STRONGEST_PERCENT, 1)
  const step = Math.max(Math.ceil(share * STEPS), 1)
  return `${net > 0 ? 'up' : 'down'}-${step}`
}

/** Symbols that hold the text, in the order given. */
export function matching(spreads: readonly Spread[], text: string): Spread[] {
  const wanted = text.trim().toUpperCase()
  return spreads.filter(({ symbol }) => symbol.includes(wanted))
}
