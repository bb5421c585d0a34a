/**
 * One exchange of a recording: its connections opened and ended as the plan says, its frames and
 * REST snapshots handed to the same intake that serves a live feed. What a feed would ask the
 * exchange for was asked when the recording was made; here nothing is asked.
 */
import type { Market } from '../../shared/market.ts'
import type { Books, MarketBook } from '../book/books.ts'
import type { Exchange, FrameError, FrameReader } from '../exchanges/exchange.ts'
import { Intake, type IntakeListener } from '../feed/intake.ts'
import type { Lane } from '../feed/lane.ts'
import type { Line } from '../feed/line.ts'
import type { ConnectionPlan } from './plan.ts'

/** As for a live connection: what has not joined the new one by then starts from scratch on it. */
const HANDOVER_LIMIT_MS = 10_000

interface Session {
  readonly line: Line
  readonly lanes: readonly Lane[]
  readonly opened_ms: number
}

export class Venue {
  readonly exchange: Exchange
  readonly entries: readonly MarketBook[]
  readonly intake: Intake
  /** frames on its hosts in a protocol that its adapter does not read */
  unread = 0
  private readonly readers: FrameReader[] = []
  private readonly sessions = new Map<ConnectionPlan, Session>()
  private readonly closed = new Set<ConnectionPlan>()
  private readonly snapshot_path: string | null

  /** `onBadFrame` hears of every frame that cannot be read. */
  constructor(
    exchange: Exchange,
    markets: readonly Market[],
    books: Books,
    onBadFrame: (error: FrameError) => void,
  ) {
    this.exchange = exchange
    this.entries = markets.map((market) => books.add(market))
    const nothing = () => {}
    const listener: IntakeListener = {
      lost: nothing,
      needsSnapshot: nothing,
      synced: nothing,
      subscribed: nothing,
      refused: nothing,
      closing: nothing,
      system: nothing,
      badFrame: onBadFrame,
    }
    this.intake = new Intake(this.countingReaders(), this.entries, books, listener)
    const path = exchange.snapshot?.path('')
    this.snapshot_path = path === undefined ? null : new URL(path, exchange.rest_url).pathname
  }

  /** Frames that were read as JSON trees. */
  get slow_path(): number {
    const counts = this.readers.map(({ slow_path }) => slow_path)
    const known = counts.filter((count) => count !== undefined)
    // a reader that does not count knows no other way
    if (known.length < counts.length) return this.intake.counters.frames
    return known.reduce((sum, count) => sum + count, 0)
  }

  /** The connection subscribes its markets: once in its life, later calls change nothing. */
  open(plan: ConnectionPlan, now_ms: number): void {
    if (this.sessions.has(plan) || this.closed.has(plan)) return
    const line = this.intake.line()
    const lanes = this.intake.lanes.filter(({ market }) => plan.markets.has(market))
    this.sessions.set(plan, { line, lanes, opened_ms: now_ms })
    const free = lanes.filter(({ carrier }) => carrier === null)
    for (const lane of lanes) {
      if (lane.carrier !== null) line.succeed(lane)
    }
    this.intake.begin(line, free, now_ms)
  }

  frame(plan: ConnectionPlan, data: Buffer, now_ms: number): void {
    const session = this.sessions.get(plan)
    if (session === undefined) throw new Error('a connection opens before it speaks')
    session.line.frame(data, now_ms)
  }

  /** It is gone: its markets wait on whichever connection took them over. */
  close(plan: ConnectionPlan, now_ms: number): void {
    const session = this.sessions.get(plan)
    if (session === undefined) return
    this.sessions.delete(plan)
    this.closed.add(plan)
    this.intake.end(session.line, now_ms)
    for (const next of this.sessions.values()) {
      const left = next.lanes.filter(
        (lane) => lane.carrier === null && lane.successor === next.line,
      )
      this.intake.begin(next.line, left, now_ms)
    }
  }

  /** A REST answer of this exchange; most are no snapshots. @throws FrameError when one is broken. */
  answer(url: URL, body: string, now_ms: number): void {
    if (url.pathname !== this.snapshot_path) return
    const values = new Set(url.searchParams.values())
    const lane = this.intake.lanes.find(({ market }) => values.has(market))
    if (lane !== undefined) this.intake.snapshot(lane, body, now_ms)
  }

  /** The exchange, with its readers remembered for what they count. */
  private countingReaders(): Exchange {
    const { exchange, readers } = this
    return {
      ...exchange,
      reader: (markets) => {
        const reader = exchange.reader(markets)
        readers.push(reader)
        return reader
      },
    }
  }

  sweep(now_ms: number): void {
    this.intake.sweep(now_ms)
    for (const { line, lanes, opened_ms } of this.sessions.values()) {
      if (now_ms - opened_ms <= HANDOVER_LIMIT_MS) continue
      const left = lanes.filter((lane) => lane.successor === line)
      if (left.length > 0) this.intake.begin(line, left, now_ms)
    }
  }
}
