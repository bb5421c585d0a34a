/**
 * What was told to us of every market, as far as we hold it: the true books at the last message that
 * was applied. The watchers judge by these and never by our own books.
 */
import type { Books, MarketBook } from '../book/books.ts'
import type { OracleMarket, World } from '../detection/oracle/world.ts'
import type { Port } from './port.ts'
import { COINS, nameOf } from './story.ts'
import type { TrueMarket, Version } from './true-market.ts'

export interface View {
  readonly entry: MarketBook
  readonly market: TrueMarket
  readonly port: Port
  /** what we hold; null before the first message */
  held: Version | null
  /** monotonic ms at which anything was last heard on the link that carries it */
  heard_ms: number
  /** as we were told */
  is_closed: boolean
  is_down: boolean
}

const OPEN = { is_closed: false, is_down: false }

/** Two sides, apart. */
export function isWhole({ held }: View): boolean {
  const [bid, ask] = [held?.bids[0]?.[0], held?.asks[0]?.[0]]
  return bid !== undefined && ask !== undefined && Number(bid) < Number(ask)
}

export const isHalted = ({ is_closed, is_down }: View) => is_closed || is_down

export class Views {
  readonly all: readonly View[]
  private readonly by_name = new Map<string, View>()

  constructor(books: Books, markets: ReadonlyMap<MarketBook, readonly [TrueMarket, Port]>) {
    this.all = books.all.map((entry): View => {
      const [market, port] = markets.get(entry) as readonly [TrueMarket, Port]
      return { entry, market, port, held: null, heard_ms: Number.NaN, ...OPEN }
    })
    for (const view of this.all) {
      const { exchange, market } = view.entry.market
      this.by_name.set(`${exchange} ${market}`, view)
    }
  }

  /** By the name that stories use; undefined when it is not of this world. */
  called(name: string): View | undefined {
    return this.all.find(({ market: { spec } }) => nameOf(spec) === name)
  }

  /** Of a leg, or of a market. */
  of({ exchange, market }: { readonly exchange: string; readonly market: string }): View {
    const view = this.by_name.get(`${exchange} ${market}`)
    if (view === undefined) throw new RangeError(`nobody watches ${exchange} ${market}`)
    return view
  }
}

/** Beyond reach of any chain: only there so that every coin has a price in dollars. */
const TELLERS = Object.entries(COINS)
  .filter(([coin]) => coin !== 'USD')
  .map(
    ([base, dollars]): OracleMarket => ({
      exchange: 'teller',
      base,
      quote: 'USD',
      coin: base,
      units: 1,
      bids: [[String(dollars), '1']],
      asks: [[String(dollars * 1.0001), '1']],
      fee_percent: '60',
      size_step: '0.0001',
      minimum_size: '0',
      minimum_notional: '0',
    }),
  )

/** These markets as the oracle is shown them. Dollars are not its question here. */
export function worldOf(views: readonly View[], min_percent: string): World {
  const markets = views.map(({ market: { spec }, entry, held }): OracleMarket => {
    const { base, quote, exchange, size_step, minimum_size, minimum_notional } = spec
    const fee_percent = entry.market.taker_fee_percent
    if (held === null || fee_percent === null) throw new RangeError('nothing is known of it')
    const { bids, asks } = held
    const rules = { fee_percent, size_step, minimum_size, minimum_notional }
    return { exchange, base, quote, coin: base, units: 1, bids, asks, ...rules }
  })
  return { markets: [...markets, ...TELLERS], min_percent, min_volume_usd: '0' }
}
