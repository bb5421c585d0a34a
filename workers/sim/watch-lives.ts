/**
 * Watches what is announced: one beginning and one end for every opportunity, under one id, with the
 * figures that were proven; nothing after its last word; markouts once, at their times, and right.
 */
import { timestamp } from '../../shared/clock.ts'
import type { Draft } from '../../shared/event.ts'
import { type Leg, MARKOUTS_AFTER_MS, type Opportunity } from '../../shared/opportunity.ts'
import { Fraction } from '../detection/oracle/fraction.ts'
import { chainOf, gapOf } from './chains.ts'
import { START_MS } from './outside.ts'
import type { Tally } from './tally.ts'
import { isWhole, type View, type Views } from './views.ts'
import { Violation } from './violation.ts'
import type { DetectionWatch } from './watch-detection.ts'

interface Life {
  readonly detected_ms: number
  readonly legs: readonly Leg[]
  told_ms: number
  expired: boolean
  measured: boolean
  /** a new leader knows nothing of its markouts */
  taken_over: boolean
}

interface Measured {
  readonly at_ms: number
  readonly percent: string | null
}

const UPDATE_EVERY_MS = 250
/** A markout may be late by this part of its time. */
const LATE_PART = 0.5

export class LifeWatch {
  private readonly views: Views
  private readonly detection: DetectionWatch
  private readonly tally: Tally
  private readonly lives = new Map<string, Life>()
  private readonly stalls: (readonly [from_ms: number, to_ms: number])[] = []
  private readonly measured = new Map<readonly Leg[], Measured[]>()

  constructor(views: Views, detection: DetectionWatch, tally: Tally) {
    this.views = views
    this.detection = detection
    this.tally = tally
  }

  told(drafts: readonly Draft[], now_ms: number): void {
    for (const draft of drafts) {
      if (!('markouts' in draft.data)) throw new Violation('one life each', 'what is this?')
      this.tally.count(draft.type)
      this.hear(draft.type, draft.data, now_ms)
    }
  }

  /** What the tracker says is open is what the detector holds open. */
  expectSame(open: readonly Opportunity[]): void {
    for (const { id, status } of open) {
      const life = this.lives.get(id)
      if (life !== undefined && !life.expired && status === 'detected') continue
      throw new Violation('one life each', `${id} is open and was not announced, or has ended`)
    }
    if (open.length === this.detection.open.size) return
    const why = `${open.length} are announced as open, ${this.detection.open.size} are`
    throw new Violation('one life each', why)
  }

  /** A markout was taken. It is what the true books give. */
  measure(legs: readonly Leg[], percent: string | null, now_ms: number): void {
    const all = this.measured.get(legs) ?? []
    this.measured.set(legs, [...all, { at_ms: now_ms, percent }])
    const views = legs.map((leg) => this.views.of(leg))
    const are_live = views.every((view) => view.entry.state === 'live' && isWhole(view))
    const expected = are_live ? markoutOf(legs, views) : null
    const is_right =
      expected === null || percent === null
        ? expected === percent
        : Math.abs(Number(percent) - expected) < 1.01e-4
    if (is_right) return
    throw new Violation('markouts are right', `${percent} % was measured, ${expected} % is right`)
  }

  /** Nothing could be done from here to there. */
  stalled(from_ms: number, to_ms: number): void {
    this.stalls.push([from_ms, to_ms])
  }

  takenOver(): void {
    for (const life of this.lives.values()) {
      life.taken_over = true
      life.told_ms = Number.NEGATIVE_INFINITY
    }
  }

  /** After the last word on everything. */
  end(): void {
    for (const [id, { expired, measured, taken_over }] of this.lives) {
      if (!expired) throw new Violation('one life each', `${id} never ended`)
      if (!measured && !taken_over) throw new Violation('markouts come once', `${id} has none`)
    }
  }

