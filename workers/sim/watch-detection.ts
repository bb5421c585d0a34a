/**
 * Watches what is found: nothing is told that the true books did not hold, to the last digit; what
 * they hold is found, or a guard says truly why not; nothing stays open on a book that may not be
 * priced.
 */
import { recomputeProfitPercent } from '../../shared/evidence.ts'
import type { MarketBook } from '../book/books.ts'
import type { Candidate, NearMiss, Verdict } from '../detection/candidate.ts'
import type { DetectorLimits } from '../detection/detector.ts'
import { Fraction } from '../detection/oracle/fraction.ts'
import { Oracle, type Outcome } from '../detection/oracle/oracle.ts'
import { type Chain, chainOf, gapOf, tellsAgain } from './chains.ts'
import { gapsOf } from './gaps.ts'
import { COINS } from './story.ts'
import type { Tally } from './tally.ts'
import { isHalted, isWhole, type View, type Views, worldOf } from './views.ts'
import { Violation } from './violation.ts'

/** What is going on at our end, as the world knows it. */
export interface Circumstances {
  readonly now_ms: number
  /** the loop was blocked a moment ago: what is read now may have waited */
  readonly is_late: boolean
}

interface Open {
  readonly candidate: Candidate
  readonly chain: Chain
  readonly views: readonly View[]
}

/** An opportunity is kept down to this part of the threshold (DETECTION: "a small hysteresis"). */
const KEPT_PART = 0.9
const TRUSTED_AFTER_MS = 100
/** Float64 carries the walk: where lots are finer than this share of the size, one may be missing. */
const FLOAT_SHARE = 1e-9
const PERCENT_STEP = 1.01e-4
/** prices further apart than so may be those of two coins; 3 by the guard, as its samples lag */
const APART_PERCENT = 2.4

/** what a coin is worth is asked again so often */
const DOLLARS_LAST_MS = 1_000
const RECHECK_EVERY_MS = 250
const BRIDGES = ['BTC', 'ETH', 'USDT']

export class DetectionWatch {
  /** by the detector's key */
  readonly open = new Map<string, Open>()
  private readonly views: Views
  private readonly limits: DetectorLimits
  private readonly tally: Tally
  private readonly to_open: string
  private readonly to_keep: string
  /** could be priced at the last recheck and whenever we looked since */
  private steady = new Set<View>()
  private late_since_recheck = true
  /** what was proven last, by key: most rechecks find the same again */
  private readonly proven = new Map<string, string>()
  /** when two prices were last so far apart that they may be those of two coins */
  private apart_ms = Number.NEGATIVE_INFINITY
  /** by coin: when nobody could say last what it is worth */
  private readonly worthless_ms = new Map<string, number>()
  private readonly outcomes = new Map<string, Outcome>()

  constructor(views: Views, limits: DetectorLimits, tally: Tally) {
    this.views = views
    this.limits = limits
    this.tally = tally
    this.to_open = decimal(limits.min_percent)
    this.to_keep = decimal(limits.min_percent * KEPT_PART)
  }

  /** After the detector looked at what changed. */
  round(dirty: readonly MarketBook[], verdicts: readonly Verdict[], now: Circumstances): void {
    this.take(verdicts, now)
    const able = this.able(now.now_ms)
    for (const view of this.steady) if (!able.has(view)) this.steady.delete(view)
    if (now.is_late) this.late_since_recheck = true
    this.noteDollars(now.now_ms)
    this.notePrices(now.now_ms)
    this.expectOpenLive(now)
    if (dirty.length > 0 && !this.late_since_recheck) this.expectFound([...this.steady], now.now_ms)
  }

  /** After the detector looked at what time changes. */
  recheck(verdicts: readonly Verdict[], now: Circumstances): void {
    this.take(verdicts, now)
    this.steady = this.able(now.now_ms)
    this.late_since_recheck = now.is_late
    this.noteDollars(now.now_ms)
    this.notePrices(now.now_ms)
    this.expectOpenLive(now)
    if (now.is_late) return
    this.expectOpenFresh(now.now_ms)
    this.expectFound([...this.steady], now.now_ms)
  }

