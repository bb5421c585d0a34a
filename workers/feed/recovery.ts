/**
 * Brings single markets back without the others: asks for their snapshots by REST or by a new
 * subscription, again and again but ever more rarely, and reports those that the exchange refuses.
 * It decides no continuity: who lost its thread, and who has it again, it is told.
 */
import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import { type Exchange, FrameError } from '../exchanges/exchange.ts'
import type { Random } from './backoff.ts'
import type { Fleet } from './fleet.ts'
import type { Intake } from './intake.ts'
import type { Lane } from './lane.ts'
import type { RestAnswer } from './rest.ts'
import { Resyncs } from './resyncs.ts'
import { type SnapshotRest, Snapshots } from './snapshots.ts'
import type { Tap } from './tap.ts'

/** a refused frame may have taken others with it that were asked for in the same frame */
const REFUSAL_LIMIT_MS = 3_000
/** what an exchange refused it may serve later, after a listing or an outage */
const REFUSED_RETRY_MS = 300_000
/** a market that stayed silent so often is reported as refused; asking goes on */
const FRUITLESS_ATTEMPTS = 3

export interface RecoveryOptions {
  readonly exchange: Exchange
  readonly intake: Intake
  readonly fleet: Pick<Fleet, 'resubscribe'>
  readonly rest: SnapshotRest
  readonly clock: Clock
  readonly log: Log
  readonly random: Random
  readonly tap: Tap | undefined
  /** a market is refused: the list of markets may say why */
  readonly onRefused: () => void
  /** a snapshot was none */
  readonly onBadFrame: (error: FrameError) => void
}

export class Recovery {
  /** market → the exchange's words */
  readonly refusals = new Map<string, string>()
  /** in the exchange's words; null while REST serves our address */
  rest_blocked: string | null = null
  private readonly options: RecoveryOptions
  private readonly snapshots: Snapshots | null
  private readonly resyncs: Resyncs<Lane>
  /** a request with one of these may have been refused because of it */
  private readonly suspects = new WeakSet<Lane>()

  constructor(options: RecoveryOptions) {
    const { exchange, rest, random } = options
    this.options = options
    this.resyncs = new Resyncs(random)
    const deliver = (market: string, answer: RestAnswer) => this.answered(market, answer)
    const { snapshot } = exchange
    this.snapshots = snapshot === undefined ? null : new Snapshots(snapshot, rest, deliver)
  }

  stop(): void {
    this.snapshots?.stop()
  }

  /** These were subscribed: their snapshots come unasked, or not at all. */
  expect(lanes: readonly Lane[]): void {
    for (const lane of lanes) {
      this.resyncs.forget(lane)
      this.resyncs.asked(lane, this.now() + this.options.exchange.keepalive.answer_ms)
    }
  }

  /** Only a new snapshot brings this market back. */
  need(lane: Lane): void {
    this.resyncs.ask(lane, this.now())
    this.sweep()
  }

  /** Silent for too long, where a market that changes never is. */
  quiet(lane: Lane): void {
    // elsewhere the loss itself asks for a new subscription
    if (this.snapshots !== null) this.need(lane)
  }

  synced(lane: Lane): void {
    this.resyncs.synced(lane, this.now())
    this.refusals.delete(lane.market)
    this.suspects.delete(lane)
  }

  accepted(market: string): void {
    this.refusals.delete(market)
  }

  /** The market left. */
  forget(lane: Lane): void {
    this.snapshots?.cancel(lane.market)
    this.resyncs.forget(lane)
    this.refusals.delete(lane.market)
  }

  /** The exchange refuses `market`, or one that it does not name, among these. */
  refused(lanes: readonly Lane[], market: string | null, reason: string): void {
    const give_up_ms = this.now() + REFUSAL_LIMIT_MS
    for (const lane of lanes) {
      if (lane.synced) continue
      this.suspects.add(lane)
      if (lane.market === market) this.refuse(lane, reason)
      else this.resyncs.hurry(lane, give_up_ms)
    }
  }

  /** Asks for what is due. Call it a few times a second. */
  sweep(): void {
    const due = this.resyncs.due(this.now())
    if (due.length === 0) return
    const together = due.filter((lane) => !this.suspects.has(lane))
    this.ask(together)
    // one of them would be refused again, and the others with it
    for (const lane of due) if (this.suspects.has(lane)) this.ask([lane])
  }

  private ask(lanes: readonly Lane[]): void {
    // whoever connects next subscribes those that nobody carries
    for (const lane of lanes) if (lane.carrier === null) this.resyncs.forget(lane)
    const carried = lanes.filter(({ carrier }) => carrier !== null)
    const { snapshots } = this
    if (snapshots === null) {
      this.resubscribe(carried)
      return
    }
    // a snapshot that no change followed: the exchange may have forgotten the stream
    this.resubscribe(carried.filter(isSeeded))
    for (const lane of carried) if (!isSeeded(lane)) this.request(lane, snapshots)
  }

  private request(lane: Lane, snapshots: Snapshots): void {
    // every request is answered in the end, however long the queue
    snapshots.request(lane.market)
    this.resyncs.asked(lane, Number.POSITIVE_INFINITY)
  }

  private resubscribe(lanes: readonly Lane[]): void {
    const { exchange, fleet } = this.options
    for (const lane of fleet.resubscribe(lanes)) {
      const fruitless = this.resyncs.attempts(lane) > FRUITLESS_ATTEMPTS && !isSeeded(lane)
      if (fruitless && !this.refusals.has(lane.market)) {
        this.refusals.set(lane.market, 'subscribed, but no snapshot came')
      }
      this.resyncs.asked(lane, this.now() + exchange.keepalive.answer_ms)
    }
  }

  private answered(market: string, answer: RestAnswer): void {
    this.tellTap(market, answer)
    const { exchange, log, intake } = this.options
    const lane = intake.lane(market)
    if (lane === undefined || lane.carrier === null) return
    this.rest_blocked = answer.kind === 'blocked' ? answer.reason : null
    if (answer.kind === 'body') {
      this.takeSnapshot(lane, answer.body)
      return
    }
    log.warn('no snapshot', { exchange: exchange.id, market, ...answer })
    if (answer.kind === 'refused') this.refuse(lane, answer.reason)
    else this.resyncs.ask(lane, this.now())
  }

  private tellTap(market: string, answer: RestAnswer): void {
    const { exchange, tap } = this.options
    if (answer.kind !== 'body' || exchange.snapshot === undefined) return
    tap?.answered(exchange, exchange.snapshot.path(market), answer.body)
  }

  /** Reported, and asked for again alone and rarely. */
  private refuse(lane: Lane, reason: string): void {
    this.refusals.set(lane.market, reason)
    this.resyncs.asked(lane, this.now() + REFUSED_RETRY_MS)
    this.options.onRefused()
  }

  private takeSnapshot(lane: Lane, body: string): void {
    try {
      this.options.intake.snapshot(lane, body, this.now())
      const { answer_ms } = this.options.exchange.keepalive
      if (isSeeded(lane)) this.resyncs.asked(lane, this.now() + answer_ms)
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      this.options.onBadFrame(error)
      this.resyncs.ask(lane, this.now())
    }
  }

  private now(): number {
    return this.options.clock.monotonic_ms()
  }
}

function isSeeded({ sequencer }: Lane): boolean {
  return sequencer.phase === 'seeded'
}
