/**
 * The history as CSV: its columns, and the stream that writes them page by page. It holds one page
 * at a time and asks for the next only when the reader has taken it. When the database goes away in
 * the middle the transfer breaks off, so that a part never looks like the whole.
 */
import { MARKOUTS_AFTER_MS, type Opportunity } from '../shared/opportunity.ts'
import { type Cell, csvRow } from './csv.ts'
import type { Answer } from './store/answer.ts'

interface Column {
  readonly name: string
  readonly meaning: string
  readonly value: (one: Opportunity) => Cell
}

const same = (name: keyof Opportunity & string, meaning: string): Column => ({
  name,
  meaning,
  value: (one) => one[name] as Cell,
})

/** In this order, for ever: new ones are added at the end. */
export const COLUMNS: readonly Column[] = [
  same('id', 'id of the opportunity'),
  same('type', 'cross_exchange, triangular or multi_leg'),
  same('symbol', 'canonical BASE/QUOTE; of a cycle that of its first leg'),
  same('buy_exchange', 'exchange of the first leg'),
  same('sell_exchange', 'exchange of the last leg'),
  same('buy_price', 'average over the size'),
  same('sell_price', 'average over the size'),
  same('gross_percent', 'profit before fees, in percent'),
  same('profit_percent', 'profit after taker fees, in percent'),
  same('profit_usd', 'the same in US dollars'),
  same('volume_usd', 'what was put in, in US dollars'),
  same('base_size', 'quantity of the base asset'),
  same('depth_exhausted', 'true when the known depth of a book was used up'),
  same('transfer', 'open, closed or unknown'),
  same('skew_ms', 'difference of age between the books'),
  same('simulated', 'true when a leg came from the sandbox'),
  {
    name: 'legs',
    meaning: 'every trade in order, such as "buy BTC/USDT on kraken | sell BTC/USDT on binance"',
    value: ({ legs }) =>
      legs.map(({ side, symbol, exchange }) => `${side} ${symbol} on ${exchange}`).join(' | '),
  },
  same('detected_at', 'RFC 3339 UTC'),
  same('updated_at', 'RFC 3339 UTC'),
  same('expired_at', 'RFC 3339 UTC'),
  same('duration_ms', 'from detected_at to expired_at'),
  same('expiry_reason', 'closed, stale, halted, gap, disconnected or shutdown'),
  same('peak_profit_percent', 'the best profit of its life, after taker fees'),
  ...MARKOUTS_AFTER_MS.map((after_ms) => ({
    name: `markout_${after_ms}_ms_percent`,
    meaning: `profit of a taker who came ${after_ms} ms late; empty: not known`,
    value: ({ markouts }: Opportunity) =>
      markouts.find((markout) => markout.after_ms === after_ms)?.profit_percent ?? null,
  })),
]

export interface Page<Position> {
  readonly opportunities: readonly Opportunity[]
  /** null at the end */
  readonly next: Position | null
}

/** `first` is already there, so that a store that is away can still be refused properly. */
export function csvOf<Position>(
  first: Page<Position>,
  pageAfter: (position: Position) => Promise<Answer<Page<Position>>>,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let page: Page<Position> | null = first
  let text = csvRow(COLUMNS.map(({ name }) => name))
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (page === null) return controller.close()
        for (const one of page.opportunities) text += csvRow(COLUMNS.map((c) => c.value(one)))
        const { next } = page
        if (text !== '') controller.enqueue(encoder.encode(text))
        text = ''
        if (next === null) {
          page = null
          return controller.close()
        }
        const answer = await pageAfter(next)
        if (!answer.ok) return controller.error(new Error(`${answer.store}: ${answer.reason}`))
        page = answer.value
      },
    },
    { highWaterMark: 0 },
  )
}
