/**
 * From changed books to published events: the only place where detection, life cycle and publishing
 * meet. A standby detects as well, so that it is warm, but keeps no life cycle and tells nobody;
 * opportunities live under the leader of their shard. It works in turns of some milliseconds.
 */
import type { Clock } from '../shared/clock.ts'
import type { Draft } from '../shared/event.ts'
import type { Books } from './book/books.ts'
import type { NearMiss, Verdict } from './detection/candidate.ts'
import type { Detector } from './detection/detector.ts'
import type { TermKind } from './ops/lease.ts'
import { shardOf } from './shards.ts'
import type { Term } from './term.ts'

export interface PipelineOptions {
  readonly books: Books
  readonly detector: Pick<
    Detector,
    'run' | 'recheck' | 'survey' | 'takeNearMisses' | 'has_more' | 'is_surveyed'
  >
  /** by shard */
  readonly terms: readonly Term[]
  readonly clock: Clock
  /**
   * Told for each opportunity that a frame made: milliseconds since that frame was received. One
   * that was held back and let go by time alone has no such frame.
   */
  readonly onSignal: (tick_to_signal_ms: number) => void
  /** told of what the guards refused in the shards that this worker leads */
  readonly onNearMisses: (refused: readonly NearMiss[]) => void
}

export class Pipeline {
  private readonly options: PipelineOptions
  private ended = false
  private going_on = false

  constructor(options: PipelineOptions) {
    this.options = options
  }

  /** Looks at the books that changed since the last round, and goes on where the last turn stopped. */
  round(): void {
    const { books, detector } = this.options
    const dirty = books.takeDirty()
    if (this.ended) return
    this.clockSignals(this.tell(detector.run(dirty)))
  }

  /** Looks at what time alone changes: open opportunities age, held updates fall due. */
  recheck(): void {
    if (this.ended) return
    this.tell(this.options.detector.recheck())
    for (const term of this.options.terms) term.sweep()
  }

  /** Publishes what is not an opportunity. A standby tells nobody, and of several leaders one. */
  announce(drafts: readonly Draft[]): void {
    this.options.terms[0]?.announce(drafts)
  }

  /** This worker leads the shard from now on. */
  lead(shard: number, token: number, kind: TermKind): void {
    this.options.terms[shard]?.lead(token, kind, () => {
      if (!this.ended) this.tell(this.options.detector.survey())
    })
  }

  /** Takes no more. The terms are ended by whoever began them. */
  end(): void {
    this.ended = true
  }

  /** What a turn brought, and the next turn if there is more: frames that came meanwhile are read first. */
  private tell(verdicts: readonly Verdict[]): Draft[] {
    const { detector } = this.options
    this.tellNearMisses()
    const drafts = this.apply(verdicts, detector.is_surveyed)
    if (detector.has_more) this.goOn()
    return drafts
  }

  private goOn(): void {
    if (this.going_on) return
    this.going_on = true
    setImmediate(() => {
      this.going_on = false
      this.round()
    })
  }

  /** Each shard gets what is its own; that something closed concerns whoever had it open. */
  private apply(verdicts: readonly Verdict[], is_whole: boolean): Draft[] {
    const { terms } = this.options
    const [only, ...others] = terms
    if (only !== undefined && others.length === 0) return only.apply(verdicts, is_whole)
    const shards = verdicts.map((verdict) =>
      verdict.kind === 'closed' ? null : shardOf(verdict.candidate.legs, terms.length),
    )
    return terms.flatMap((term, shard) =>
      term.apply(
        verdicts.filter((_, i) => shards[i] === null || shards[i] === shard),
        is_whole,
      ),
    )
  }

  /** Taken in every state: nothing may pile up in the detector. */
  private tellNearMisses(): void {
    const { detector, terms, onNearMisses } = this.options
    const refused = detector
      .takeNearMisses()
      .filter(({ legs }) => terms[shardOf(legs, terms.length)]?.is_leading === true)
    if (refused.length > 0) onNearMisses(refused)
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
