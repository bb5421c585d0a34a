/**
 * Our side of one exchange: the feed's own intake, recovery and rules of the hand-over, on simulated
 * links instead of sockets and timers. What feed.ts and connection.ts join is joined here the same
 * way.
 */
import type { Clock } from '../../shared/clock.ts'
import { silentLog } from '../../shared/log.ts'
import type { Books, MarketBook } from '../book/books.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import { backoff_ms } from '../feed/backoff.ts'
import { isComplete, quietMarkets } from '../feed/handover.ts'
import { Intake, type IntakeListener, type LossCause } from '../feed/intake.ts'
import type { Lane } from '../feed/lane.ts'
import type { Line } from '../feed/line.ts'
import { Recovery } from '../feed/recovery.ts'
import { TransitFloor } from '../feed/transit.ts'
import type { Frame, Link, Outside, Receiver } from './outside.ts'
import type { Queue } from './queue.ts'
import type { Tally } from './tally.ts'

/** Whoever watches what comes to a port. */
export interface PortListener {
  /** taken in */
  readonly frame: (port: Port, frame: Frame) => void
  /** REST answered: whoever waits for it has not gone on yet */
  readonly answered: () => void
  /** a pong, or a link that opened */
  readonly heard: (port: Port) => void
  /** nothing carries its markets any more */
  readonly gone: (port: Port) => void
}

export interface PortOptions {
  readonly outside: Outside
  readonly books: Books
  readonly entries: readonly MarketBook[]
  readonly clock: Clock
  readonly random: () => number
  readonly timers: Queue
  readonly tally: Tally
  readonly listener: PortListener
}

interface Session {
  readonly link: Link
  readonly line: Line
  /** NaN before it opened */
  opened_ms: number
}

/** as a socket does */
const PROBE_EVERY_MS = 1_000
const REDIAL = { base_ms: 500, cap_ms: 30_000 }

export class Port implements IntakeListener, Receiver {
  readonly exchange: Exchange
  readonly intake: Intake
  readonly outside: Outside
  private readonly recovery: Recovery
  private readonly options: PortOptions
  private readonly floor = new TransitFloor()
  private session: Session | null = null
  private successor: Session | null = null
  private attempts = 0
  private probed_ms = 0

  constructor(options: PortOptions) {
    const { outside, entries, books, clock, random } = options
    this.options = options
    this.outside = outside
    this.exchange = outside.exchange
    this.intake = new Intake(this.exchange, entries, books, this)
    this.recovery = new Recovery({
      exchange: this.exchange,
      intake: this.intake,
      fleet: { resubscribe: (lanes) => this.resubscribe(lanes) },
      rest: {
        stopped: false,
        take: () => 0,
        get: (path) => outside.get(path, this.now(), options.listener.answered),
      },
      clock,
      log: silentLog,
      random,
      tap: undefined,
      onRefused: () => {},
      onBadFrame: (error) => {
        throw error
      },
    })
    this.session = this.dial()
  }

  isBehind(entry: MarketBook): boolean {
    return this.intake.lane(entry.market.market)?.carrier?.transit.behind === true
  }

  /** What a feed does a few times a second. */
  sweep(): void {
    const now_ms = this.now()
    this.intake.sweep(now_ms)
    this.sweepLinks(now_ms)
    this.recovery.sweep()
  }

  /** The exchange announced that it will close the connection. */
  replace(): void {
    if (this.session === null || this.successor !== null) return
    this.successor = this.dial()
    this.options.tally.count('hand-overs')
  }

  opened(link: Link, now_ms: number): void {
    const session = this.sessionOf(link)
    if (session === null) return
    session.opened_ms = now_ms
    session.line.heard(now_ms)
    this.options.listener.heard(this)
    const { lanes } = this.intake
    if (session === this.successor) for (const lane of lanes) session.line.succeed(lane)
    else this.begin(session, lanes)
    const names = lanes.map(({ market }) => market)
    this.outside.subscribe(link, names, now_ms)
  }

  frame(link: Link, frame: Frame, now_ms: number): void {
    const session = this.sessionOf(link)
    if (session === null) return
    session.line.frame(frame.data, now_ms)
    this.options.listener.frame(this, frame)
  }

  heard(link: Link, now_ms: number): void {
    this.sessionOf(link)?.line.heard(now_ms)
    this.options.listener.heard(this)
  }

