/**
 * Judges a whole recorded history, as jepsen does: one consistent story in the stream, and against the
 * books that were on the wire nothing told that they never held and nothing left out that they held
 * for long. What a fault excuses is counted and said. What readers were given is compared elsewhere
 * (service/receipts.ts).
 */
import { Story } from '../../bench/failover/story.ts'
import type { SimulatedMarket } from '../../sandbox/market/source.ts'
import type { Event } from '../../shared/event.ts'
import type { NearMiss } from '../../shared/near-miss.ts'
import type { Opportunity } from '../../shared/opportunity.ts'
import { claimsOf } from '../truth/claims.ts'
import type { Doubts } from '../truth/doubts.ts'
import { type Claim, type Gap, judge } from '../truth/judge.ts'
import { type Late, score } from '../truth/score.ts'
import type { WireEvent } from '../truth/wire.ts'
import type { Verdict } from './fault.ts'

/** The market as it was on the wire, and what was in doubt. */
export interface Truth {
  readonly markets: readonly SimulatedMarket[]
  readonly wire: readonly WireEvent[]
  readonly doubts: Doubts
  readonly late: readonly Late[]
  /** of whoever passes the frames on: what he holds up the worker cannot know of */
  readonly relay_late: readonly Late[]
  readonly from_ms: number
  readonly to_ms: number
  readonly min_percent: number
  readonly min_volume_usd: number
  /** of the steps that the market wanted to take */
  readonly steps_share: number
  /** what the guards held back, as far as it was kept: it may explain what is missed */
  readonly refusals: readonly NearMiss[]
}

/** A part of what a claim may come later than its frame (ANNOUNCED_WITHIN_MS). */
const HELD_UP_MS = 75
/** what a guard said shortly before or after belongs to it, too */
const LATE_WORD_MS = 200
const MOST_SHOWN = 10
/** A market that was given less of its time than this was not the one that is known. */
const LEAST_STEPS = 0.8

/** `events` are all that was ever published, in order, after the last worker ended. */
export function checkStory(events: readonly Event[]): Verdict {
  const story = new Story()
  for (const event of events) story.take(event)
  const unended = story.open().map(({ id }) => `${id} never ended`)
  const alone = [...story.lives.values()]
    .filter(({ newest }) => isOnOneExchange(newest))
    .map(({ id }) => `${id} crosses an exchange with itself`)
  return {
    measured: `${story.told.length} events of ${story.lives.size} opportunities`,
    failures: few([...story.faults, ...unended, ...alone]),
  }
}

/** No phantom, and nothing missed but what a fault or a late loop excuses. */
export function checkTruth(events: readonly Event[], truth: Truth): Verdict {
  const { doubts, steps_share } = truth
  const judged = judge({
    ...truth,
    claims: claimsOf(events),
    tradable: (market, ts) => doubts.tradable(market, ts),
  })
  const scores = score({
    ...truth,
    ...judged,
    touched: (gap) => doubts.touches(gap) || isWithoutDollars(gap, truth),
    unknowable: (claim) => doubts.isUnknowable(claim) || wasHeldUp(claim, truth.relay_late),
  })
  const total = (count: (one: (typeof scores)[number]) => number) =>
    scores.reduce((sum, one) => sum + count(one), 0)
  const has_time = steps_share >= LEAST_STEPS
  const untrue = scores.flatMap(({ untrue }) =>
    untrue.map(({ key, id, detected_ms }) => `phantom ${id} ${key ?? ''} at ${detected_ms}`),
  )
  const missed = scores.flatMap(({ missed }) => missed.map((gap) => describe(gap, truth.refusals)))
  return {
    measured:
      `${total(({ claims }) => claims)} told, ${total(({ untrue }) => untrue.length)} untrue, ` +
      `${total(({ unknowable }) => unknowable)} before it could be known; ` +
      `${total(({ gaps }) => gaps)} gaps, ${total(({ missed }) => missed.length)} missed, ` +
      `${total(({ touched }) => touched)} excused by a fault, ` +
      `${total(({ excused_late }) => excused_late)} by a late loop` +
      (has_time ? '' : `; the market had ${Math.round(100 * steps_share)} % of its time`),
    failures: few([...untrue, ...(has_time ? missed : [])]),
  }
}

/** While no book says what anything is worth in dollars, only what begins with dollars is told. */
function isWithoutDollars({ coins, from_ms, to_ms }: Gap, { markets, doubts }: Truth): boolean {
  if (coins[0] === 'USD') return false
  return markets
    .filter(({ quote }) => quote === 'USD')
    .every(({ exchange, symbol }) =>
      doubts.touches({ legs: [{ exchange, symbol, side: 'buy' }], from_ms, to_ms }),
    )
}

function wasHeldUp({ detected_ms }: Claim, late: readonly Late[]): boolean {
  return late.some(
    ({ from_ms, to_ms, late_ms }) =>
      late_ms > HELD_UP_MS && detected_ms >= from_ms && detected_ms <= to_ms + late_ms,
  )
}

/** Episodes of any chain through one of its markets: of each chain only a few are kept. */
function describe(
  { key, legs, from_ms, to_ms, profit_percent }: Gap,
  refusals: readonly NearMiss[],
) {
  const markets = new Set(legs.map(({ exchange, symbol }) => `${exchange} ${symbol}`))
  const then = refusals.filter(({ observed_at, legs }) => {
    const at_ms = Date.parse(observed_at)
    if (at_ms < from_ms - LATE_WORD_MS || at_ms > to_ms + LATE_WORD_MS) return false
    return legs.some(({ exchange, symbol }) => markets.has(`${exchange} ${symbol}`))
  })
  const guards = [...Map.groupBy(then, ({ guard }) => guard)].map(
    ([guard, said]) => `${guard} ${said.length} times, first "${said[0]?.why}"`,
  )
  const lasted = `${new Date(from_ms).toISOString()} for ${to_ms - from_ms} ms, ${profit_percent.toFixed(2)} %`
  return `never told: ${key} at ${lasted}; held back there: ${guards.join(', ') || 'nothing'}`
}

export function together(verdicts: readonly Verdict[]): Verdict {
  return {
    measured: verdicts.map(({ measured }) => measured).join('; '),
    failures: verdicts.flatMap(({ failures }) => failures),
  }
}

/** Where one exchange is on both sides, only a cycle is something to take. */
function isOnOneExchange({ type, legs }: Opportunity): boolean {
  return type === 'cross_exchange' && new Set(legs.map(({ exchange }) => exchange)).size === 1
}

function few(failures: readonly string[]): string[] {
  const shown = failures.slice(0, MOST_SHOWN)
  if (failures.length > MOST_SHOWN) shown.push(`and ${failures.length - MOST_SHOWN} more`)
  return shown
}