  /** What guards told to have refused: each reason is true. */
  refused(near_misses: readonly NearMiss[], now: Circumstances): void {
    this.notePrices(now.now_ms)
    for (const near_miss of near_misses) {
      this.tally.count(`guard: ${near_miss.guard}`)
      const views = near_miss.legs.map((leg) => this.views.of(leg))
      if (this.isTrue(near_miss, views, now)) continue
      throw new Violation('a guard is right', `${near_miss.key}: ${near_miss.why}`)
    }
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

  private prove(candidate: Candidate, now: Circumstances): void {
    const { key, type, legs } = candidate
    const views = legs.map((leg) => this.views.of(leg))
    const chain = chainOf(type, legs)
    if (now.is_late) throw new Violation('no phantom', `${key} was told from a backlog`)
    const refusal = views
      .map((view) => this.objection(view, now.now_ms))
      .find((why) => why !== null)
    if (refusal) throw new Violation('no phantom', `${key} was told though ${refusal}`)
    const apart_ms = this.skew_ms(views)
    if (apart_ms > this.limits.max_skew_ms) {
      throw new Violation('no phantom', `${key} was told with books ${apart_ms} ms apart`)
    }
    const is_new = !this.open.has(key)
    this.open.set(key, { candidate, chain, views })
    if (is_new) this.tally.count(`found: ${type} of ${legs.length}`)
    const evidence = [
      is_new,
      candidate.profit_percent,
      ...legs.map(({ order_size }) => order_size),
      ...views.map(({ held, entry }) => `${held?.id} ${entry.market.taker_fee_percent}`),
    ].join()
    if (this.proven.get(key) === evidence) return
    this.proven.set(key, evidence)
    this.proveFigures(candidate, chain, views, is_new ? this.to_open : this.to_keep)
  }

  private proveFigures(
    { key, legs, profit_percent, volume_usd }: Candidate,
    chain: Chain,
    views: readonly View[],
    min_percent: string,
  ): void {
    const fail = (why: string) => new Violation('no phantom', `${key} ${why}`)
    if (recomputeProfitPercent(legs) !== profit_percent) throw fail('does not prove its profit')
    if (Number(profit_percent) > this.limits.max_percent) throw fail('pays implausibly')
    if (Number(volume_usd) < this.limits.min_volume_usd) throw fail('is too small')
    for (const [i, { side, fills, fee_percent }] of legs.entries()) {
      const { held, entry } = views[i] as View
      const levels = held?.[side === 'buy' ? 'asks' : 'bids'] ?? []
      const are_there = fills.every(([price, size], rank) => {
        const [at, of] = levels[rank] ?? ['0', '0']
        const is_last = rank === fills.length - 1
        const is_size = is_last ? Number(size) <= Number(of) : Number(size) === Number(of)
        return Number(price) === Number(at) && is_size
      })
      if (!are_there) throw fail(`takes levels that are not there: ${JSON.stringify(fills)}`)
      if (Number(fee_percent) !== Number(entry.market.taker_fee_percent)) {
        throw fail(
          `pays a fee of ${fee_percent} % where ${entry.market.taker_fee_percent} % is due`,
        )
      }
    }
    const world = worldOf([...new Set(views)], min_percent)
    const outcome = new Oracle(world, new Set()).taken(chain.names)
    const difference = differenceOf(
      legs.map(({ order_size }) => order_size),
      profit_percent,
      outcome,
    )
    if (difference !== null) throw fail(difference)
  }

  /** Markets that can be priced now, by what was told to us. */
  private able(now_ms: number): Set<View> {
    return new Set(this.views.all.filter((view) => this.objection(view, now_ms) === null))
  }

  /** Why this market may not be priced; null when it may. */
  private objection(view: View, now_ms: number): string | null {
    const { entry, market, heard_ms } = view
    const name = `${market.spec.exchange} ${entry.market.symbol}`
    if (isHalted(view)) return `${name} does not trade`
    if (entry.state !== 'live') return `${name} is ${entry.state}`
    if (!isWhole(view)) return `${name} has no two sides apart`
    if (entry.market.taker_fee_percent === null) return `the fee of ${name} is not known`
    const { max_book_age_ms } = this.limits
    const age_ms = now_ms - Math.min(entry.confirmed_ms, heard_ms)
    if (!(age_ms <= max_book_age_ms)) return `${name} was not heard of for ${age_ms} ms`
    if (now_ms - entry.since_ms < TRUSTED_AFTER_MS) return `${name} is live since a moment ago`
    return view.port.isBehind(entry) ? `${name} comes late` : null
  }

  private skew_ms(views: readonly View[]): number {
    const confirmed = views.map(({ entry }) => entry.confirmed_ms)
    return Math.max(...confirmed) - Math.min(...confirmed)
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
      // a late turn ends nothing that a guard might judge otherwise a moment later
      if (is_late) continue
      const rate = topRate(chain, views)
      if (rate < (1 + Number(this.to_keep) / 100) * (1 - 1e-9)) {
        throw new Violation('no phantom', `${key} is open and yields ${rate} at the top`)
      }
    }
  }

