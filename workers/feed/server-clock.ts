/**
 * How far an exchange's clock is from ours, for people who compare its times with theirs. Ages and
 * guards never use it: they measure by our own clock alone.
 *
 * An answer that says t was read between sending and receiving it, so the offset lies between
 * t - received and t + resolution - sent (Cristian's bounds). Several answers narrow that, and so
 * does every frame: one that was received at r and says e proves an offset of at least e - r.
 */
import type { Clock } from '../../shared/clock.ts'
import { type Exchange, FrameError, type Pong } from '../exchanges/exchange.ts'
import type { Rest } from './rest.ts'

/** a few probes close to each other, so that one of them meets no delay; then a long rest */
const PROBES = 5
const BETWEEN_PROBES_MS = 300
const PASS_EVERY_MS = 600_000
const PROBE_WEIGHT = 1
/** older answers do not narrow newer ones: quartz drifts by some ms in such a time */
const MEMORY_MS = 120_000
/** pongs are told in microseconds, of which we keep the milliseconds */
const PONG_RESOLUTION_MS = 1
const PONG_LIMIT_MS = 60_000

/** Where exchange clock minus our monotonic clock must lie, ms. */
export interface Bounds {
  readonly least_ms: number
  readonly most_ms: number
}

export function boundsOf(
  time_ms: number,
  resolution_ms: number,
  sent_ms: number,
  received_ms: number,
): Bounds {
  return { least_ms: time_ms - received_ms, most_ms: time_ms + resolution_ms - sent_ms }
}

/** What both say; the newer alone when they contradict each other, for a clock was set. */
export function narrow(known: Bounds | null, newer: Bounds): Bounds {
  if (known === null) return newer
  const least_ms = Math.max(known.least_ms, newer.least_ms)
  const most_ms = Math.min(known.most_ms, newer.most_ms)
  return least_ms <= most_ms ? { least_ms, most_ms } : newer
}

/** What a pong proves; null when it cannot be the answer to a ping of ours. */
export function boundsOfPong({ sent_ms, came_ms, left_ms }: Pong, received_ms: number) {
  const took_ms = received_ms - sent_ms
  if (!(took_ms >= 0 && took_ms < PONG_LIMIT_MS)) return null
  const { most_ms } = boundsOf(came_ms, PONG_RESOLUTION_MS, sent_ms, received_ms)
  const { least_ms } = boundsOf(left_ms, PONG_RESOLUTION_MS, sent_ms, received_ms)
  return least_ms <= most_ms ? { least_ms, most_ms } : null
}

export class ServerClock {
  private answers: { readonly bounds: Bounds; readonly at_ms: number }[] = []
  private probes = 0
  private timer: NodeJS.Timeout | undefined
  private readonly exchange: Exchange
  private readonly rest: Rest
  private readonly clock: Clock

  constructor(exchange: Exchange, rest: Rest, clock: Clock) {
    this.exchange = exchange
    this.rest = rest
    this.clock = clock
  }

  start(): void {
    void this.probe()
  }

  stop(): void {
    clearTimeout(this.timer)
  }

  /**
   * Exchange clock minus our wall clock, whole ms; null before the first answer. `quickest_ms` is
   * the least receive time minus exchange time of any frame lately, Infinity when there was none.
   */
  offset_ms(quickest_ms: number): number | null {
    const bounds = this.answers.reduce<Bounds | null>(
      (known, one) => narrow(known, one.bounds),
      null,
    )
    if (bounds === null) return null
    const { least_ms, most_ms } = bounds
    // frames that prove more than answers allow come from another clock than these
    const proven_ms = -quickest_ms <= most_ms ? Math.max(least_ms, -quickest_ms) : least_ms
    const wall_minus_monotonic_ms = this.clock.wall_ms() - this.clock.monotonic_ms()
    return Math.round((proven_ms + most_ms) / 2 - wall_minus_monotonic_ms)
  }

  /** The exchange answered a ping, received at `received_ms` of our monotonic clock. */
  answered(pong: Pong, received_ms: number): void {
    const found = boundsOfPong(pong, received_ms)
    if (found !== null) this.learn(found)
  }

  private async probe(): Promise<void> {
    const { time } = this.exchange
    if (this.rest.take(PROBE_WEIGHT) === 0) {
      const answer = await this.rest.get(time.path)
      if (answer.kind === 'body') this.take(answer.body, answer.sent_ms, answer.received_ms)
    }
    if (this.rest.stopped) return
    const resting = ++this.probes % PROBES === 0
    this.timer = setTimeout(() => void this.probe(), resting ? PASS_EVERY_MS : BETWEEN_PROBES_MS)
  }

  private take(body: string, sent_ms: number, received_ms: number): void {
    const { parse, resolution_ms } = this.exchange.time
    try {
      this.learn(boundsOf(parse(body), resolution_ms, sent_ms, received_ms))
    } catch (error) {
      // a clock that cannot be read is no reason to do anything else
      if (!(error instanceof FrameError)) throw error
    }
  }

  /** The newest says how things are now; those shortly before it narrow it. */
  private learn(bounds: Bounds): void {
    const at_ms = this.clock.monotonic_ms()
    const recent = this.answers.filter((answer) => at_ms - answer.at_ms < MEMORY_MS)
    this.answers = [...recent, { bounds, at_ms }]
  }
}