  private hear(type: Draft['type'], data: Opportunity, now_ms: number): void {
    const { id, legs } = data
    const fail = (why: string) => new Violation('one life each', `${id} ${why}`)
    const life = this.lives.get(id)
    if (data.updated_at !== timestamp(Math.floor(START_MS + now_ms))) throw fail('is told of late')
    if (Number(data.peak_profit_percent) < Number(data.profit_percent))
      throw fail('is past its peak')
    if (type === 'opportunity.detected') {
      if (life !== undefined) throw fail('is detected again')
      this.expectProven(data)
      const news = { told_ms: now_ms, expired: false, measured: false, taken_over: false }
      this.lives.set(id, { detected_ms: now_ms, legs, ...news })
      return
    }
    if (life === undefined) throw fail('was never detected')
    if (type === 'opportunity.measured') {
      if (life.measured) throw new Violation('markouts come once', `${id} is measured again`)
      life.measured = true
      if (!life.taken_over) this.expectMeasured(data, life)
      return
    }
    if (life.expired) throw fail(`is told of after its end: ${type}`)
    if (type === 'opportunity.updated') {
      this.expectProven(data)
      if (now_ms - life.told_ms < UPDATE_EVERY_MS) throw fail('is updated too often')
      life.told_ms = now_ms
    } else {
      life.expired = true
      this.expectEnd(data, life, now_ms)
    }
  }

  /** The figures are those that were proven last for this gap. */
  private expectProven({ id, type, legs }: Opportunity): void {
    const gap = gapOf(chainOf(type, legs))
    for (const { candidate, chain } of this.detection.open.values()) {
      if (gapOf(chain) === gap && candidate.legs === legs) return
    }
    throw new Violation('no phantom', `${id} tells figures that nothing proves: ${gap}`)
  }

  private expectEnd(data: Opportunity, { detected_ms, taken_over }: Life, now_ms: number): void {
    const { id, status, duration_ms, expiry_reason } = data
    this.tally.count(`expired: ${expiry_reason}`)
    const is_long = Math.abs((duration_ms ?? Number.NaN) - (now_ms - detected_ms)) <= 1
    if (status === 'expired' && (is_long || taken_over)) return
    throw new Violation('one life each', `${id} ends as ${status} after ${duration_ms} ms`)
  }

  private expectMeasured({ id, markouts }: Opportunity, { legs, detected_ms }: Life): void {
    const fail = (why: string) => new Violation('markouts are right', `${id} ${why}`)
    const taken = this.measured.get(legs) ?? []
    if (markouts.map(({ after_ms }) => after_ms).join() !== MARKOUTS_AFTER_MS.join()) {
      throw fail(`was measured after ${markouts.map(({ after_ms }) => after_ms)}`)
    }
    for (const { after_ms, profit_percent } of markouts) {
      this.tally.count(`markouts: ${profit_percent === null ? 'not known' : 'known'}`)
      const due_ms = detected_ms + after_ms
      const until_ms = due_ms + after_ms * LATE_PART
      const in_time = taken.filter(({ at_ms }) => at_ms >= due_ms && at_ms <= until_ms)
      if (in_time.some(({ percent }) => percent === profit_percent)) continue
      const was_late = this.stalls.some(([from, to]) => from <= until_ms && to >= due_ms)
      if (profit_percent === null && in_time.length === 0 && was_late) continue
      throw fail(`was not measured as ${profit_percent} % after ${after_ms} ms`)
    }
  }
}

/** What a taker would make now with the first order as announced, percent, in exact fractions. */
function markoutOf(legs: readonly Leg[], views: readonly View[]): number {
  let [given, available] = [Fraction.zero, Fraction.zero]
  for (const [i, leg] of legs.entries()) {
    const { held, market } = views[i] as View
    const levels = (held?.[leg.side === 'buy' ? 'asks' : 'bids'] ?? []).map(
      ([price, size]) => [Fraction.of(price), Fraction.of(size)] as const,
    )
    const wanted = leg.side === 'sell' ? available : affordable(levels, available)
    const size =
      i === 0 ? Fraction.of(leg.order_size) : wanted.floorTo(Fraction.of(market.spec.size_step))
    let [base, quote] = [Fraction.zero, Fraction.zero]
    for (const [price, of] of levels) {
      const missing = size.minus(base)
      if (missing.n <= 0n) break
      const part = of.below(missing) ? of : missing
      base = base.plus(part)
      quote = quote.plus(price.times(part))
    }
    const kept = Fraction.one.minus(Fraction.of(leg.fee_percent).over(Fraction.of('100')))
    const [paid, got] = leg.side === 'buy' ? [quote, base] : [base, quote]
    if (i === 0) given = paid
    available = got.times(kept).reduced
  }
  return (available.over(given).number - 1) * 100
}

type Levels = readonly (readonly [price: Fraction, size: Fraction])[]

function affordable(levels: Levels, funds: Fraction): Fraction {
  let [base, left] = [Fraction.zero, funds]
  for (const [price, size] of levels) {
    const cost = price.times(size)
    if (left.below(cost)) return base.plus(left.over(price))
    base = base.plus(size)
    left = left.minus(cost).reduced
  }
  return base
}
