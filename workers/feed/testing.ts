/** For tests: an intake of one exchange with everything that it says written down. */

import { Books, type MarketBook } from '../book/books.ts'
import type { Exchange, FrameError } from '../exchanges/exchange.ts'
import { testMarket } from '../exchanges/testing.ts'
import { Intake, type IntakeListener } from './intake.ts'
import type { Lane } from './lane.ts'
import type { Line } from './line.ts'

export interface Said {
  readonly lost: string[]
  readonly needed: string[]
  readonly refused: (string | null)[]
  readonly closing: string[]
  readonly errors: string[]
}

/** Time stands still until a test moves it. */
export class Bench {
  now_ms = 1_000
  readonly said: Said = { lost: [], needed: [], refused: [], closing: [], errors: [] }
  readonly books = new Books()
  readonly intake: Intake
  readonly line: Line
  readonly lanes: readonly Lane[]

  constructor(exchange: Exchange, markets: readonly string[]) {
    const { said } = this
    const listener: IntakeListener = {
      lost: (lane, cause) => said.lost.push(`${lane.market} ${cause}`),
      needsSnapshot: (lane) => said.needed.push(lane.market),
      synced: () => {},
      subscribed: () => {},
      refused: (_line, market) => said.refused.push(market),
      closing: (_line, reason) => said.closing.push(reason),
      system: () => {},
      badFrame: (error: FrameError) => said.errors.push(error.message),
    }
    const entries = markets.map((market) => this.books.add(testMarket(exchange.id, market)))
    this.intake = new Intake(exchange, entries, this.books, listener)
    this.lanes = this.intake.lanes
    this.line = this.intake.line()
    this.intake.begin(this.line, this.lanes, this.now_ms)
  }

  /** The only lane, where there is one. */
  get lane(): Lane {
    const [lane] = this.lanes
    if (lane === undefined) throw new Error('no market')
    return lane
  }

  get entry(): MarketBook {
    return this.lane.entry
  }

  frame(text: string, line: Line = this.line): void {
    line.frame(Buffer.from(text), this.now_ms)
  }

  /** The book as sorted levels, best first. */
  levels(side: 'bids' | 'asks'): [number, number][] {
    const levels = this.entry.book[side]
    return Array.from({ length: levels.length }, (_, rank) => [
      levels.price(rank),
      levels.size(rank),
    ])
  }
}
