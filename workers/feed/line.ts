/**
 * The decoding half of one connection: its reader and which markets it carries. It hands decoded
 * content to the intake and keeps no opinion of its own.
 */
import type { BookUpdate } from '../book/update.ts'
import {
  FrameError,
  type FrameHandler,
  type FrameKind,
  type FrameReader,
  type MarketTable,
  type Pong,
} from '../exchanges/exchange.ts'
import type { Carrier, Lane } from './lane.ts'
import { Transit, type TransitFloor } from './transit.ts'

/** What a line needs of the intake that it belongs to. */
export interface LineOwner {
  readonly lanes: readonly Lane[]
  accountFrame(kind: FrameKind, now_ms: number): void
  slowFrame(): void
  bookFrame(line: Line, update: BookUpdate, now_ms: number): void
  badFrame(line: Line, error: FrameError, now_ms: number): void
  systemFrame(state: 'online' | 'maintenance', reason: string, now_ms: number): void
  tradingFrame(market: string, open: boolean, now_ms: number): void
  subscribedFrame(market: string): void
  refusedFrame(line: Line, market: string | null, reason: string): void
  closingFrame(line: Line, reason: string): void
}

export class Line implements Carrier, FrameHandler {
  heard_ms = Number.NaN
  readonly transit: Transit
  /** wants to know what pongs tell of the exchange's clock; null: nobody does */
  onPong: ((pong: Pong, received_ms: number) => void) | null = null
  private readonly owner: LineOwner
  private readonly reader: FrameReader

  constructor(
    owner: LineOwner,
    reader: (markets: MarketTable) => FrameReader,
    markets: MarketTable,
    floor: TransitFloor,
  ) {
    this.owner = owner
    this.transit = new Transit(floor)
    this.reader = reader(markets)
  }

  /** One frame as received at `now_ms` of our monotonic clock. Never throws for what it says. */
  frame(data: Buffer, now_ms: number): void {
    this.heard_ms = now_ms
    const slow_before = this.reader.slow_path
    try {
      this.owner.accountFrame(this.reader.read(data, this), now_ms)
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      this.owner.badFrame(this, error, now_ms)
    }
    if (slow_before === undefined || this.reader.slow_path !== slow_before) this.owner.slowFrame()
  }

  /** A ping or pong: the link lives, and what was sent before it has arrived. */
  heard(now_ms: number): void {
    this.heard_ms = now_ms
  }

  /** From now on this line's frames are the ones that count for the market. */
  carry(lane: Lane): void {
    lane.carrier = this
    lane.successor = null
    lane.ahead_id = Number.NEGATIVE_INFINITY
  }

  /** Will carry the market as soon as its frames join the book; the present carrier goes on. */
  succeed(lane: Lane): void {
    lane.successor = this
    lane.ahead_id = Number.NEGATIVE_INFINITY
  }

  book(update: BookUpdate): void {
    if (!update.snapshot) this.transit.observe(update.exchange_time_ms, this.heard_ms)
    this.owner.bookFrame(this, update, this.heard_ms)
  }

  subscribed(market: string): void {
    this.owner.subscribedFrame(market)
  }

  refused(market: string | null, reason: string): void {
    this.owner.refusedFrame(this, market, reason)
  }

  system(state: 'online' | 'maintenance', reason: string): void {
    this.owner.systemFrame(state, reason, this.heard_ms)
  }

  trading(market: string, open: boolean): void {
    this.owner.tradingFrame(market, open, this.heard_ms)
  }

  closing(reason: string): void {
    this.owner.closingFrame(this, reason)
  }

  pong(pong: Pong): void {
    this.onPong?.(pong, this.heard_ms)
  }
}
