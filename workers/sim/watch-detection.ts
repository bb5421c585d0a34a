/**
 * Watches what is found: nothing is told that the true books did not hold, to the last digit; what
 * they hold is found, or a guard says truly why not; nothing stays open on a book that may not be
 * priced.
 */
import type { MarketBook } from '../book/books.ts'
import type { Candidate, NearMiss, Verdict } from '../detection/candidate.ts'
import type { DetectorLimits } from '../detection/detector.ts'
import { Oracle, type Outcome } from '../detection/oracle/oracle.ts'
import { type Chain, chainOf, gapOf, tellsAgain } from './chains.ts'
import { gapsOf } from './gaps.ts'
import { type Circumstances, Guarding } from './guarding.ts'
import { faultOf, PERCENT_STEP, topRate } from './proof.ts'
import { COINS } from './story.ts'
import type { Tally } from './tally.ts'
import { type View, type Views, worldOf } from './views.ts'
import { Violation } from './violation.ts'

interface Open {
  readonly candidate: Candidate
  readonly chain: Chain
  readonly views: readonly View[]
}

/** An opportunity is kept down to this part of the threshold. */
const KEPT_PART = 0.9
/** Dollars are what a market last said. */
const DOLLAR_SLACK = 1.3

export class DetectionWatch {
  /** by the detector's key */
  readonly open = new Map<string, Open>()
  private readonly views: Views
  private readonly limits: DetectorLimits
  private readonly tally: Tally
  private readonly guarding: Guarding
  private readonly to_open: string
  private readonly to_keep: string
  /** could be priced at the last recheck and whenever we looked since */
  private steady = new Set<View>()
  private late_since_recheck = true
  /** what was proven last, by key: most rechecks find the same again */
  private readonly proven = new Map<string, string>()
  private readonly outcomes = new Map<string, Outcome>()

  constructor(views: Views, limits: DetectorLimits, tally: Tally) {
    this.views = views
    this.limits = limits
    this.tally = tally
    this.guarding = new Guarding(views, limits)
    this.to_open = decimal(limits.min_percent)
    this.to_keep = decimal(limits.min_percent * KEPT_PART)
  }

  /** What guards told to have refused in the look that follows: each reason is true. */
  refused(near_misses: readonly NearMiss[], now: Circumstances): void {
    this.guarding.note(now.now_ms)
    for (const near_miss of near_misses) {
      this.tally.count(`guard: ${near_miss.guard}`)
      if (this.guarding.isTrue(near_miss, now)) continue
      throw new Violation('a guard is right', `${near_miss.key}: ${near_miss.why}`)
    }
  }

  /** After the detector looked at what changed. */
  round(dirty: readonly MarketBook[], verdicts: readonly Verdict[], now: Circumstances): void {
    this.take(verdicts, now)
    const able = this.guarding.able(now.now_ms)
    for (const view of this.steady) if (!able.has(view)) this.steady.delete(view)
    if (now.is_late) this.late_since_recheck = true
    this.expectOpenLive(now)
    if (dirty.length > 0 && !this.late_since_recheck) this.expectFound([...this.steady], now.now_ms)
  }

  /** After the detector looked at what time changes. */
  recheck(verdicts: readonly Verdict[], now: Circumstances): void {
    this.take(verdicts, now)
    this.steady = this.guarding.able(now.now_ms)
    this.late_since_recheck = now.is_late
    this.expectOpenLive(now)
    if (now.is_late) return
    this.expectOpenFresh(now.now_ms)
    this.expectFound([...this.steady], now.now_ms)
  }

  private take(verdicts: readonly Verdict[], now: Circumstances): void {
    for (const verdict of verdicts) {
      if (verdict.kind === 'open') {
        this.prove(verdict.candidate, now)
      } else if (!this.open.delete(verdict.key)) {
        throw new Violation('one life each', `${verdict.key} ends and was not open`)
      }
    }
  }