  private expectOpenFresh(now_ms: number): void {
    for (const [key, { views }] of this.open) {
      const why = views.map((view) => this.objection(view, now_ms)).find((one) => one !== null)
      if (why) throw new Violation('no opportunity on a lost book', `${key} is open though ${why}`)
      if (this.skew_ms(views) > this.limits.max_skew_ms) {
        throw new Violation('no opportunity on a lost book', `${key} is open on books far apart`)
      }
    }
  }

  /** All that pays on these markets is open, or refused for a true reason. */
  private expectFound(views: readonly View[], now_ms: number): void {
    const gaps = gapsOf(views, 1 + Number(this.to_open) / 100)
    if (gaps.length === 0) return
    const open = [...this.open.values()].map(({ chain }) => chain)
    const told = new Set(open.map(gapOf))
    for (const { chain, views } of gaps) {
      this.tally.count('gaps at the top')
      if (told.has(gapOf(chain))) continue
      if (chain.type === 'multi_leg' && open.some((one) => tellsAgain(chain, one))) continue
      if (this.mayBeHeld(chain, views, now_ms)) continue
      const outcome = this.outcome(chain, views)
      if (outcome?.kind !== 'taken' || this.isOutOfBounds(chain, outcome)) continue
      const why = `${chain.names.join(' > ')} pays at ${now_ms} and is not open`
      throw new Violation('nothing is missed', why)
    }
  }

  /** As the oracle says; nothing changes while the books do not. */
  private outcome(chain: Chain, views: readonly View[]): Outcome | undefined {
    const seen = views.map(({ held, entry }) => `${held?.id} ${entry.market.taker_fee_percent}`)
    const question = `${chain.names.join(' > ')} at ${seen.join()}`
    const known = this.outcomes.get(question)
    if (known !== undefined) return known
    const oracle = new Oracle(worldOf(views, this.to_open), new Set())
    const outcome = oracle.taken(chain.names)
    if (outcome !== undefined) this.outcomes.set(question, outcome)
    return outcome
  }

  /** By a guard that judges more than one market. */
  private mayBeHeld(chain: Chain, views: readonly View[], now_ms: number): boolean {
    const worthless_ms = this.worthless_ms.get(chain.coins[0] as string) ?? Number.NaN
    return (
      this.skew_ms(views) > this.limits.max_skew_ms ||
      now_ms - worthless_ms <= DOLLARS_LAST_MS ||
      this.mayBeStrange(chain, now_ms)
    )
  }

  /** By a guard that judges the size. */
  private isOutOfBounds(
    chain: Chain,
    { given, received }: Extract<Outcome, { kind: 'taken' }>,
  ): boolean {
    const { max_percent, min_volume_usd } = this.limits
    const percent = (received.over(given).number - 1) * 100
    const dollars = given.number * (COINS[chain.coins[0] as string] as number)
    // dollars are what a market last said
    return percent > max_percent - PERCENT_STEP || dollars < min_volume_usd * 1.3
  }

