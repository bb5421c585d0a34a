/**
 * Keeps a set of markets connected: dials, subscribes, redials with backoff, and replaces a
 * link that is about to be closed before it is. It reads no frame and changes no book.
 */
import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import type { Exchange, Pong, Protocol } from '../exchanges/exchange.ts'
import type { Addresses, Door } from './addresses.ts'
import {
  type Backoff,
  backoff_ms,
  isBlocked,
  isThrottled,
  type Random,
  retryAfter_ms,
} from './backoff.ts'
import type { Budget } from './budget.ts'
import { isComplete, quietMarkets } from './handover.ts'
import type { Intake } from './intake.ts'
import type { Lane } from './lane.ts'
import type { Line } from './line.ts'
import { Link, type LinkEvents } from './link.ts'
import type { SocketEnd } from './socket.ts'
import type { Tap } from './tap.ts'
import { TransitFloor } from './transit.ts'

const REDIAL: Backoff = { base_ms: 500, cap_ms: 30_000 }
/** a connection that lived so long failed for a new reason: the backoff starts again */
const STABLE_AFTER_MS = 30_000
/** a link that delivers late for so long will not catch up: a new one starts with nothing waiting */
const BEHIND_LIMIT_MS = 10_000
/** a replacement that failed is tried again after so long, while the old link still serves */
const REPLACE_RETRY_MS = 30_000

export interface ConnectionContext {
  readonly exchange: Exchange
  readonly doors: Addresses<Door>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly intake: Intake
  /** connection attempts of the whole exchange */
  readonly connects: Budget
  readonly tap: Tap | undefined
  opened(simulated: boolean, again: boolean): void
  /** `lanes` start from scratch on a link: their snapshots come unasked */
  subscribed(lanes: readonly Lane[]): void
  ended(end: SocketEnd): void
  pong(pong: Pong, received_ms: number): void
}

export class Connection {
  readonly lanes: Lane[]
  /** the exchange refuses our address */
  blocked = false
  private link: Link | null = null
  private successor: Link | null = null
  /** how quick frames can be; it outlives links */
  readonly floor = new TransitFloor()
  private opened_before = false
  private attempts = 0
  private replace_after_ms = 0
  private stopped = false
  private timer: NodeJS.Timeout | undefined
  private readonly context: ConnectionContext

  constructor(lanes: readonly Lane[], context: ConnectionContext) {
    this.lanes = [...lanes]
    this.context = context
  }

  get connected(): boolean {
    return this.link?.open === true
  }

  get protocol(): Protocol {
    return this.link?.door.exchange ?? this.context.exchange
  }

  start(delay_ms: number): void {
    this.schedule(delay_ms)
  }

  stop(): void {
    this.stopped = true
    clearTimeout(this.timer)
    this.successor?.terminate('stopped')
    this.link?.terminate('stopped')
  }

  /** Subscribes more markets beside those that are there. */
  add(lanes: readonly Lane[]): void {
    this.lanes.push(...lanes)
    const markets = lanes.map((lane) => lane.market)
    if (this.link?.open) {
      this.begin(this.link, lanes)
      this.link.subscribe(markets)
    }
    if (this.successor?.open) {
      for (const lane of lanes) this.successor.line.succeed(lane)
      this.successor.subscribe(markets)
    }
  }

  remove(lane: Lane): void {
    this.lanes.splice(this.lanes.indexOf(lane), 1)
    for (const link of [this.link, this.successor]) {
      if (link?.open) link.unsubscribe([lane.market])
    }
  }

  /** Subscribes anew those of these that it can now, and returns them. */
  resubscribe(lanes: readonly Lane[]): readonly Lane[] {
    const { link } = this
    const own = lanes.filter(({ carrier }) => carrier !== null && carrier === link?.line)
    if (link === null || own.length === 0) return []
    return link.resubscribe(own.map(({ market }) => market)) ? own : []
  }

  /** Opens a new link beside the present one, which goes on until the new one has taken over. */
  replace(reason: string): void {
    if (this.stopped || this.link === null || this.successor !== null) return
    const now_ms = this.context.clock.monotonic_ms()
    if (now_ms < this.replace_after_ms || this.context.doors.blocked_for_ms > 0) return
    this.replace_after_ms = now_ms + REPLACE_RETRY_MS
    if (this.context.connects.take(1, now_ms) > 0) return
    this.context.log.info('replacing a connection', { exchange: this.context.exchange.id, reason })
    this.successor = this.newLink()
  }

  /** Ends the link of this line at once, if it is one of ours. */
  cut(line: Line, reason: string): void {
    for (const link of [this.link, this.successor]) {
      if (link?.line === line) link.terminate(reason)
    }
  }

  /** The exchange serves nothing on this line: tries another door. False when there is none. */
  leaveDoor(line: Line, reason: string): boolean {
    const { link } = this
    if (link?.line !== line || !this.context.doors.avoid(link.door)) return false
    link.terminate(reason)
    return true
  }

  /** Rotation and hand-over. Call it a few times a second. */
  sweep(now_ms: number): void {
    if (this.link !== null) this.renew(this.link, now_ms)
    const next = this.successor
    if (next === null || !next.open) return
    if (isComplete(this.lanes, next.line, now_ms - next.opened_ms)) this.promote(next)
  }