  closed(link: Link, now_ms: number): void {
    const session = this.sessionOf(link)
    if (session === null) return
    this.outside.hangUp(link)
    if (session === this.session && this.isOpen(this.successor)) this.handOver(this.successor)
    this.intake.end(session.line, now_ms)
    if (session === this.successor) {
      this.successor = null
      return
    }
    this.options.tally.count('disconnects')
    this.session = null
    if (this.isOpen(this.successor)) {
      this.promote(this.successor)
      return
    }
    this.giveUp()
    this.options.listener.gone(this)
    const wait_ms = backoff_ms(this.attempts++, REDIAL, this.options.random)
    this.options.timers.add(now_ms + wait_ms, () => {
      this.session = this.dial()
    })
  }

  lost(lane: Lane, cause: LossCause): void {
    this.options.tally.count(`lost: ${cause}`)
    if (cause === 'quiet') this.recovery.quiet(lane)
  }

  needsSnapshot(lane: Lane): void {
    this.recovery.need(lane)
  }

  synced(lane: Lane): void {
    this.recovery.synced(lane)
  }

  subscribed(): void {}

  refused(): void {}

  closing(): void {
    this.replace()
  }

  system(state: 'online' | 'maintenance'): void {
    if (state === 'maintenance') this.options.tally.count('maintenances')
  }

  badFrame(error: Error): void {
    throw error
  }

  private dial(): Session {
    const line = this.intake.line(this.floor)
    return { line, link: this.outside.dial(this, this.now()), opened_ms: Number.NaN }
  }

  private begin({ line }: Session, lanes: readonly Lane[]): void {
    this.intake.begin(line, lanes, this.now())
    this.recovery.expect(lanes)
  }

  private resubscribe(lanes: readonly Lane[]): readonly Lane[] {
    const { session } = this
    const own = lanes.filter(({ carrier }) => carrier !== null && carrier === session?.line)
    if (session === null || own.length === 0) return []
    const names = own.map(({ market }) => market)
    this.outside.subscribe(session.link, names, this.now())
    return own
  }

  private sweepLinks(now_ms: number): void {
    const { session, successor } = this
    if (session !== null && this.isOpen(session)) this.probe(session, now_ms)
    if (successor === null || !this.isOpen(successor)) return
    if (isComplete(this.intake.lanes, successor.line, now_ms - successor.opened_ms)) {
      this.promote(successor)
    }
  }

  /** As a socket does: asks a quiet link whether it lives, and gives a dead one up. */
  private probe({ link, line }: Session, now_ms: number): void {
    const { idle_ms } = this.exchange.keepalive
    const silent_ms = now_ms - line.heard_ms
    if (silent_ms >= idle_ms) {
      this.closed(link, now_ms)
    } else if (now_ms - this.probed_ms >= PROBE_EVERY_MS) {
      this.probed_ms = now_ms
      if (silent_ms >= PROBE_EVERY_MS / 2) this.outside.ping(link, now_ms)
    }
  }

  private promote(next: Session): void {
    this.handOver(next)
    const previous = this.session
    this.successor = null
    this.session = next
    const left = this.intake.lanes.filter(({ carrier }) => carrier !== next.line)
    if (left.length > 0) this.begin(next, left)
    if (previous === null) return
    this.outside.hangUp(previous.link)
    this.intake.end(previous.line, this.now())
  }

  /** What was to take over has not opened yet. */
  private giveUp(): void {
    if (this.successor !== null) this.outside.hangUp(this.successor.link)
    this.successor = null
  }

  private handOver({ line, opened_ms }: Session): void {
    const { continuity, limits } = this.exchange
    const { markets_per_frame } = limits
    const plan = { continuity, markets_per_frame }
    const open_ms = this.now() - opened_ms
    for (const lane of quietMarkets(this.intake.lanes, line, open_ms, plan)) line.carry(lane)
  }

  private isOpen(session: Session | null): session is Session {
    return session !== null && !Number.isNaN(session.opened_ms)
  }

  private sessionOf(link: Link): Session | null {
    if (this.session?.link === link) return this.session
    return this.successor?.link === link ? this.successor : null
  }

  private now(): number {
    return this.options.clock.monotonic_ms()
  }
}
