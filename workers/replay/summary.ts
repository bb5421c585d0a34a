/** What a replay says last: what was read, what was refused and how the books stand. */
import { fixed } from '../../shared/decimal.ts'
import type { Side } from '../book/book.ts'
import type { MarketBook } from '../book/books.ts'
import type { Guard } from '../detection/candidate.ts'
import type { Player } from './player.ts'
import type { Venue } from './venue.ts'

interface ExchangeSummary {
  readonly frames: number
  readonly ignored: number
  readonly errors: number
  readonly snapshots: number
  readonly updates: number
  readonly dropped: number
  readonly checksums_ok: number
  readonly checksums_failed: number
  readonly gaps: number
  readonly resyncs: number
  /** frames that were read as JSON trees */
  readonly slow_path: number
}

type Level = readonly [price: string, size: string]

interface BookSummary {
  readonly exchange: string
  readonly symbol: string
  readonly market: string
  readonly state: MarketBook['state']
  readonly bids: readonly Level[]
  readonly asks: readonly Level[]
}

export interface Summary {
  readonly event: 'summary'
  /** frames received, of whatever exchange */
  readonly frames: number
  /** those that no adapter reads or that carry nothing for us */
  readonly ignored: number
  /** broken lines, REST answers and frames */
  readonly errors: number
  /** from the first line to the last, by the recording's clock */
  readonly elapsed_ms: number
  readonly exchanges: Readonly<Record<string, ExchangeSummary>>
  readonly rejected: Readonly<Record<Guard, number>>
  readonly books: readonly BookSummary[]
}

/** `depth` is the number of levels a side. */
export function summarize(player: Player, depth: number): Summary {
  const { venues, detector, frames, unread, errors, elapsed_ms } = player
  const sum = (count: 'ignored' | 'errors') =>
    venues.reduce((total, { intake }) => total + intake.counters[count], 0)
  return {
    event: 'summary',
    frames,
    ignored: unread + sum('ignored'),
    errors: errors + sum('errors'),
    elapsed_ms,
    exchanges: Object.fromEntries(
      venues.map((venue) => [venue.exchange.id, exchangeSummary(venue)]),
    ),
    rejected: detector.rejected,
    books: venues.flatMap(({ entries }) => entries.map((entry) => bookSummary(entry, depth))),
  }
}

function exchangeSummary(venue: Venue): ExchangeSummary {
  const { unread, intake } = venue
  const { counters } = intake
  return {
    frames: counters.frames + unread,
    ignored: counters.ignored + unread,
    errors: counters.errors,
    snapshots: counters.snapshots,
    updates: counters.updates,
    dropped: counters.dropped,
    checksums_ok: counters.checksums_ok,
    checksums_failed: counters.checksums_failed,
    gaps: counters.gaps,
    resyncs: counters.resyncs,
    slow_path: venue.slow_path,
  }
}

function bookSummary({ market, state, book }: MarketBook, depth: number): BookSummary {
  const levels = (side: Side): Level[] =>
    Array.from({ length: Math.min(depth, side.length) }, (_, rank) => [
      fixed(side.price(rank), book.price_decimals),
      fixed(side.size(rank), book.size_decimals),
    ])
  const { exchange, symbol } = market
  const [bids, asks] = [levels(book.bids), levels(book.asks)]
  return { exchange, symbol, market: market.market, state, bids, asks }
}
