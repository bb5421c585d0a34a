/**
 * What could really have been taken: after every step of the model it looks at the books as the
 * exchanges publish them, not at how they came about, and writes one JSON line for each gap when it
 * ends. Markets of more than some thirty coins are searched for chains of up to three coins only.
 */
import { type Decimal, format } from '../../shared/decimal.ts'
import { named } from './chain.ts'
import { ChainFinder, type Found } from './finder.ts'
import type { MarketModel } from './model.ts'
import { PublishedBooks } from './published.ts'
import type { Family } from './routes.ts'

export interface TruthOptions {
  readonly model: MarketModel
  /** net of all taker fees */
  readonly min_percent: number
  readonly min_volume_usd: number
  /** receives one JSON document, without line end, for each gap that has ended */
  readonly write: (line: string) => void
}

export interface Truth {
  /** To be called after each step of the model, with the step's time. */
  afterStep(now_ms: number): void
  /** Writes the gaps that are still open and stops listening to the model. */
  close(now_ms: number): void
}

interface Gap {
  readonly from_ms: number
  /** at its best moment */
  best: Found
}

export function createTruth({ model, min_percent, min_volume_usd, write }: TruthOptions): Truth {
  const books = new PublishedBooks(model)
  const finder = new ChainFinder({
    books,
    tradable: (market) => model.isOpen(market),
    usdPrice: (coin) => model.usdPrice(coin),
    min_percent,
    min_volume_usd,
  })
  const open = new Map<Family, Gap>()
  const end = (family: Family, gap: Gap, to_ms: number) => {
    open.delete(family)
    write(JSON.stringify(lineOf(model, family, gap, to_ms)))
  }
  return {
    afterStep(now_ms) {
      for (const [family, found] of finder.look(books.push(now_ms))) {
        const gap = open.get(family)
        if (found && gap)
          gap.best = found.profit_percent > gap.best.profit_percent ? found : gap.best
        else if (found) open.set(family, { from_ms: now_ms, best: found })
        else if (gap) end(family, gap, now_ms)
      }
    },
    close(now_ms) {
      books.close()
      for (const [family, gap] of open) end(family, gap, now_ms)
    },
  }
}

const PERCENT_DIGITS = 4

function lineOf(model: MarketModel, family: Family, { from_ms, best }: Gap, to_ms: number) {
  const legs = best.legs.map(({ market, side }) => named(marketOf(model, market), side))
  const [first, last] = [legs[0], family.type === 'cross_exchange' ? legs[1] : legs.at(-1)]
  const entry = marketOf(model, best.legs[0]?.market ?? -1)
  const lots: Decimal = { mantissa: BigInt(best.taken.base_lots), scale: entry.size_decimals }
  return {
    from_ms,
    to_ms,
    type: family.type,
    symbol: first?.symbol,
    buy_exchange: first?.exchange,
    sell_exchange: last?.exchange,
    profit_percent: percentText(best.profit_percent),
    base_size: format(lots),
    volume_usd: best.volume_usd.toFixed(2),
    key: family.key,
    legs,
  }
}

/** Rounded down, so that a profit is never overstated. */
function percentText(percent: number): string {
  const scale = 10 ** PERCENT_DIGITS
  return (Math.floor(percent * scale) / scale).toFixed(PERCENT_DIGITS)
}

function marketOf(model: MarketModel, index: number) {
  const market = model.markets[index]
  if (market === undefined) throw new RangeError(`no market ${index}`)
  return market
}
