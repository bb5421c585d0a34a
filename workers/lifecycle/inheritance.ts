/**
 * What a former leader left open. A gap that still lives is the same opportunity, under its id and
 * with its past: nobody hears of it twice. The others end: nobody knows when they really closed, nor
 * what their markouts would have been, so nothing is claimed about either.
 */
import { timestamp } from '../../shared/clock.ts'
import type { Draft } from '../../shared/event.ts'
import { isMeasured, type Leg, type Opportunity } from '../../shared/opportunity.ts'
import type { Candidate } from '../detection/candidate.ts'
import { completed } from './markouts.ts'

export class Inheritance {
  private readonly by_gap = new Map<string, Opportunity>()
  /** of two that tell the same gap only one can go on */
  private readonly doubled: Opportunity[] = []

  constructor(left: readonly Opportunity[]) {
    for (const opportunity of left) {
      const gap = gapOf(opportunity)
      if (this.by_gap.has(gap)) this.doubled.push(opportunity)
      else this.by_gap.set(gap, opportunity)
    }
  }

  /** What was left of this candidate's gap, once. */
  claim(candidate: Candidate): Opportunity | undefined {
    const gap = gapOf(candidate)
    const left = this.by_gap.get(gap)
    this.by_gap.delete(gap)
    return left
  }

  /** The last words on what nobody claimed. */
  end(now_ms: number): Draft[] {
    const unclaimed = [...this.by_gap.values(), ...this.doubled]
    return unclaimed.flatMap((opportunity) => lastWords(opportunity, now_ms))
  }
}

/**
 * The same for the same gap, whoever found it: what is traded where and which way. The market that
 * converts back may change while the opportunity lasts; what it converts is clear without it.
 */
function gapOf({ type, legs }: Pick<Opportunity, 'type' | 'legs'>): string {
  const telling = type === 'cross_exchange' ? legs.slice(0, 2) : legs
  return [type, ...telling.map(legName)].join(' > ')
}

const legName = ({ side, exchange, market }: Leg) => `${side} ${exchange} ${market}`

function lastWords(opportunity: Opportunity, now_ms: number): Draft[] {
  const expired_at = timestamp(now_ms)
  const expired: Opportunity = {
    ...opportunity,
    status: 'expired',
    updated_at: expired_at,
    expired_at,
    duration_ms: Math.max(0, now_ms - Date.parse(opportunity.detected_at)),
    expiry_reason: 'disconnected',
  }
  const end: Draft = { type: 'opportunity.expired', timestamp: expired_at, data: expired }
  if (isMeasured(expired)) return [end]
  const measured = { ...expired, markouts: completed(expired.markouts) }
  return [end, { type: 'opportunity.measured', timestamp: expired_at, data: measured }]
}
