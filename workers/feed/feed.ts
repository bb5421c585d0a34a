/**
 * One exchange, live: its markets on its connections, and an account of how it goes. It prices
 * nothing and decides no continuity.
 */
import type { Clock } from '../../shared/clock.ts'
import type { ExchangeStatus } from '../../shared/health.ts'
import type { Log } from '../../shared/log.ts'
import type { Market } from '../../shared/market.ts'
import type { Books, MarketBook } from '../book/books.ts'
import { type Exchange, type FrameError, SequenceError } from '../exchanges/exchange.ts'
import { Addresses, doorsOf, restAddressesOf } from './addresses.ts'
import { Auditor } from './auditor.ts'
import type { Random } from './backoff.ts'
import { Budget } from './budget.ts'
import { Fleet } from './fleet.ts'
import { Intake, type IntakeListener, type LossCause } from './intake.ts'
import type { Lane } from './lane.ts'
import type { Line } from './line.ts'
import { Membership } from './membership.ts'
import { Rate } from './rate.ts'
import { Recovery } from './recovery.ts'
import { Rest } from './rest.ts'
import { ServerClock } from './server-clock.ts'
import type { SocketEnd } from './socket.ts'
import { exchangeStatus } from './status.ts'
import type { Tap } from './tap.ts'
import { TradingStatus } from './trading-status.ts'

const SWEEP_EVERY_MS = 200
/** unreadable frames are counted one by one and logged at most so often */
const BAD_FRAME_LOG_MS = 10_000
export interface FeedOptions {
  readonly exchange: Exchange
  readonly websocket_url: string
  readonly rest_url: string
  /** this exchange's markets to watch */
  readonly markets: readonly Market[]
  readonly books: Books
  readonly clock: Clock
  readonly log: Log
  readonly random: Random
  /** the exchange said something that its list of markets should explain */
  readonly onListChanged?: () => void
  /** a recording listens */
  readonly tap?: Tap | undefined
}

export class Feed implements IntakeListener {
  private readonly options: FeedOptions
  private readonly intake: Intake
  private readonly fleet: Fleet
  private readonly rest: Rest
  private readonly server_clock: ServerClock
  private readonly recovery: Recovery
  private readonly auditor: Auditor | null
  private readonly membership: Membership
  private readonly trading_status: TradingStatus
  private readonly rate: Rate
  private timer: NodeJS.Timeout | undefined
  private simulated = false
  private connected_since_ms: number | null = null
  private reconnects = 0
  private reason: string | null = null
  private bad_frame_logged_ms = Number.NEGATIVE_INFINITY

  constructor(options: FeedOptions) {
    const { exchange, books, clock, markets } = options
    this.options = options
    const entries = markets.map((market) => books.add(market))
    this.intake = new Intake(exchange, entries, books, this)
    this.rate = new Rate(clock.monotonic_ms())
    this.fleet = this.makeFleet()
    this.fleet.add(this.intake.lanes)
    this.rest = this.makeRest()
    this.server_clock = new ServerClock(exchange, this.rest, clock)
    this.recovery = this.makeRecovery()
    this.auditor = this.makeAuditor()
    const { intake, fleet, recovery, rest } = this
    this.membership = new Membership({ ...options, intake, fleet, recovery })
    const onBadFrame = (error: FrameError) => this.reportBadFrame(error)
    this.trading_status = new TradingStatus({ rest, clock, intake, fleet, onBadFrame })
  }

  start(): void {
    this.fleet.start()
    this.server_clock.start()
    this.auditor?.start()
    this.timer = setInterval(() => this.sweep(), SWEEP_EVERY_MS)
  }

  async stop(): Promise<void> {
    clearInterval(this.timer)
    this.recovery.stop()
    this.server_clock.stop()
    this.auditor?.stop()
    this.rest.stop()
    this.fleet.stop()
  }

  status(): ExchangeStatus {
    const { exchange, clock } = this.options
    const { simulated, reconnects, connected_since_ms } = this
    const { refusals, rest_blocked } = this.recovery
    const reason = rest_blocked ?? this.reason
    const { connected, quickest_ms } = this.fleet
    const clock_offset_ms = this.server_clock.offset_ms(quickest_ms)
    const state = this.state()
    const { per_second } = this.rate
    const own = { connected, state, reason, simulated, connected_since_ms, per_second }
    return exchangeStatus(exchange, this.intake, clock, {
      ...own,
      reconnects,
      refusals,
      clock_offset_ms,
      audits_ok: this.auditor?.ok ?? 0,
      audits_failed: this.auditor?.failed ?? 0,
    })
  }

  /** These are the markets to watch from now on. */
  watch(markets: readonly Market[]): void {
    this.membership.watch(markets)
  }

  /** Frames so far that went through a JSON tree. */
  get slow_frames(): number {
    return this.intake.counters.slow_path
  }

  /** True while this market's connection delivers frames that waited somewhere. */
  isBehind(entry: MarketBook): boolean {
    return this.intake.lane(entry.market.market)?.carrier?.transit.behind === true
  }

  lost(lane: Lane, cause: LossCause): void {
    this.options.log.warn('a book lost its thread', {
      exchange: this.options.exchange.id,
      market: lane.market,
      cause,
    })
    if (cause !== 'quiet') return
    this.recovery.quiet(lane)
    this.hint()
  }