  private prove(candidate: Candidate, { now_ms, is_late }: Circumstances): void {
    const { key, type, legs } = candidate
    const views = legs.map((leg) => this.views.of(leg))
    const chain = chainOf(type, legs)
    if (is_late) throw new Violation('no phantom', `${key} was told from a backlog`)
    const why = this.guarding.objections(views, now_ms)
    if (why !== null) throw new Violation('no phantom', `${key} was told though ${why}`)
    const is_new = !this.open.has(key)
    this.open.set(key, { candidate, chain, views })
    if (is_new) this.tally.count(`found: ${type} of ${legs.length}`)
    const figures = [candidate.profit_percent, ...legs.map(({ order_size }) => order_size)].join()
    const evidence = `${is_new} ${figures} ${seen(views)}`
    if (this.proven.get(key) === evidence) return
    this.proven.set(key, evidence)
    const least = is_new ? this.to_open : this.to_keep
    const fault = faultOf(candidate, chain, views, this.limits, least)
    if (fault !== null) throw new Violation('no phantom', `${key} ${fault}`)
  }

  /** What is open was closed in the very round in which a book of it was lost or paid no more. */
  private expectOpenLive({ now_ms, is_late }: Circumstances): void {
    for (const [key, { views, chain }] of this.open) {
      const lost = views.find(({ entry }) => entry.state !== 'live')
      if (lost !== undefined) {
        const { symbol, exchange } = lost.entry.market
        const why = `${key} is open at ${now_ms} with ${exchange} ${symbol} ${lost.entry.state}`
        throw new Violation('no opportunity on a lost book', why)
      }
      // a late turn ends nothing that may be judged otherwise a moment later
      if (is_late) continue
      const rate = topRate(chain, views)
      if (rate >= (1 + Number(this.to_keep) / 100) * (1 - 1e-9)) continue
      throw new Violation('no phantom', `${key} is open and yields ${rate} at the top`)
    }
  }

  private expectOpenFresh(now_ms: number): void {
    for (const [key, { views }] of this.open) {
      const why = this.guarding.objections(views, now_ms)
      if (why === null) continue
      throw new Violation('no opportunity on a lost book', `${key} is open though ${why}`)
    }
  }

  /** All that pays on these markets is open, or refused for a true reason. */
  private expectFound(able: readonly View[], now_ms: number): void {
    const gaps = gapsOf(able, 1 + Number(this.to_open) / 100)
    if (gaps.length === 0) return
    const open = [...this.open.values()].map(({ chain }) => chain)
    const told = new Set(open.map(gapOf))
    for (const { chain, views } of gaps) {
      this.tally.count('gaps at the top')
      if (told.has(gapOf(chain))) continue
      if (chain.type === 'multi_leg' && open.some((one) => tellsAgain(chain, one))) continue
      if (this.guarding.mayHold(chain, views, now_ms)) continue
      const outcome = this.outcome(chain, views)
      if (outcome?.kind !== 'taken' || this.isOutOfBounds(chain, outcome)) continue
      const why = `${chain.names.join(' > ')} pays at ${now_ms} and is not open`
      throw new Violation('nothing is missed', why)
    }
  }

  /** As the oracle says; nothing changes while the books do not. */
  private outcome(chain: Chain, views: readonly View[]): Outcome | undefined {
    const question = `${chain.names.join(' > ')} at ${seen(views)}`
    const known = this.outcomes.get(question)
    if (known !== undefined) return known
    const outcome = new Oracle(worldOf(views, this.to_open), new Set()).taken(chain.names)
    if (outcome !== undefined) this.outcomes.set(question, outcome)
    return outcome
  }

  /** A size or a profit that may be refused. */
  private isOutOfBounds(
    { coins }: Chain,
    { given, received }: Extract<Outcome, { kind: 'taken' }>,
  ): boolean {
    const { max_percent, min_volume_usd } = this.limits
    const percent = (received.over(given).number - 1) * 100
    const dollars = given.number * (COINS[coins[0] as string] as number)
    return percent > max_percent - PERCENT_STEP || dollars < min_volume_usd * DOLLAR_SLACK
  }
}

/** Which books, and which fees. */
function seen(views: readonly View[]): string {
  return views.map(({ held, entry }) => `${held?.id} ${entry.market.taker_fee_percent}`).join()
}

const decimal = (percent: number) => String(Number(percent.toFixed(8)))
