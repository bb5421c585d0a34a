/**
 * Precision and recall of what the worker announced, by type. A gap counts when it was on the wire for
 * more than SHORTEST_MS; it is found when the worker had an opportunity of the same key open in that
 * time, or one that tells the same in fewer words. What is left out is counted and said: the start and
 * the end of a run, gaps that a fault touched, gaps that were open only while the worker itself was
 * measurably late, and what was announced from an exchange in the two seconds before its silence can
 * be told from quiet.
 */
import type { ChainType, NamedLeg } from '../../sandbox/market/chain.ts'
import { ANNOUNCED_WITHIN_MS, type Gap, type JudgedClaim } from './judge.ts'

const SHORTEST_MS = 50

/** The worker's event loop was late by `late_ms` at most, at some time between the two; in order. */
export interface Late {
  readonly from_ms: number
  readonly to_ms: number
  readonly late_ms: number
}

export interface Run {
  readonly gaps: readonly Gap[]
  readonly claims: readonly JudgedClaim[]
  /** what is counted lies between the two */
  readonly from_ms: number
  readonly to_ms: number
  readonly late: readonly Late[]
  /** whether a fault touches this gap */
  readonly touched: (gap: Gap) => boolean
  /** whether nobody could know yet that what this claim was made from was stale */
  readonly unknowable: (claim: JudgedClaim) => boolean
}

export interface TypeScore {
  readonly type: ChainType
  readonly gaps: number
  /** of them, told by opportunities with fewer words (`explains`), not under their own key */
  readonly told_shorter: number
  readonly missed: readonly Gap[]
  readonly claims: number
  readonly untrue: readonly JudgedClaim[]
  readonly precision: number
  readonly recall: number
  /** gaps that would count, but the worker was late or a fault was there */
  readonly excused_late: number
  readonly touched: number
  /** false claims that do not count: made before the fault could be known */
  readonly unknowable: number
}

/** A loop that is later than this lets frames wait so long that it refuses what it reads … */
const LATE_MS = 50
/** … and for so long afterwards (the guard `backlog`). */
const SETTLE_MS = 110

export function score(run: Run): TypeScore[] {
  return (['cross_exchange', 'triangular', 'multi_leg'] as const).map((type) => scoreOf(type, run))
}

function scoreOf(type: ChainType, run: Run): TypeScore {
  const claims = run.claims.filter(
    (claim) => claim.type === type && isWithin(claim.detected_ms, claim.detected_ms, run),
  )
  const [unknowable, untrue] = [true, false].map((unknown) =>
    claims.filter((claim) => !claim.is_true && run.unknowable(claim) === unknown),
  ) as [JudgedClaim[], JudgedClaim[]]
  const long = run.gaps.filter(
    (gap) =>
      gap.type === type &&
      gap.to_ms - gap.from_ms > SHORTEST_MS &&
      isWithin(gap.from_ms, gap.to_ms, run),
  )
  const touched = long.filter(run.touched)
  const whole = long.filter((gap) => !run.touched(gap))
  const keyed = whole.filter((gap) => run.claims.some((claim) => isFound(gap, claim)))
  const unkeyed = whole.filter((gap) => !keyed.includes(gap))
  const unseen = unkeyed.filter(
    (gap) => !run.claims.some((claim) => isInTime(gap, claim) && explains(claim, gap)),
  )
  const missed = unseen.filter((gap) => timely(gap, run.late) > SHORTEST_MS)
  const gaps = whole.length - (unseen.length - missed.length)
  return {
    type,
    gaps,
    told_shorter: unkeyed.length - unseen.length,
    missed,
    claims: claims.length,
    untrue,
    precision: claims.length === 0 ? 1 : 1 - untrue.length / claims.length,
    recall: gaps === 0 ? 1 : 1 - missed.length / gaps,
    excused_late: unseen.length - missed.length,
    touched: touched.length,
    unknowable: unknowable.length,
  }
}

function isWithin(from_ms: number, to_ms: number, run: Run): boolean {
  return from_ms >= run.from_ms && to_ms <= run.to_ms
}

function isFound(gap: Gap, claim: JudgedClaim): boolean {
  return claim.key === gap.key && isInTime(gap, claim)
}

function isInTime(gap: Gap, { detected_ms, expired_ms }: JudgedClaim): boolean {
  return detected_ms <= gap.to_ms + ANNOUNCED_WITHIN_MS && expired_ms >= gap.from_ms
}

/**
 * The worker publishes no gap twice: what an open opportunity of no more legs says already, because it
 * shares two legs, or one and visits only coins of the longer chain in the same order, is not said again.
 */
function explains(claim: JudgedClaim, gap: Gap): boolean {
  if (claim.legs.length > gap.legs.length || claim.coins.length === 0) return false
  const shared = claim.legs.filter((leg) => gap.legs.some((other) => isSame(leg, other))).length
  return shared >= 2 || (shared === 1 && isPartOf(claim.coins, gap.coins))
}

function isSame(a: NamedLeg, b: NamedLeg): boolean {
  return a.exchange === b.exchange && a.symbol === b.symbol && a.side === b.side
}

function isPartOf(some: readonly string[], all: readonly string[]): boolean {
  const places = some.map((coin) => all.indexOf(coin))
  const turns = places.filter((place, i) => place > (places[(i + 1) % places.length] ?? 0))
  return !places.includes(-1) && turns.length === 1
}

/** How long the gap was open outside of the windows in which the worker was late. */
function timely({ from_ms, to_ms }: Gap, late: readonly Late[]): number {
  let [in_time_ms, reached_ms] = [0, from_ms]
  for (const window of late) {
    if (window.late_ms < LATE_MS) continue
    in_time_ms += Math.max(0, Math.min(to_ms, window.from_ms) - reached_ms)
    reached_ms = Math.max(reached_ms, window.to_ms + SETTLE_MS)
  }
  return in_time_ms + Math.max(0, to_ms - reached_ms)
}

/** The score as lines for people. */
export function report(title: string, scores: readonly TypeScore[]): string {
  const lines = scores.map(({ type, gaps, missed, claims, untrue, ...rest }) => {
    const { precision, recall, told_shorter, excused_late, touched, unknowable } = rest
    return (
      `${title} ${type.padEnd(14)} precision ${precision.toFixed(3)} (${claims} announced, ` +
      `${untrue.length} false, ${unknowable} before it could be known)  recall ${recall.toFixed(3)} (${gaps} gaps, ${told_shorter} of them told shorter, ` +
      `${missed.length} missed, ` +
      `${excused_late} while late, ${touched} touched by a fault)`
    )
  })
  const details = scores.flatMap(({ missed, untrue }) => [
    ...missed.map(
      (gap) =>
        `  missed ${gap.key}: ${gap.from_ms}..${gap.to_ms} (${(gap.to_ms - gap.from_ms).toFixed(0)} ms), ` +
        `${gap.profit_percent.toFixed(4)} %`,
    ),
    ...untrue.map(
      (claim) =>
        `  false ${claim.key ?? JSON.stringify(claim.legs)}: announced ${claim.detected_ms}`,
    ),
  ])
  return [...lines, ...details].join('\n')
}