  needsSnapshot(lane: Lane): void {
    this.recovery.need(lane)
  }

  synced(lane: Lane): void {
    this.recovery.synced(lane)
  }

  subscribed(market: string): void {
    this.recovery.accepted(market)
  }

  refused(line: Line, market: string | null, reason: string): void {
    const { exchange, log } = this.options
    log.warn('a subscription was refused', { exchange: exchange.id, market, reason })
    const carried = this.intake.lanes.filter(({ carrier }) => carrier === line)
    const nothing_served = market === null && !carried.some(({ synced }) => synced)
    if (nothing_served && this.fleet.leaveDoor(line, reason)) return
    this.recovery.refused(carried, market, reason)
    this.trading_status.hint()
  }

  closing(line: Line, reason: string): void {
    this.fleet.replace(line, reason)
    this.hint()
  }

  system(state: 'online' | 'maintenance', reason: string): void {
    const { exchange, log } = this.options
    log.warn('the exchange changed its state', { exchange: exchange.id, state, reason })
    this.reason = state === 'online' ? null : reason
    if (state === 'online') this.options.onListChanged?.()
  }

  badFrame(error: FrameError, line: Line): void {
    if (error instanceof SequenceError) this.fleet.cut(line, error.message)
    this.reportBadFrame(error)
  }

  /** Somebody may have stopped trading, and left the list. */
  private hint(): void {
    this.trading_status.hint()
    this.options.onListChanged?.()
  }

  private reportBadFrame(error: FrameError): void {
    const now_ms = this.now()
    if (now_ms < this.bad_frame_logged_ms + BAD_FRAME_LOG_MS) return
    this.bad_frame_logged_ms = now_ms
    const { exchange, log } = this.options
    const { errors } = this.intake.counters
    log.warn('a frame could not be read', { exchange: exchange.id, error: error.message, errors })
  }

  private makeRest(): Rest {
    const { exchange, rest_url, clock } = this.options
    const { weight, window_ms } = exchange.limits.rest
    const addresses = new Addresses(restAddressesOf(exchange, rest_url), clock)
    return new Rest(addresses, new Budget(weight, window_ms), clock)
  }

  private makeRecovery(): Recovery {
    const { exchange, clock, log, random, tap, onListChanged } = this.options
    const { intake, fleet, rest } = this
    return new Recovery({
      exchange,
      intake,
      fleet,
      rest,
      clock,
      log,
      random,
      tap,
      onRefused: () => onListChanged?.(),
      onBadFrame: (error) => this.reportBadFrame(error),
    })
  }

  private makeAuditor(): Auditor | null {
    const { exchange, log } = this.options
    const { rest, intake } = this
    const procedure = exchange.audit
    if (procedure === undefined) return null
    return new Auditor({
      procedure,
      rest,
      lanes: () => intake.lanes.filter(({ watched }) => watched),
      now_ms: () => this.now(),
      wrong: (lane, level) => {
        log.error('a book was wrong', { exchange: exchange.id, market: lane.market, level })
        intake.distrust(lane, this.now())
      },
    })
  }

  private makeFleet(): Fleet {
    const { exchange, websocket_url, clock, random, log, tap } = this.options
    const { connects } = exchange.limits
    return new Fleet({
      exchange,
      doors: new Addresses(doorsOf(exchange, websocket_url), clock),
      clock,
      random,
      log,
      intake: this.intake,
      connects: new Budget(connects.count, connects.window_ms),
      tap,
      opened: (simulated: boolean, again: boolean) => this.opened(simulated, again),
      subscribed: (lanes: readonly Lane[]) => this.recovery.expect(lanes),
      ended: (end: SocketEnd) => this.ended(end),
      pong: (pong, received_ms) => this.server_clock.answered(pong, received_ms),
    })
  }

  private state(): ExchangeStatus['state'] {
    if (this.recovery.rest_blocked !== null) return 'blocked'
    if (this.fleet.connected || this.intake.system === 'maintenance') return this.intake.system
    if (this.fleet.blocked) return 'blocked'
    return this.reason === null ? 'connecting' : 'down'
  }

  private opened(simulated: boolean, again: boolean): void {
    const { exchange, log, clock } = this.options
    if (again) this.reconnects++
    if (simulated) this.simulated = true
    this.connected_since_ms ??= clock.wall_ms()
    if (this.intake.system === 'online') this.reason = null
    log.info('connected', { exchange: exchange.id, simulated, again })
  }

  private ended(end: SocketEnd): void {
    const { exchange, log } = this.options
    log.warn('a connection ended', { exchange: exchange.id, reason: end.reason })
    this.reason = end.reason
    this.trading_status.hint()
    if (!this.fleet.connected) this.connected_since_ms = null
  }

  private sweep(): void {
    const now_ms = this.now()
    this.intake.sweep(now_ms)
    this.fleet.sweep(now_ms)
    this.trading_status.sweep(now_ms)
    this.membership.sweep()
    this.recovery.sweep()
    this.rate.sample(this.intake.counters.frames, now_ms)
  }

  private now(): number {
    return this.options.clock.monotonic_ms()
  }
}
