/** An exchange's status out of what its feed and its intake counted. It judges nothing. */
import { type Clock, timestamp } from '../../shared/clock.ts'
import type { ExchangeStatus } from '../../shared/health.ts'
import type { BookState } from '../book/books.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import type { Intake } from './intake.ts'

/** What only the connections know. */
export interface ConnectionStatus {
  readonly connected: boolean
  readonly state: ExchangeStatus['state']
  readonly reason: string | null
  readonly simulated: boolean
  readonly connected_since_ms: number | null
  /** frames */
  readonly per_second: number
  readonly reconnects: number
  readonly audits_ok: number
  readonly audits_failed: number
  /** exchange clock minus ours; null while nothing is known */
  readonly clock_offset_ms: number | null
  /** market → the exchange's words */
  readonly refusals: ReadonlyMap<string, string>
}

export function exchangeStatus(
  exchange: Exchange,
  intake: Intake,
  clock: Clock,
  own: ConnectionStatus,
): ExchangeStatus {
  const { counters, frame_ms } = intake
  const lanes = intake.lanes.filter(({ watched }) => watched)
  const count = (state: BookState) => lanes.filter(({ entry }) => entry.state === state).length
  const since_ms = own.connected ? own.connected_since_ms : null
  return {
    id: exchange.id,
    name: exchange.name,
    connected: own.connected,
    state: own.state,
    reason: own.reason,
    simulated: own.simulated,
    connected_since: since_ms === null ? null : timestamp(since_ms),
    books_live: count('live'),
    books_stale: count('stale'),
    books_halted: count('halted'),
    books_total: lanes.length,
    last_message_age_ms: Number.isNaN(frame_ms)
      ? null
      : Math.max(0, Math.round(clock.monotonic_ms() - frame_ms)),
    messages_per_second: own.per_second,
    messages_total: counters.frames,
    gaps_total: counters.gaps,
    resyncs_total: counters.resyncs,
    reconnects_total: own.reconnects,
    checksums_ok: counters.checksums_ok,
    checksums_failed: counters.checksums_failed,
    refused: [...own.refusals].map(([market, reason]) => ({ market, reason })),
    taker_fee_percent: exchange.fees.taker_percent,
    fee_source: exchange.fees.source,
    fee_as_of: exchange.fees.as_of,
    clock_offset_ms: own.clock_offset_ms,
    audits_ok: own.audits_ok,
    audits_failed: own.audits_failed,
  }
}
