/**
 * The life of an opportunity: detected once, updated when it changes materially, expired once with
 * one reason, and measured once when its last markout is known. The same gap (same key) is one
 * opportunity for as long as it lasts, also under the next leader. It decides nothing about profit
 * and owns no timer; it only turns the detector's verdicts and the time that passes into events.
 */
import { type Clock, timestamp } from '../../shared/clock.ts'
import { compare, type Decimal, decimal, floorToScale, fromNumber } from '../../shared/decimal.ts'
import type { Draft } from '../../shared/event.ts'
import { type ExpiryReason, isMeasured, type Opportunity } from '../../shared/opportunity.ts'
import type { Candidate, Verdict } from '../detection/candidate.ts'
import { Inheritance } from './inheritance.ts'
import { completed, Markouts, type Measure, type Subject } from './markouts.ts'

export interface TrackerOptions {
  readonly clock: Clock
  readonly newId: (wall_ms: number) => string
  readonly measure: Measure
  /**
   * A life begins at this net percent or above. A detector that was on standby keeps chains a little
   * below it open, as it should for those that were announced; these were not.
   */
  readonly min_percent: number
}

/** At most one update an opportunity in this time. */
const UPDATE_EVERY_MS = 250
/** What counts as a material change: percentage points of net profit, share of the size. */
const PROFIT_CHANGE = 0.02
const SIZE_CHANGE = 0.1

interface Life extends Subject {
  /** as last announced */
  announced: Opportunity
  announced_ms: number
  /** as the books said when it could last be taken */
  latest: Candidate
  peak_profit_percent: string
}

export class Tracker {
  private readonly options: TrackerOptions
  private readonly by_key = new Map<string, Life>()
  private readonly markouts: Markouts<Life>
  private readonly least: Decimal
  private inheritance: Inheritance | null = null

  constructor(options: TrackerOptions) {
    this.options = options
    // as `profit_percent` is rounded
    this.least = floorToScale(fromNumber(options.min_percent, 8), 4)
    this.markouts = new Markouts(options.measure)
  }

  /** Opportunities that are open now, as last announced. */
  open(): Opportunity[] {
    return [...this.by_key.values()].map(({ announced }) => announced)
  }

  /** The events that these verdicts make, in their order. */
  apply(verdicts: readonly Verdict[]): Draft[] {
    const drafts: Draft[] = []
    for (const verdict of verdicts) {
      if (verdict.kind === 'closed') {
        const life = this.by_key.get(verdict.key)
        if (life !== undefined) drafts.push(this.expire(verdict.key, life, verdict.reason))
        continue
      }
      const life = this.by_key.get(verdict.candidate.key)
      if (life === undefined) drafts.push(...this.begin(verdict.candidate))
      else {
        this.observe(life, verdict.candidate)
        const update = this.update(life)
        if (update !== null) drafts.push(update)
      }
    }
    return drafts
  }

  /**
   * What the former leader left open. The next `apply` should get everything that is open now, and
   * `disown` ends what was not among it.
   */
  inherit(left: readonly Opportunity[]): void {
    this.inheritance = new Inheritance(left)
  }

  /** The last words on what was inherited and is not there any more. */
  disown(): Draft[] {
    const ended = this.inheritance?.end(this.options.clock.wall_ms()) ?? []
    this.inheritance = null
    return ended
  }

  /** Updates that were held back by the throttle and are due now. */
  sweep(): Draft[] {
    const drafts: Draft[] = []
    for (const life of this.by_key.values()) {
      const update = this.update(life)
      if (update !== null) drafts.push(update)
    }
    return drafts
  }

  /** When `measure` has something to do, monotonic ms; infinite while nothing is to be measured. */
  get measure_at_ms(): number {
    return this.markouts.due_ms
  }

  /** Takes the markouts that are due. */
  measure(): Draft[] {
    const complete = this.markouts.take(this.options.clock.monotonic_ms())
    return complete.map((life) => this.measured(life))
  }

  /** Ends every life: what is open expires, and what was not measured yet stays unknown. */
  end(reason: ExpiryReason): Draft[] {
    const expired = [...this.by_key].map(([key, life]) => this.expire(key, life, reason))
    return [...expired, ...this.conclude()]
  }

  /** The last words on what has ended: whoever goes on goes on with what is open, and knows no more. */
  conclude(): Draft[] {
    const ended = this.markouts.giveUp(({ announced }) => announced.status === 'expired')
    return ended.map((life) => this.measured(life))
  }

