/**
 * From changed books to published events: the only place where detection, life cycle and publishing
 * meet. A standby detects as well, so that it is warm, but keeps no life cycle and tells nobody;
 * opportunities live under the leader of their shard.
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
  readonly detector: Pick<Detector, 'run' | 'recheck' | 'takeNearMisses'>
  /** by shard */
  readonly terms: readonly Term[]
  readonly clock: Clock
  /** true while the loop is late: then the detector says nothing of what is open */
  readonly late: () => boolean
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

  constructor(options: PipelineOptions) {
    this.options = options
  }

  /** Looks at the books that changed since the last round. */
  round(): void {
    const { books, detector } = this.options
    const dirty = books.takeDirty()
    if (this.ended) return
    const verdicts = detector.run(dirty)
    this.tellNearMisses()
    this.clockSignals(this.apply(verdicts, false))
  }

  /** Looks at what time alone changes: open opportunities age, held updates fall due. */
  recheck(): void {
    if (this.ended) return
    const { detector, terms, late } = this.options
    const verdicts = detector.recheck()
    this.tellNearMisses()
    this.apply(verdicts, !late())
    for (const term of terms) term.sweep()
  }

  /** Publishes what is not an opportunity. A standby tells nobody, and of several leaders one. */
  announce(drafts: readonly Draft[]): void {
    this.options.terms[0]?.announce(drafts)
  }

  /** This worker leads the shard from now on. */
  lead(shard: number, token: number, kind: TermKind): void {
    this.options.terms[shard]?.lead(token, kind, () => this.recheck())
  }

  /** Takes no more. The terms are ended by whoever began them. */
  end(): void {
    this.ended = true
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
