/**
 * Frames of one exchange in, trustworthy books out: reader → sequencer → book → checksum → state.
 * Pure: no socket, no timer, the clock is passed in, so a replay drives it as a live feed does.
 * It never repairs a book; it says that a market needs a snapshot and waits for one.
 */
import type { Books, MarketBook, StaleReason } from '../book/books.ts'
import { BookUpdate } from '../book/update.ts'
import {
  type Exchange,
  type FrameError,
  type FrameKind,
  SequenceError,
} from '../exchanges/exchange.ts'
import { Frozen } from './frozen.ts'
import { IntakeCounters } from './intake-counters.ts'
import type { IntakeListener, LossCause } from './intake-listener.ts'
import { Lane } from './lane.ts'
import { Line, type LineOwner } from './line.ts'
import { TransitFloor } from './transit.ts'

export type { IntakeListener, LossCause }

/** Bids may meet asks for a moment while an exchange matches; longer means a lost deletion. */
const CROSSED_LIMIT_MS = 500

export class Intake implements LineOwner {
  readonly counters = new IntakeCounters()
  /** in the order in which they came; readers know a market by its place here */
  readonly lanes: Lane[] = []
  system: 'online' | 'maintenance' = 'online'
  /** our monotonic clock at the last frame of any connection, ms; NaN before the first */
  frame_ms = Number.NaN
  private readonly exchange: Exchange
  private readonly books: Books
  private readonly listener: IntakeListener
  private readonly index_of = new Map<string, number>()
  private readonly snapshot_update = new BookUpdate()
  /** null where an unusual silence says nothing */
  private readonly frozen: Frozen | null

  constructor(
    exchange: Exchange,
    entries: readonly MarketBook[],
    books: Books,
    listener: IntakeListener,
  ) {
    this.exchange = exchange
    this.books = books
    this.listener = listener
    const { unusual_silence } = exchange.keepalive
    this.frozen = unusual_silence === undefined ? null : new Frozen(unusual_silence)
    for (const entry of entries) this.watch(entry)
  }

  /** Takes a market in, or back after it had left. It is carried by nobody yet. */
  watch(entry: MarketBook): Lane {
    const known = this.lane(entry.market.market)
    if (known !== undefined) {
      known.watched = true
      known.trading = true
      return known
    }
    const lane = new Lane(entry, this.exchange)
    this.index_of.set(lane.market, this.lanes.push(lane) - 1)
    return lane
  }

  /** The market is halted and nothing that may still come for it counts. */
  leave(lane: Lane, now_ms: number): void {
    lane.watched = false
    lane.trading = false
    lane.successor = null
    this.drop(lane)
    lane.lost = null
    this.refresh(lane, now_ms)
  }

  /**
   * A new connection's decoder. It carries nothing until told so. `floor` outlives connections that
   * follow each other; `reader` is that of the protocol spoken.
   */
  line(floor = new TransitFloor(), reader = this.exchange.reader): Line {
    const find = (market: string) => this.index_of.get(market) ?? -1
    return new Line(this, reader, { find }, floor)
  }

  lane(market: string): Lane | undefined {
    return this.lanes[this.index_of.get(market) ?? -1]
  }

  /** `line` is subscribing these markets from scratch. */
  begin(line: Line, lanes: readonly Lane[], now_ms: number): void {
    for (const lane of lanes) {
      line.carry(lane)
      lane.sequencer.lose()
      this.refresh(lane, now_ms)
    }
  }

  /** The line is gone: what only it carried is stale at once. */
  end(line: Line, now_ms: number): void {
    for (const lane of this.lanes) {
      if (lane.successor === line) lane.successor = null
      if (lane.carrier !== line) continue
      this.drop(lane)
      if (lane.entry.state !== 'cold') lane.lost = 'disconnected'
      this.refresh(lane, now_ms)
    }
  }

  /** A REST snapshot of a market. @throws FrameError when it is none. */
  snapshot(lane: Lane, body: string, now_ms: number): void {
    if (lane.carrier === null) return
    const update = this.snapshot_update
    this.exchange.snapshot?.parse(body, update)
    update.market = this.lanes.indexOf(lane)
    this.take(lane, update, now_ms)
  }

  /** An audit found the book wrong, though no frame was missing. */
  distrust(lane: Lane, now_ms: number): void {
    this.lose(lane, 'gap', 'audit', now_ms)
  }

  /** Confirms quiet books of live connections and finds what no frame reveals. Call it often. */
  sweep(now_ms: number): void {
    for (const lane of this.lanes) {
      if (!lane.synced || lane.carrier === null) continue
      if (now_ms - lane.crossed_since_ms > CROSSED_LIMIT_MS) {
        this.lose(lane, 'gap', 'crossed', now_ms)
      } else if (this.tooQuiet(lane, now_ms)) {
        this.lose(lane, 'stale', 'quiet', now_ms)
      } else if (lane.carrier.heard_ms > lane.entry.confirmed_ms) {
        // frames arrive in order, so whatever is heard proves that no earlier change is missing
        lane.entry.confirmed_ms = lane.carrier.heard_ms
      }
    }
    if (this.system !== 'online') return
    for (const lane of this.frozen?.notice(this.lanes, now_ms) ?? []) {
      this.lose(lane, 'stale', 'quiet', now_ms)
    }
  }

  accountFrame(kind: FrameKind, now_ms: number): void {
    this.frame_ms = now_ms
    this.counters.frames++
    if (kind === 'ignored') this.counters.ignored++
  }

  slowFrame(): void {
    this.counters.slow_path++
  }

