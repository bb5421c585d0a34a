/**
 * The life of an opportunity: detected once, updated when it changes materially, expired once with
 * one reason. The same gap (same key) is one opportunity for as long as it lasts. It decides
 * nothing about profit; it only turns the detector's verdicts into events.
 */
import { type Clock, timestamp } from '../../shared/clock.ts'
import { compare, decimal } from '../../shared/decimal.ts'
import type { Draft } from '../../shared/event.ts'
import type { ExpiryReason, Opportunity } from '../../shared/opportunity.ts'
import type { Candidate, Verdict } from '../detection/candidate.ts'

export interface TrackerOptions {
  readonly clock: Clock
  readonly newId: (wall_ms: number) => string
}

/** At most one update an opportunity in this time. */
const UPDATE_EVERY_MS = 250
/** What counts as a material change: percentage points of net profit, share of the size. */
const PROFIT_CHANGE = 0.02
const SIZE_CHANGE = 0.1

interface Open {
  readonly detected_ms: number
  /** as last announced */
  announced: Opportunity
  announced_ms: number
  /** as the books say now */
  latest: Candidate
  peak_profit_percent: string
}

export class Tracker {
  private readonly options: TrackerOptions
  private readonly by_key = new Map<string, Open>()

  constructor(options: TrackerOptions) {
    this.options = options
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
        const open = this.by_key.get(verdict.key)
        if (open !== undefined) drafts.push(this.expire(verdict.key, open, verdict.reason))
        continue
      }
      const open = this.by_key.get(verdict.candidate.key)
      if (open === undefined) drafts.push(this.detect(verdict.candidate))
      else {
        this.observe(open, verdict.candidate)
        const update = this.update(open)
        if (update !== null) drafts.push(update)
      }
    }
    return drafts
  }

  /** Updates that were held back by the throttle and are due now. */
  sweep(): Draft[] {
    const drafts: Draft[] = []
    for (const open of this.by_key.values()) {
      const update = this.update(open)
      if (update !== null) drafts.push(update)
    }
    return drafts
  }

  expireAll(reason: ExpiryReason): Draft[] {
    return [...this.by_key].map(([key, open]) => this.expire(key, open, reason))
  }

  private detect(candidate: Candidate): Draft {
    const { clock, newId } = this.options
    const wall_ms = clock.wall_ms()
    const detected_ms = clock.monotonic_ms()
    const detected_at = timestamp(wall_ms)
    const id = newId(wall_ms)
    const { key: _key, ...figures } = candidate
    const data: Opportunity = {
      id,
      status: 'detected',
      ...figures,
      detected_at,
      updated_at: detected_at,
      expired_at: null,
      duration_ms: null,
      expiry_reason: null,
      peak_profit_percent: candidate.profit_percent,
      markouts: [],
    }
    this.by_key.set(candidate.key, {
      detected_ms,
      announced: data,
      announced_ms: detected_ms,
      latest: candidate,
      peak_profit_percent: candidate.profit_percent,
    })
    return { type: 'opportunity.detected', timestamp: detected_at, data }
  }

  private observe(open: Open, candidate: Candidate): void {
    open.latest = candidate
    if (compare(decimal(candidate.profit_percent), decimal(open.peak_profit_percent)) > 0) {
      open.peak_profit_percent = candidate.profit_percent
    }
  }

  private update(open: Open): Draft | null {
    const { clock } = this.options
    const now_ms = clock.monotonic_ms()
    if (now_ms - open.announced_ms < UPDATE_EVERY_MS || !isMaterial(open)) return null
    const updated_at = timestamp(clock.wall_ms())
    const { key: _key, ...figures } = open.latest
    open.announced = {
      ...open.announced,
      ...figures,
      updated_at,
      peak_profit_percent: open.peak_profit_percent,
    }
    open.announced_ms = now_ms
    return { type: 'opportunity.updated', timestamp: updated_at, data: open.announced }
  }

  /** The figures stay those of the last moment at which it could be taken. */
  private expire(key: string, open: Open, reason: ExpiryReason): Draft {
    const { clock } = this.options
    const expired_at = timestamp(clock.wall_ms())
    const { key: _key, ...figures } = open.latest
    this.by_key.delete(key)
    const data: Opportunity = {
      ...open.announced,
      ...figures,
      status: 'expired',
      updated_at: expired_at,
      expired_at,
      duration_ms: Math.max(0, Math.round(clock.monotonic_ms() - open.detected_ms)),
      expiry_reason: reason,
      peak_profit_percent: open.peak_profit_percent,
    }
    return { type: 'opportunity.expired', timestamp: expired_at, data }
  }
}

function isMaterial({ announced, latest }: Open): boolean {
  const profit = Number(latest.profit_percent) - Number(announced.profit_percent)
  const size = Number(latest.base_size) / Number(announced.base_size) - 1
  return Math.abs(profit) >= PROFIT_CHANGE || Math.abs(size) >= SIZE_CHANGE
}
