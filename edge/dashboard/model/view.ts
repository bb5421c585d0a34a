/** What the page derives from the state: order, sums, and the words for what is wrong. Pure. */
import { add, compare, type Decimal, decimal, format, ZERO } from '../../../shared/decimal.ts'
import type { ExchangeStatus } from '../../../shared/health.ts'
import type { Opportunity } from '../../../shared/opportunity.ts'
import type { Exchanges, Row, State } from './state.ts'

export const SORTS = ['detected_at', 'profit_percent', 'profit_usd', 'volume_usd'] as const
export type Sort = (typeof SORTS)[number]

/**
 * Largest or newest first. `held` is an order to keep: what is in it stays where it is and what is
 * new follows, so that nothing moves under a pointer or a finger.
 */
export function arrange(rows: readonly Row[], sort: Sort, held: readonly string[] | null): Row[] {
  const sorted = sortedBy(rows, sort)
  if (held === null) return sorted
  const place = new Map(held.map((id, index) => [id, index]))
  const at = (row: Row) => place.get(row.opportunity.id) ?? held.length
  return sorted.sort((a, b) => at(a) - at(b))
}

/** Each figure is read once: hundreds of rows are put in order several times a second. */
function sortedBy(rows: readonly Row[], sort: Sort): Row[] {
  if (sort === 'detected_at') return [...rows].sort((a, b) => byAge(a.opportunity, b.opportunity))
  return rows
    .map((row) => ({ row, figure: decimal(row.opportunity[sort]) }))
    .sort((a, b) => compare(b.figure, a.figure) || byId(a.row.opportunity, b.row.opportunity))
    .map(({ row }) => row)
}

function byAge(a: Opportunity, b: Opportunity): number {
  return compareText(b.detected_at, a.detected_at) || byId(a, b)
}

/** The newest first: ids sort by time. */
function byId(a: Opportunity, b: Opportunity): number {
  return compareText(b.id, a.id)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

export function liveCount(state: State): number {
  return [...state.rows.values()].filter((row) => row.ended_ms === null).length
}

export interface Totals {
  readonly live: number
  /** null when nothing is live */
  readonly best_percent: string | null
  readonly profit_usd: string
  readonly books_live: number
  readonly books_total: number
  readonly exchanges_connected: number
  readonly exchanges_total: number
  readonly messages_per_second: number
}

export function totals(state: State): Totals {
  const live = [...state.rows.values()].filter((row) => row.ended_ms === null)
  const exchanges = [...(state.exchanges.value ?? new Map<string, ExchangeStatus>()).values()]
  const sum = (pick: (exchange: ExchangeStatus) => number) =>
    exchanges.reduce((total, exchange) => total + pick(exchange), 0)
  // Without a worker nobody listens to any exchange, whatever was written last.
  const watched = isWorkerDead(state) ? 0 : 1
  return {
    live: live.length,
    best_percent: best(live.map((row) => decimal(row.opportunity.profit_percent))),
    profit_usd: format(
      live.reduce((total, row) => add(total, decimal(row.opportunity.profit_usd)), ZERO),
    ),
    books_live: watched * sum((exchange) => exchange.books_live),
    books_total: sum((exchange) => exchange.books_total),
    exchanges_connected: watched * sum((exchange) => (exchange.connected ? 1 : 0)),
    exchanges_total: exchanges.length,
    messages_per_second: watched * sum((exchange) => exchange.messages_per_second),
  }
}

function best(values: readonly Decimal[]): string | null {
  const [first, ...others] = values
  if (first === undefined) return null
  return format(others.reduce((top, value) => (compare(value, top) > 0 ? value : top), first))
}

/** Any sign of simulation counts: to call simulated data real would be the worse mistake. */
export function isSimulated(state: State): boolean {
  if (state.health.value?.simulated) return true
  const exchanges = state.exchanges.value?.values() ?? []
  if ([...exchanges].some((exchange) => exchange.simulated)) return true
  return [...state.rows.values()].some((row) => row.opportunity.simulated)
}

export function serverNow_ms(state: State): number {
  return state.now_ms + (state.server_offset_ms ?? 0)
}

/** How long it lives, or lived. */
export function ageOf_ms(opportunity: Opportunity, state: State): number {
  return opportunity.duration_ms ?? serverNow_ms(state) - Date.parse(opportunity.detected_at)
}

/** For a choice among the exchanges. */
export function exchangeOptions(state: State): [id: string, name: string][] {
  return [...(state.exchanges.value?.values() ?? [])].map(({ id, name }) => [id, name])
}

export function exchangeName(state: State, id: string): string {
  return nameIn(exchangesOf(state), id)
}

const NONE: Exchanges = new Map()

export function exchangesOf({ exchanges }: State): Exchanges {
  return exchanges.value ?? NONE
}

/** The id, while nothing is known of the exchange. */
export function nameIn(exchanges: Exchanges, id: string): string {
  return exchanges.get(id)?.name ?? id
}

/** A break shorter than this is not worth alarming anybody. */
export const ALARM_AFTER_MS = 2_500
/** Answers older than this describe the past. */
export const STALE_AFTER_MS = 30_000

export type Trouble = 'none' | 'worker_dead' | 'stream_lost' | 'health_unknown'

export function isWorkerDead(state: State): boolean {
  return state.health.value?.worker.alive === false
}

/** The most serious thing that makes the figures on the page untrustworthy. */
export function trouble(state: State): Trouble {
  if (isWorkerDead(state)) return 'worker_dead'
  const { connection, health } = state
  if (connection.phase === 'lost' && state.now_ms - connection.since_ms >= ALARM_AFTER_MS) {
    return 'stream_lost'
  }
  const heard_ms = health.heard_ms ?? 0
  if (health.failure !== null && state.now_ms - heard_ms >= STALE_AFTER_MS) return 'health_unknown'
  return 'none'
}

/** The assets that a chain passes through: ["USDT", "BTC", "USDT"]. */
export function assetPath(opportunity: Opportunity): string[] {
  const steps = opportunity.legs.map((leg) => {
    const [base = '', quote = ''] = leg.symbol.split('/')
    return leg.side === 'buy' ? { from: quote, to: base } : { from: base, to: quote }
  })
  return [...steps.slice(0, 1).map((step) => step.from), ...steps.map((step) => step.to)]
}
