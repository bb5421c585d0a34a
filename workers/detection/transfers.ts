/**
 * Whether what a chain trades can be moved back to where it came from: a label on opportunities,
 * never a reason to refuse one, because a taker with inventory on both sides needs no transfer at
 * the moment of the trade. Without word of an exchange it is unknown, never open.
 */
import type { AssetNetwork, AssetStatus } from '../../shared/asset.ts'
import type { TransferNetwork, TransferStatus } from '../../shared/opportunity.ts'
import type { GuardedLeg } from './guards.ts'

export interface Transfer {
  readonly transfer: TransferStatus
  /**
   * Of each leg: the networks over which what it receives can be moved to the next leg's exchange,
   * cheapest first (Leg.transfer_networks). Empty when nothing has to be moved or no way is open.
   */
  readonly networks: readonly (readonly TransferNetwork[])[]
}

interface Step {
  readonly transfer: TransferStatus
  readonly networks: readonly TransferNetwork[]
}

/** Within one exchange nothing has to be moved. */
const NOTHING_TO_MOVE: Step = { transfer: 'open', networks: [] }
const CLOSED: Step = { transfer: 'closed', networks: [] }
const UNKNOWN: Step = { transfer: 'unknown', networks: [] }

export class Transfers {
  private readonly assets = new Map<string, ReadonlyMap<string, AssetStatus>>()

  /** Replaces all that is known of an exchange. */
  set(exchange: string, assets: readonly AssetStatus[]): void {
    this.assets.set(exchange, new Map(assets.map((status) => [status.asset, status])))
  }

  /**
   * What each leg receives must be withdrawn there and deposited where the next leg gives it. The
   * end of the chain counts for nothing: that is the money one began with, and it stays. So of a
   * purchase on A and a sale on B it is the base, from A to B.
   */
  label(legs: readonly GuardedLeg[]): Transfer {
    const steps = legs.map((leg, i) => this.step(leg, legs[i + 1] ?? leg))
    return {
      transfer: steps.map((step) => step.transfer).reduce(worse, 'open'),
      networks: steps.map((step) => step.networks),
    }
  }

  private step(before: GuardedLeg, after: GuardedLeg): Step {
    const [from, to] = [before.entry.market, after.entry.market]
    if (from.exchange === to.exchange) return NOTHING_TO_MOVE
    const leaving = before.side === 'buy' ? from.base : from.quote
    const arriving = after.side === 'buy' ? to.quote : to.base
    const source = this.assets.get(from.exchange)?.get(leaving)
    const target = this.assets.get(to.exchange)?.get(arriving)
    if (source?.withdrawals === false || target?.deposits === false) return CLOSED
    if (source === undefined || target === undefined) return UNKNOWN
    const open = commonNetworks(source.networks, target.networks)
    if (open === null) return UNKNOWN
    if (open.length === 0) return CLOSED
    const networks = open.map(({ network, withdrawal_fee }) => ({ network, withdrawal_fee }))
    return { transfer: 'open', networks: networks.sort(byFee) }
  }
}

/**
 * Networks on which the one lets go and the other takes in; null when nobody can tell. Where one of
 * the two does not tell networks apart, the other's only open one is taken for the common one.
 */
function commonNetworks(
  source: readonly AssetNetwork[] | null,
  target: readonly AssetNetwork[] | null,
): readonly TransferNetwork[] | null {
  const leaving = source?.filter(({ withdrawals }) => withdrawals) ?? null
  const arriving = target?.filter(({ deposits }) => deposits) ?? null
  if (leaving !== null && arriving !== null) {
    const names = new Set(arriving.map(({ network }) => network))
    return leaving.filter(({ network }) => names.has(network))
  }
  const known = leaving ?? arriving
  if (known === null || known.length > 1) return null
  return known.map(({ network, withdrawal_fee }) => {
    // what it costs to leave is for the exchange that is left to say
    return { network, withdrawal_fee: leaving === null ? null : withdrawal_fee }
  })
}

function worse(one: TransferStatus, other: TransferStatus): TransferStatus {
  if (one === 'closed' || other === 'closed') return 'closed'
  return one === 'unknown' || other === 'unknown' ? 'unknown' : 'open'
}

function byFee(one: TransferNetwork, other: TransferNetwork): number {
  const fee = ({ withdrawal_fee }: TransferNetwork) =>
    withdrawal_fee === null ? Number.POSITIVE_INFINITY : Number(withdrawal_fee)
  const [a, b] = [fee(one), fee(other)]
  return a === b ? (one.network < other.network ? -1 : 1) : a - b
}