  bookFrame(line: Line, update: BookUpdate, now_ms: number): void {
    const lane = this.lanes[update.market]
    if (lane === undefined) throw new Error(`a reader made up market ${update.market}`)
    if (lane.carrier !== line) {
      if (lane.successor !== line) return
      if (!lane.sequencer.joins(update)) {
        lane.ahead_id = update.last_id
        return
      }
      line.carry(lane)
    }
    this.take(lane, update, now_ms)
  }

  badFrame(line: Line, error: FrameError, now_ms: number): void {
    this.accountFrame('control', now_ms)
    this.counters.errors++
    const named = this.lanes[error.market]
    const cause = error instanceof SequenceError ? 'sequence' : 'frame'
    // ids and checksums would reveal a lost change; without them any market may have lost one
    const any = named === undefined && this.exchange.continuity === 'none'
    for (const lane of any ? this.lanes : [named]) {
      if (lane?.carrier === line) this.lose(lane, 'gap', cause, now_ms)
    }
    this.listener.badFrame(error, line)
  }

  systemFrame(state: 'online' | 'maintenance', reason: string, now_ms: number): void {
    if (state === this.system) return
    this.system = state
    for (const lane of this.lanes) this.refresh(lane, now_ms)
    this.listener.system(state, reason)
  }

  tradingFrame(market: string, open: boolean, now_ms: number): void {
    const lane = this.lane(market)
    if (lane === undefined) return
    lane.trading = open
    this.refresh(lane, now_ms)
  }

  subscribedFrame(market: string): void {
    this.listener.subscribed(market)
  }

  refusedFrame(line: Line, market: string | null, reason: string): void {
    this.listener.refused(line, market, reason)
  }

  closingFrame(line: Line, reason: string): void {
    this.listener.closing(line, reason)
  }

  private drop(lane: Lane): void {
    lane.carrier = null
    lane.crossed_since_ms = Number.NaN
    lane.sequencer.lose()
  }

  private take(lane: Lane, update: BookUpdate, now_ms: number): void {
    const { sequencer } = lane
    const buffered = sequencer.phase === 'waiting' ? sequencer.buffered : 0
    const verdict = sequencer.judge(update)
    if (!update.snapshot) lane.frame_ms = now_ms
    switch (verdict) {
      case 'accept':
        this.commit(lane, update, now_ms)
        break
      case 'drop':
        this.counters.dropped++
        this.refresh(lane, now_ms)
        break
      case 'gap':
        this.lost(lane, 'gap', 'sequence', now_ms)
        break
      case 'wait': {
        const first_of_buffer = buffered === 0 && sequencer.buffered > 0
        if (update.snapshot || first_of_buffer) this.listener.needsSnapshot(lane)
      }
    }
  }

  private commit(lane: Lane, update: BookUpdate, now_ms: number): void {
    const { book } = lane
    const top_changed = book.apply(update, now_ms)
    lane.touches?.note(update)
    if (update.snapshot) {
      this.counters.snapshots++
      lane.frame_ms = now_ms
    } else {
      this.counters.updates++
    }
    if (!this.checksumHolds(lane, update)) {
      this.lose(lane, 'gap', 'checksum', now_ms)
      return
    }
    lane.entry.confirmed_ms = now_ms
    if (top_changed) {
      if (!book.crossed) lane.crossed_since_ms = Number.NaN
      else if (Number.isNaN(lane.crossed_since_ms)) lane.crossed_since_ms = now_ms
      this.books.touch(lane.entry)
    }
    if (!lane.settled) this.refresh(lane, now_ms)
    if (update.snapshot) {
      for (const waiting of lane.sequencer.takeBuffered()) this.take(lane, waiting, now_ms)
    }
  }

  /** Quiet is normal, but so long a silence may be a subscription that the exchange forgot. */
  private tooQuiet(lane: Lane, now_ms: number): boolean {
    if (this.system !== 'online' || !lane.trading) return false
    return now_ms - lane.frame_ms > this.exchange.keepalive.quiet_ms
  }

  private checksumHolds(lane: Lane, update: BookUpdate): boolean {
    if (update.checksum < 0 || lane.checksum === null) return true
    const holds = lane.checksum.of(lane.book, update) === update.checksum
    if (holds) this.counters.checksums_ok++
    else this.counters.checksums_failed++
    return holds
  }

  private lose(lane: Lane, reason: StaleReason, cause: LossCause, now_ms: number): void {
    if (lane.sequencer.phase === 'waiting') return
    lane.sequencer.lose()
    this.lost(lane, reason, cause, now_ms)
  }

  private lost(lane: Lane, reason: StaleReason, cause: LossCause, now_ms: number): void {
    if (cause !== 'quiet') this.counters.gaps++
    lane.lost = reason
    lane.crossed_since_ms = Number.NaN
    this.refresh(lane, now_ms)
    this.listener.lost(lane, cause)
    // a REST snapshot is worth asking for only once the stream that it must meet is there again
    const stream_first = this.exchange.snapshot !== undefined && lane.sequencer.buffered === 0
    if (!stream_first) this.listener.needsSnapshot(lane)
  }

  private refresh(lane: Lane, now_ms: number): void {
    if (lane.synced && !lane.announced) {
      if (lane.lost !== null) this.counters.resyncs++
      lane.lost = null
      this.listener.synced(lane)
    }
    lane.announced = lane.synced
    const state = lane.state(this.system === 'online')
    const reason = state === 'halted' ? 'halted' : state === 'stale' ? lane.lost : null
    this.books.move(lane.entry, state, reason, now_ms)
  }
}
