/**
 * From changed books to published events: the only place where detection, life cycle and publishing
 * meet. A standby detects as well, so that it is warm, but keeps no life cycle and tells nobody;
 * opportunities begin their life under the leader that announces them.
 */
import type { Clock } from '../shared/clock.ts'
import { timestamp } from '../shared/clock.ts'
import type { Draft } from '../shared/event.ts'
import type { Log } from '../shared/log.ts'
import type { Books } from './book/books.ts'
import type { NearMiss } from './detection/candidate.ts'
import type { Detector } from './detection/detector.ts'
import type { Tracker } from './lifecycle/tracker.ts'
import type { TermKind } from './ops/lease.ts'
import type { Publisher } from './publish/stream.ts'

export interface PipelineOptions {
  readonly books: Books
  readonly detector: Pick<Detector, 'run' | 'recheck' | 'takeNearMisses'>
  readonly tracker: Tracker
  readonly publisher: Publisher
  readonly clock: Clock
  readonly log: Log
  /** ends what a former leader left in the live set; rejects while Redis is away */
  readonly expireOrphans: () => Promise<Draft[]>
  /**
   * Told for each opportunity that a frame made: milliseconds since that frame was received. One
   * that was held back and let go by time alone has no such frame.
   */
  readonly onSignal: (tick_to_signal_ms: number) => void
  /** told of what the guards refused while this worker leads */
  readonly onNearMisses: (refused: readonly NearMiss[]) => void
}

const ORPHANS_RETRY_MS = 250

export class Pipeline {
  private readonly options: PipelineOptions
  private state: 'standby' | 'taking over' | 'leading' | 'ended' = 'standby'
  /** counts terms: work that began in an older one must not go on in a newer */
  private term = 0
  private markout_timer: NodeJS.Timeout | undefined
  private markout_at_ms = Number.POSITIVE_INFINITY

  constructor(options: PipelineOptions) {
    this.options = options
  }

  /** Looks at the books that changed since the last round. */
  round(): void {
    const { books, detector, tracker } = this.options
    const dirty = books.takeDirty()
    if (this.state === 'ended') return
    const verdicts = detector.run(dirty)
    this.tellNearMisses()
    if (this.state !== 'leading') return
    const drafts = tracker.apply(verdicts)
    this.clockSignals(drafts)
    this.options.publisher.publish(drafts)
    this.awaitMarkouts()
  }

  /** Looks at what time alone changes: open opportunities age, held updates fall due. */
  recheck(): void {
    if (this.state === 'ended') return
    const { detector, tracker, publisher } = this.options
    const verdicts = detector.recheck()
    this.tellNearMisses()
    if (this.state !== 'leading') return
    publisher.publish([...tracker.apply(verdicts), ...tracker.sweep()])
    this.awaitMarkouts()
  }

  /** Publishes what is not an opportunity. A standby tells nobody. */
  announce(drafts: readonly Draft[]): void {
    if (this.state === 'leading') this.options.publisher.publish(drafts)
  }

  /** This worker leads from now on. */
  lead(token: number, kind: TermKind): void {
    if (this.state === 'ended') return
    if (kind === 'restored' && this.state === 'leading') this.restore(token)
    else void this.takeOver(token)
  }

  /** Another worker leads: it begins its own lives, ours end untold. */
  lose(): void {
    if (this.state === 'ended') return
    this.state = 'standby'
    this.term++
    this.options.publisher.resign()
    this.options.tracker.forget()
    this.awaitMarkouts()
  }

  /** Ends every opportunity and takes no more. Flush the publisher afterwards. */
  end(): void {
    if (this.state === 'leading') {
      this.options.publisher.publish(this.options.tracker.end('shutdown'))
    }
    this.state = 'ended'
    this.term++
    clearTimeout(this.markout_timer)
  }

  private async takeOver(token: number): Promise<void> {
    const { publisher, tracker, detector, expireOrphans, log } = this.options
    this.lose()
    this.state = 'taking over'
    const term = this.term
    publisher.lead(token, false)
    for (;;) {
      // The live set is read before anything of ours can be in it: all it holds is orphaned.
      const orphans = await expireOrphans().catch(() => null)
      if (term !== this.term) return
      if (orphans !== null) {
        if (orphans.length > 0)
          log.info('orphans of a former leader end', { count: orphans.length })
        publisher.publish(orphans)
        break
      }
      await new Promise((resolve) => setTimeout(resolve, ORPHANS_RETRY_MS))
    }
    this.state = 'leading'
    publisher.publish(tracker.apply(detector.recheck()))
    this.awaitMarkouts()
  }

  /** Redis came back empty and nobody led meanwhile: what is open is written again. */
  private restore(token: number): void {
    const { publisher, tracker, clock, log } = this.options
    publisher.lead(token, true)
    const drafts = tracker
      .open()
      .filter(({ id }) => !publisher.holdsBeginning(id))
      .map((data): Draft => {
        return { type: 'opportunity.updated', timestamp: timestamp(clock.wall_ms()), data }
      })
    log.warn('redis lost its data: the live set is written again', { open: drafts.length })
    publisher.publish(drafts)
  }

  /** Taken in every state: nothing may pile up in the detector. */
  private tellNearMisses(): void {
    const { detector, onNearMisses } = this.options
    const refused = detector.takeNearMisses()
    if (refused.length > 0 && this.state === 'leading') onNearMisses(refused)
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
    this.options.publisher.publish(this.options.tracker.measure())
    this.awaitMarkouts()
  }

  /** The newest frame among the legs' books is the one that made the opportunity. */
  private clockSignals(drafts: readonly Draft[]): void {
    const { books, clock, onSignal } = this.options
    for (const { type, data } of drafts) {
      if (type !== 'opportunity.detected' || !('legs' in data)) continue
      const received_ms = data.legs.map(
        ({ exchange, market }) => books.get(exchange, market)?.book.received_ms ?? Number.NaN,
      )
      const latency_ms = clock.monotonic_ms() - Math.max(...received_ms)
      if (!Number.isNaN(latency_ms)) onSignal(latency_ms)
    }
  }
}
