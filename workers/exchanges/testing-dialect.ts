/**
 * For tests: a true book that changes, what a dialect must be able to say of it, frames as one exchange
 * sends them, and what limits it publishes. Each exchange has its own in testing-<id>.ts.
 */

export type Change = readonly ['bid' | 'ask', string, string]

/** What an exchange knows: every level with the digits that it prints. */
export class TrueBook {
  readonly bids = new Map<string, string>()
  readonly asks = new Map<string, string>()
  id = 100
  time_ms = Date.UTC(2026, 0, 1)

  constructor(levels: readonly Change[] = []) {
    this.set(levels)
  }

  /** Applies changes as one batch: the id grows by the number of changes. */
  change(changes: readonly Change[]): readonly Change[] {
    this.set(changes)
    this.id += changes.length
    this.time_ms += 100
    return changes
  }

  /** Best first. */
  levels(side: 'bids' | 'asks', depth = Number.POSITIVE_INFINITY): [string, string][] {
    const sign = side === 'bids' ? -1 : 1
    const sorted = [...this[side]].sort(([a], [b]) => sign * (Number(a) - Number(b)))
    return sorted.slice(0, depth)
  }

  private set(levels: readonly Change[]): void {
    for (const [side, price, size] of levels) {
      const book = side === 'bid' ? this.bids : this.asks
      if (Number(size) === 0) book.delete(price)
      else book.set(price, size)
    }
  }
}

export interface Dialect {
  /** a market's name as the exchange spells it */
  readonly market: string
  /** one more, that the connection did not ask for */
  readonly stranger: string
  /** a size without digits deletes the level, as zero does */
  readonly empty_deletes?: boolean
  /** where snapshots come from */
  readonly snapshots: 'socket' | 'rest'
  snapshot(book: TrueBook, market?: string): string
  /** `batch` counts deltas since the snapshot, from 1 */
  delta(book: TrueBook, changes: readonly Change[], batch: number, market?: string): string
  /** levels a side that the exchange keeps for a subscriber, where it deletes none that leave */
  readonly window?: number
  /** frames that close and open the market, where the stream tells */
  readonly halting?: { readonly closed: string; readonly open: string }
  /** frames that the exchange sends and that carry no book */
  readonly others: readonly string[]
}

/** What clients may do, written down from the exchange's pages once more. */
export interface Published {
  /** a long name, as the exchange spells them */
  readonly name: (n: number) => string
  /** what one client frame subscribes */
  readonly topics: (frame: Record<string, unknown>) => string[]
  readonly frames_per_second?: number
  readonly topics_per_frame?: number
  readonly frame_bytes?: number
  readonly topics_per_connection?: number
  /** sum of the texts of all topics of a connection */
  readonly topic_characters?: number
  readonly first_frame_within_ms?: number
  readonly connects: { readonly count: number; readonly window_ms: number }
  readonly connections: number
  /** what it answers when it is asked for its time, and what that is in ms */
  readonly time: { readonly body: string; readonly at_ms: number }
}

export const sideOf = (changes: readonly Change[], side: 'bid' | 'ask') =>
  changes.filter(([which]) => which === side).map(([, price, size]) => [price, size])