  /** Every life is another's now. */
  forget(): void {
    this.by_key.clear()
    this.markouts.clear()
    this.inheritance = null
  }

  private qualifies({ profit_percent }: Candidate): boolean {
    return compare(decimal(profit_percent), this.least) >= 0
  }

  private begin(candidate: Candidate): Draft[] {
    const left = this.inheritance?.claim(candidate)
    if (left !== undefined) return this.adopt(left, candidate)
    return this.qualifies(candidate) ? [this.detect(candidate)] : []
  }

  /** It goes on as if nothing had happened; only markouts that nobody took stay unknown. */
  private adopt(left: Opportunity, candidate: Candidate): Draft[] {
    const { clock } = this.options
    const lived_ms = Math.max(0, clock.wall_ms() - Date.parse(left.detected_at))
    const life: Life = {
      detected_ms: clock.monotonic_ms() - lived_ms,
      detected_legs: left.legs,
      announced: left,
      announced_ms: clock.monotonic_ms() - UPDATE_EVERY_MS,
      latest: candidate,
      peak_profit_percent: left.peak_profit_percent,
      markouts: completed(left.markouts),
    }
    this.by_key.set(candidate.key, life)
    this.observe(life, candidate)
    if (!isMeasured(left)) return [this.measured(life)]
    const update = this.update(life)
    return update === null ? [] : [update]
  }

  private detect(candidate: Candidate): Draft {
    const { clock, newId } = this.options
    const wall_ms = clock.wall_ms()
    const detected_ms = clock.monotonic_ms()
    const detected_at = timestamp(wall_ms)
    const id = newId(wall_ms)
    const data: Opportunity = {
      id,
      status: 'detected',
      ...figuresOf(candidate),
      detected_at,
      updated_at: detected_at,
      expired_at: null,
      duration_ms: null,
      expiry_reason: null,
      peak_profit_percent: candidate.profit_percent,
      markouts: [],
    }
    const life: Life = {
      detected_ms,
      detected_legs: candidate.legs,
      announced: data,
      announced_ms: detected_ms,
      latest: candidate,
      peak_profit_percent: candidate.profit_percent,
      markouts: [],
    }
    this.by_key.set(candidate.key, life)
    this.markouts.add(life)
    return { type: 'opportunity.detected', timestamp: detected_at, data }
  }

  private observe(life: Life, candidate: Candidate): void {
    life.latest = candidate
    if (compare(decimal(candidate.profit_percent), decimal(life.peak_profit_percent)) > 0) {
      life.peak_profit_percent = candidate.profit_percent
    }
  }

  private update(life: Life): Draft | null {
    const due_ms = life.announced_ms + UPDATE_EVERY_MS
    if (this.options.clock.monotonic_ms() < due_ms || !isMaterial(life)) return null
    return this.announce('opportunity.updated', life)
  }

  /** The figures stay those of the last moment at which it could be taken. */
  private expire(key: string, life: Life, reason: ExpiryReason): Draft {
    const { clock } = this.options
    this.by_key.delete(key)
    return this.announce('opportunity.expired', life, {
      status: 'expired',
      expired_at: timestamp(clock.wall_ms()),
      duration_ms: Math.max(0, Math.round(clock.monotonic_ms() - life.detected_ms)),
      expiry_reason: reason,
    })
  }

  private measured(life: Life): Draft {
    return this.announce('opportunity.measured', life)
  }

  /** All that is known by now, with what the event itself changes. */
  private announce(
    type: 'opportunity.updated' | 'opportunity.expired' | 'opportunity.measured',
    life: Life,
    changes: Partial<Opportunity> = {},
  ): Draft {
    const { clock } = this.options
    const { latest, peak_profit_percent, markouts } = life
    const updated_at = timestamp(clock.wall_ms())
    life.announced_ms = clock.monotonic_ms()
    life.announced = {
      ...life.announced,
      ...figuresOf(latest),
      ...changes,
      updated_at,
      peak_profit_percent,
      markouts: [...markouts],
    }
    return { type, timestamp: updated_at, data: life.announced }
  }
}

function figuresOf({ key: _key, ...figures }: Candidate): Omit<Candidate, 'key'> {
  return figures
}

function isMaterial({ announced, latest }: Life): boolean {
  const profit = Number(latest.profit_percent) - Number(announced.profit_percent)
  const size = Number(latest.base_size) / Number(announced.base_size) - 1
  return (
    Math.abs(profit) >= PROFIT_CHANGE ||
    Math.abs(size) >= SIZE_CHANGE ||
    latest.transfer !== announced.transfer
  )
}
