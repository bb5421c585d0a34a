/**
 * One shard as this worker leads it, or does not: it takes over what a former leader left, publishes
 * the lives of the shard's opportunities under its fencing token, and ends or hands on what is open.
 * It detects nothing.
 */
import { type Clock, timestamp } from '../shared/clock.ts'
import type { Draft } from '../shared/event.ts'
import type { Log } from '../shared/log.ts'
import type { Opportunity } from '../shared/opportunity.ts'
import type { Verdict } from './detection/candidate.ts'
import type { Tracker } from './lifecycle/tracker.ts'
import type { TermKind } from './ops/lease.ts'
import type { Publisher } from './publish/stream.ts'

export interface TermOptions {
  readonly tracker: Tracker
  readonly publisher: Publisher
  readonly clock: Clock
  readonly log: Log
  /** what is open in the live set and of this shard; rejects while Redis is away */
  readonly readLive: () => Promise<Opportunity[]>
}

const READ_RETRY_MS = 250
/** A loop that is late for so long knows no better soon: what it was left ends. */
const INHERIT_WITHIN_MS = 10_000

export class Term {
  private readonly options: TermOptions
  private state: 'standby' | 'taking over' | 'leading' | 'ended' = 'standby'
  /** counts terms: work that began in an older one must not go on in a newer */
  private term = 0
  private taking: Promise<void> = Promise.resolve()
  /** what was left and is not judged yet is neither ended nor told anew */
  private is_inheriting = false
  private inherited_ms = Number.NEGATIVE_INFINITY
  private markout_timer: NodeJS.Timeout | undefined
  private markout_at_ms = Number.POSITIVE_INFINITY

  constructor(options: TermOptions) {
    this.options = options
  }

  get is_leading(): boolean {
    return this.state === 'leading'
  }

  /** Resolves when a take-over that is under way knows what was left, or was overtaken. */
  get taken(): Promise<void> {
    return this.taking
  }

  /**
   * Leads from now on. `survey` is called once what was left is known: it has to lead to an `apply`
   * of everything that is open, at once or as soon as anybody can tell.
   */
  lead(token: number, kind: TermKind, survey: () => void): void {
    if (this.state === 'ended') return
    if (kind === 'restored' && this.state === 'leading') this.restore(token)
    else this.taking = this.takeOver(token, survey)
  }

  /** Another worker leads: it goes on with what lives. */
  lose(): void {
    if (this.state === 'ended') return
    this.state = 'standby'
    this.leave()
    this.options.publisher.resign()
  }

  /**
   * `is_whole`: the verdicts are on everything that is open. Only then is it known what of that which
   * was left is not there any more.
   */
  apply(verdicts: readonly Verdict[], is_whole: boolean): Draft[] {
    const { tracker, log } = this.options
    if (this.state !== 'leading') return []
    const drafts = tracker.apply(verdicts)
    if (this.is_inheriting && (is_whole || this.hasWaited())) {
      const gone = tracker.disown()
      log.info('judged what was left', { ended: gone.length, open: tracker.open().length })
      drafts.unshift(...gone)
      this.is_inheriting = false
    }
    this.publish(drafts)
    return drafts
  }

  private hasWaited(): boolean {
    return this.options.clock.monotonic_ms() - this.inherited_ms > INHERIT_WITHIN_MS
  }

  /** Tells what was held back for a while. */
  sweep(): void {
    if (this.state === 'leading') this.publish(this.options.tracker.sweep())
  }

  /** Publishes what is not an opportunity. */
  announce(drafts: readonly Draft[]): void {
    if (this.state === 'leading') this.options.publisher.publish(drafts)
  }

  /** Leaves what is open to the next leader. Flush the publisher, then give the lease away. */
  handOn(): void {
    const { publisher, tracker } = this.options
    if (this.state === 'ended') return
    if (this.state === 'leading') publisher.publish(tracker.conclude())
    this.state = 'standby'
    this.leave()
  }

  /** Takes no more. What is open ends, or is left to a successor. Flush the publisher afterwards. */
  end(has_successor: boolean): void {
    const { publisher, tracker } = this.options
    if (this.state === 'leading') {
      const ends = () => [...tracker.disown(), ...tracker.end('shutdown')]
      publisher.publish(has_successor ? tracker.conclude() : ends())
    }
    this.state = 'ended'
    this.leave()
  }

  /** After the end: the successor has gone as well, so what it was to go on with ends here. */
  async sweepUp(): Promise<void> {
    const { publisher, tracker, readLive } = this.options
    tracker.inherit(await readLive().catch(() => []))
    publisher.publish(tracker.disown())
  }

  private leave(): void {
    this.term++
    this.is_inheriting = false
    this.options.tracker.forget()
    this.awaitMarkouts()
  }

  private async takeOver(token: number, survey: () => void): Promise<void> {
    const { publisher, tracker, readLive, log } = this.options
    this.lose()
    this.state = 'taking over'
    const term = this.term
    publisher.lead(token, false)
    for (;;) {
      // The live set is read before anything of ours can be in it: all it holds was left.
      const left = await readLive().catch(() => null)
      if (term !== this.term) return
      if (left !== null) {
        tracker.inherit(left)
        log.info('took over', { left: left.length })
        break
      }
      await new Promise((resolve) => setTimeout(resolve, READ_RETRY_MS))
      if (term !== this.term) return
    }
    this.state = 'leading'
    this.is_inheriting = true
    this.inherited_ms = this.options.clock.monotonic_ms()
    survey()
  }

  /** Redis came back empty and nobody led meanwhile: what is open is written again. */
  private restore(token: number): void {
    const { publisher, tracker, clock, log } = this.options
    publisher.lead(token, true)
    const beginnings = publisher.beginnings()
    const drafts = tracker
      .open()
      .filter(({ id }) => !beginnings.has(id))
      .map((data): Draft => {
        return { type: 'opportunity.updated', timestamp: timestamp(clock.wall_ms()), data }
      })
    log.warn('redis lost its data: the live set is written again', { open: drafts.length })
    publisher.publish(drafts)
  }

  private publish(drafts: readonly Draft[]): void {
    this.options.publisher.publish(drafts)
    this.awaitMarkouts()
  }

  /** One timer, for the markout that is due next. */
  private awaitMarkouts(): void {
    const { tracker, clock } = this.options
    if (tracker.measure_at_ms === this.markout_at_ms) return
    this.markout_at_ms = tracker.measure_at_ms
    clearTimeout(this.markout_timer)
    if (this.markout_at_ms === Number.POSITIVE_INFINITY) return
    const wait_ms = Math.ceil(this.markout_at_ms - clock.monotonic_ms())
    this.markout_timer = setTimeout(() => this.takeMarkouts(), Math.max(0, wait_ms))
  }

  private takeMarkouts(): void {
    this.markout_at_ms = Number.POSITIVE_INFINITY
    this.publish(this.options.tracker.measure())
  }
}
