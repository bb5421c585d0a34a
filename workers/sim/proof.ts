/** Whether a candidate is what the true books give: every level, fee, size and digit of it. */
import { recomputeProfitPercent } from '../../shared/evidence.ts'
import type { Leg } from '../../shared/opportunity.ts'
import type { Candidate } from '../detection/candidate.ts'
import type { SizeLimits } from '../detection/guards.ts'
import { Fraction } from '../detection/oracle/fraction.ts'
import { Oracle, type Outcome } from '../detection/oracle/oracle.ts'
import type { Chain } from './chains.ts'
import { type View, worldOf } from './views.ts'

/** Float64 carries the walk: where lots are finer than this share of the size, one may be missing. */
const FLOAT_SHARE = 1e-9
/** profit is told with four digits, rounded down */
export const PERCENT_STEP = 1.01e-4

/** What is wrong with it, in words that follow its name; null when it is right. */
export function faultOf(
  { legs, profit_percent, volume_usd }: Candidate,
  chain: Chain,
  views: readonly View[],
  limits: SizeLimits,
  min_percent: string,
): string | null {
  if (recomputeProfitPercent(legs) !== profit_percent) return 'does not prove its profit'
  if (Number(profit_percent) > limits.max_percent) return 'pays implausibly'
  if (Number(volume_usd) < limits.min_volume_usd) return 'is too small'
  for (const [i, leg] of legs.entries()) {
    const fault = faultOfLeg(leg, views[i] as View)
    if (fault !== null) return fault
  }
  const outcome = new Oracle(worldOf(views, min_percent), new Set()).taken(chain.names)
  return differenceOf(legs, profit_percent, outcome)
}

/** Net rate at the best levels. */
export function topRate({ names }: Chain, views: readonly View[]): number {
  return names.reduce((rate, name, i) => {
    const { held, entry } = views[i] as View
    const kept = 1 - Number(entry.market.taker_fee_percent) / 100
    const buys = name.startsWith('buy')
    const price = Number(held?.[buys ? 'asks' : 'bids'][0]?.[0])
    return rate * kept * (buys ? 1 / price : price)
  }, 1)
}

function faultOfLeg({ side, fills, fee_percent }: Leg, { held, entry }: View): string | null {
  const levels = held?.[side === 'buy' ? 'asks' : 'bids'] ?? []
  for (const [rank, [price, size]] of fills.entries()) {
    const [at, of] = levels[rank] ?? ['0', '0']
    const takes_all = rank < fills.length - 1
    const is_there = takes_all ? Number(size) === Number(of) : Number(size) <= Number(of)
    if (Number(price) === Number(at) && is_there) continue
    return `takes ${size} at ${price} where ${of} at ${at} stands`
  }
  const { taker_fee_percent } = entry.market
  if (Number(fee_percent) === Number(taker_fee_percent)) return null
  return `pays a fee of ${fee_percent} % where ${taker_fee_percent} % is due`
}

function differenceOf(
  legs: readonly Leg[],
  profit_percent: string,
  outcome: Outcome | undefined,
): string | null {
  if (outcome === undefined || outcome.kind === 'refused') return 'cannot be taken'
  // a smaller size than was walked, which its evidence proves
  if (outcome.kind === 'rounding') return null
  const percent = (outcome.received.over(outcome.given).number - 1) * 100
  for (const [i, { order_size }] of legs.entries()) {
    const expected = outcome.sizes[i] as Fraction
    const share = Fraction.of(order_size).over(expected).minus(Fraction.one).number
    if (Math.abs(share) > FLOAT_SHARE) return `takes ${order_size} and not ${expected.number}`
  }
  if (Math.abs(Number(profit_percent) - percent) < PERCENT_STEP) return null
  return `pays ${profit_percent} % and should pay ${percent} %`
}