  /** What no live market prices in dollars has no size, and is looked at again after a while. */
  private noteDollars(now_ms: number): void {
    const trades = (one: string, other: string) =>
      this.views.all.some(({ entry, market: { spec } }) => {
        const here = [spec.base, spec.quote]
        return entry.state === 'live' && here.includes(one) && here.includes(other)
      })
    for (const coin of Object.keys(COINS)) {
      const is_priced =
        coin === 'USD' ||
        trades(coin, 'USD') ||
        BRIDGES.some((bridge) => trades(coin, bridge) && trades(bridge, 'USD'))
      if (!is_priced) this.worthless_ms.set(coin, now_ms)
    }
  }

  /** A price that is far from the others may be another coin's; within one exchange it never is. */
  private mayBeStrange({ type, names }: Chain, now_ms: number): boolean {
    const exchanges = new Set(names.map((name) => name.split(' ')[1]))
    if (exchanges.size === 1 && type !== 'multi_leg') return false
    return now_ms - this.apart_ms <= DOLLARS_LAST_MS + RECHECK_EVERY_MS
  }

  private notePrices(now_ms: number): void {
    const off = this.views.all.map(({ held }) => Math.abs(held?.percent ?? 0))
    const [most = 0, second = 0] = off.sort((a, b) => b - a)
    if (most + second > APART_PERCENT) this.apart_ms = now_ms
  }

  private isTrue(
    { guard, legs, type }: NearMiss,
    views: readonly View[],
    { now_ms, is_late }: Circumstances,
  ): boolean {
    const any = (is: (view: View) => boolean) => views.some(is)
    const { max_book_age_ms, max_skew_ms } = this.limits
    switch (guard) {
      case 'stale':
        return any(
          ({ entry }) =>
            entry.state !== 'live' || !(now_ms - entry.confirmed_ms <= max_book_age_ms),
        )
      case 'halted':
        return any(
          (view) => isHalted(view) || view.held?.bids.length === 0 || view.held?.asks.length === 0,
        )
      case 'crossed':
        return any((view) => !isWhole(view))
      case 'quarantine':
        return any(({ entry }) => now_ms - entry.since_ms < TRUSTED_AFTER_MS)
      case 'skew':
        return this.skew_ms(views) > max_skew_ms
      case 'backlog':
        return is_late || any((view) => view.port.isBehind(view.entry))
      case 'fee_unknown':
        return any(({ entry }) => entry.market.taker_fee_percent === null)
      case 'identity':
        return this.mayBeStrange(chainOf(type, legs), now_ms)
      default:
        return guard !== 'leveraged'
    }
  }
}

function differenceOf(
  sizes: readonly string[],
  profit_percent: string,
  outcome: Outcome | undefined,
): string | null {
  if (outcome === undefined || outcome.kind === 'refused') return 'cannot be taken'
  // a smaller size than was walked, which its evidence proves
  if (outcome.kind === 'rounding') return null
  const percent = (outcome.received.over(outcome.given).number - 1) * 100
  const apart = sizes.map((size, i) =>
    Math.abs(
      Fraction.of(size)
        .over(outcome.sizes[i] as Fraction)
        .minus(Fraction.one).number,
    ),
  )
  if (Math.max(...apart) > FLOAT_SHARE) {
    return `takes ${sizes.join(', ')} and should take ${outcome.sizes.map(({ number }) => number)}`
  }
  if (Math.abs(Number(profit_percent) - percent) < PERCENT_STEP) return null
  return `pays ${profit_percent} % and should pay ${percent} %`
}

function topRate({ names, coins }: Chain, views: readonly View[]): number {
  return names.reduce((rate, _, i) => {
    const { held, entry, market } = views[i] as View
    const kept = 1 - Number(entry.market.taker_fee_percent) / 100
    const buys = coins[i] === market.spec.quote
    const price = Number(held?.[buys ? 'asks' : 'bids'][0]?.[0])
    return rate * kept * (buys ? 1 / price : price)
  }, 1)
}

const decimal = (percent: number) => String(Number(percent.toFixed(8)))