  private renew(link: Link, now_ms: number): void {
    const { connection_life_ms, frames_per_connection } = link.door.exchange.limits
    const late_ms = now_ms - link.line.transit.behind_since_ms
    if (now_ms - link.opened_ms > (connection_life_ms ?? Number.POSITIVE_INFINITY)) {
      this.replace('its age')
    } else if (link.frames >= (frames_per_connection ?? Number.POSITIVE_INFINITY)) {
      this.replace('its number of requests')
    } else if (late_ms > BEHIND_LIMIT_MS) {
      this.replace('its delay')
    }
  }

  private dial(): void {
    const { doors, connects, clock } = this.context
    const { blocked_for_ms } = doors
    const wait_ms = blocked_for_ms > 0 ? blocked_for_ms : connects.take(1, clock.monotonic_ms())
    if (wait_ms > 0) this.schedule(wait_ms)
    else this.link = this.newLink()
  }

  private newLink(): Link {
    const { doors, clock, intake, tap } = this.context
    const door = doors.current
    const events: LinkEvents = {
      opened: (link, simulated) => this.opened(link, simulated),
      ended: (link, end) => this.ended(link, end),
    }
    const line = intake.line(this.floor, door.exchange.reader)
    line.onPong = (pong, received_ms) => this.context.pong(pong, received_ms)
    return new Link(door, clock, line, events, tap)
  }

  private opened(link: Link, simulated: boolean): void {
    this.blocked = false
    this.context.doors.succeeded(link.door)
    // a planned replacement is no reconnect
    const replacement = link === this.successor
    this.context.opened(simulated, this.opened_before && !replacement)
    this.opened_before = true
    if (replacement) {
      for (const lane of this.lanes) link.line.succeed(lane)
    } else {
      this.begin(link, this.lanes)
    }
    link.greet(this.lanes.map((lane) => lane.market))
  }

  private begin(link: Link, lanes: readonly Lane[]): void {
    this.context.intake.begin(link.line, lanes, this.context.clock.monotonic_ms())
    this.context.subscribed(lanes)
  }

  /** What can go on with the new link as it is does; the rest starts from scratch on it. */
  private promote(next: Link): void {
    this.handOver(next)
    const previous = this.link
    this.successor = null
    this.link = next
    const left_behind = this.lanes.filter((lane) => lane.carrier !== next.line)
    if (left_behind.length > 0) this.begin(next, left_behind)
    previous?.terminate('replaced')
  }

  private handOver({ line, opened_ms, door }: Link): void {
    const open_ms = this.context.clock.monotonic_ms() - opened_ms
    const { continuity, limits } = door.exchange
    const { markets_per_frame } = limits
    const plan = { continuity, markets_per_frame }
    for (const lane of quietMarkets(this.lanes, line, open_ms, plan)) line.carry(lane)
  }

  private ended(link: Link, end: SocketEnd): void {
    const { clock, intake } = this.context
    const now_ms = clock.monotonic_ms()
    // before what only the old link carried is stale
    if (link === this.link && this.successor?.open) this.handOver(this.successor)
    intake.end(link.line, now_ms)
    if (link === this.successor) {
      this.successor = null
      if (end.status !== undefined) this.heed(link, end)
      return
    }
    if (link !== this.link) return
    this.link = null
    if (this.stopped) return
    this.context.ended(end)
    if (this.successor?.open === true) {
      this.promote(this.successor)
      return
    }
    this.successor?.terminate('its predecessor ended')
    if (now_ms - link.opened_ms >= STABLE_AFTER_MS) this.attempts = 0
    this.heed(link, end)
    this.schedule(this.redialDelay(link, end))
  }

  /** What an answer says of our address counts for every attempt, a successor's and others'. */
  private heed(link: Link, { status, retry_after }: SocketEnd): void {
    const { doors, connects, clock } = this.context
    if (isBlocked(status)) doors.refused(link.door)
    else if (isThrottled(status)) connects.pause(clock.monotonic_ms() + retryAfter_ms(retry_after))
    else if (!link.open) doors.failed(link.door)
  }

  private redialDelay(link: Link, { status, retry_after, reason }: SocketEnd): number {
    const { random, doors, intake, log } = this.context
    const refused = isBlocked(status)
    const blocked_for_ms = refused ? doors.blocked_for_ms : 0
    this.blocked = blocked_for_ms > 0
    if (this.blocked) return blocked_for_ms * (1 + random() / 10)
    if (refused) {
      log.warn('another address is tried', { exchange: link.door.exchange.id, reason })
      return backoff_ms(0, REDIAL, random)
    }
    if (isThrottled(status)) return retryAfter_ms(retry_after) + backoff_ms(3, REDIAL, random)
    const eased = this.attempts === 0 && intake.system === 'online'
    const least_ms = eased ? 0 : (link.door.exchange.limits.redial_ms ?? 0)
    return least_ms + backoff_ms(this.attempts++, REDIAL, random)
  }

  private schedule(delay_ms: number): void {
    if (this.stopped) return
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.dial(), delay_ms)
  }
}
