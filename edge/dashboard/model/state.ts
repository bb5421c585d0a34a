/**
 * Everything the page knows, and the pure function that changes it. Late and repeated news change
 * nothing: a snapshot from a cache may be older than the stream, and a resumed stream may repeat.
 * It draws nothing, fetches nothing and reads no clock: time arrives inside the actions.
 */
import { compare, decimal } from '../../../shared/decimal.ts'
import type { Event } from '../../../shared/event.ts'
import type { EdgeHealth, ExchangeStatus } from '../../../shared/health.ts'
import type { Opportunity } from '../../../shared/opportunity.ts'

/** One row of the table. */
export interface Row {
  readonly opportunity: Opportunity
  /** `profit_percent` as it was announced, oldest first, at most TREND_MAX */
  readonly trend: readonly string[]
  readonly movement: 'new' | 'up' | 'down' | 'same'
  readonly heard_ms: number
  /** when it left the live set; the row stays a moment so that the eye can follow */
  readonly ended_ms: number | null
}

type Connection =
  | { readonly phase: 'connecting' }
  /** `resumed`: it had been lost before, for so long */
  | {
      readonly phase: 'live'
      readonly resumed: { readonly at_ms: number; readonly away_ms: number } | null
    }
  | {
      readonly phase: 'lost'
      readonly since_ms: number
      readonly retry_at_ms: number
      readonly reason: string
    }

/** When a polled resource last answered, and why it does not answer now. */
interface Heard {
  readonly heard_ms: number | null
  /** null when the last attempt succeeded */
  readonly failure: string | null
}

/** One look at an exchange. */
export interface Sample {
  readonly messages_per_second: number
  /** null: it has never spoken */
  readonly age_ms: number | null
  readonly books_live: number
}

export interface Polled<T> extends Heard {
  readonly value: T | null
}

export type Exchanges = ReadonlyMap<string, ExchangeStatus>

export interface State {
  /** wall time of this computer */
  readonly now_ms: number
  /** what to add to get the server's wall time; null before the server told its time */
  readonly server_offset_ms: number | null
  readonly connection: Connection
  readonly rows: ReadonlyMap<string, Row>
  readonly live_set: Heard
  /** newest first, at most ENDED_MAX */
  readonly ended: readonly Opportunity[]
  readonly exchanges: Polled<Exchanges>
  /** what each exchange was like since the page is open, oldest first, at most SAMPLES_MAX */
  readonly samples: ReadonlyMap<string, readonly Sample[]>
  readonly health: Polled<EdgeHealth>
}

export type Action = { readonly now_ms: number } & (
  | { readonly type: 'tick' }
  | { readonly type: 'stream_open' }
  | { readonly type: 'stream_lost'; readonly reason: string; readonly retry_at_ms: number }
  | { readonly type: 'event'; readonly event: Event }
  /** `grace_ms`: a row heard of more recently than this may be newer than the live set. */
  | {
      readonly type: 'live_set'
      readonly opportunities: readonly Opportunity[]
      readonly grace_ms: number
    }
  | { readonly type: 'exchanges'; readonly exchanges: readonly ExchangeStatus[] }
  | { readonly type: 'health'; readonly health: EdgeHealth }
  | {
      readonly type: 'failure'
      readonly of: 'live_set' | 'exchanges' | 'health'
      readonly reason: string
    }
)

const TREND_MAX = 60
/** More than is shown: whoever is in here stays over, whatever an old snapshot says. */
export const ENDED_MAX = 100
/** Five minutes of looks, one every three seconds. */
export const SAMPLES_MAX = 100
/** How long a row that ended stays in the table. */
export const LINGER_MS = 1_600
/** A server time this far behind our estimate means that this computer's clock was moved. */
const CLOCK_MOVED_MS = 30_000

const nothing = { value: null, heard_ms: null, failure: null }

export function initialState(now_ms: number): State {
  return {
    now_ms,
    server_offset_ms: null,
    connection: { phase: 'connecting' },
    rows: new Map(),
    live_set: { heard_ms: null, failure: null },
    ended: [],
    exchanges: nothing,
    samples: new Map(),
    health: nothing,
  }
}

export function reduce(before: State, action: Action): State {
  const state = { ...before, now_ms: action.now_ms }
  switch (action.type) {
    case 'tick':
      return forgetEnded(state)
    case 'stream_open':
      return { ...state, connection: { phase: 'live', resumed: resumed(before, action.now_ms) } }
    case 'stream_lost':
      return { ...state, connection: lost(before.connection, action) }
    case 'event':
      return announce(hearServerTime(state, action.event.timestamp, Infinity), action.event)
    case 'live_set':
      return applyLiveSet(state, action.opportunities, action.grace_ms)
    case 'exchanges':
      return {
        ...state,
        exchanges: answered(state, byId(action.exchanges)),
        samples: sampled(state.samples, action.exchanges),
      }
    case 'health':
      return {
        ...hearServerTime(state, action.health.timestamp, CLOCK_MOVED_MS),
        health: answered(state, action.health),
      }
    case 'failure':
      return { ...state, [action.of]: { ...state[action.of], failure: action.reason } }
  }
}

/** The moment of the first loss counts, however often it was tried again since. */
function lost(
  before: Connection,
  action: { now_ms: number; reason: string; retry_at_ms: number },
): Connection {
  const since_ms = before.phase === 'lost' ? before.since_ms : action.now_ms
  return { phase: 'lost', since_ms, reason: action.reason, retry_at_ms: action.retry_at_ms }
}

function resumed({ connection }: State, now_ms: number) {
  if (connection.phase !== 'lost') return null
  return { at_ms: now_ms, away_ms: now_ms - connection.since_ms }
}

/**
 * News takes time to arrive and repeated news is old, so every server time is a lower bound and the
 * highest one is the best estimate, unless it lies more than `behind_max_ms` above the latest.
 */
function hearServerTime(state: State, timestamp: string, behind_max_ms: number): State {
  const sample_ms = Date.parse(timestamp) - state.now_ms
  if (Number.isNaN(sample_ms)) return state
  const held_ms = state.server_offset_ms
  if (held_ms !== null && sample_ms <= held_ms && held_ms - sample_ms <= behind_max_ms) return state
  return { ...state, server_offset_ms: sample_ms }
}

function announce(state: State, event: Event): State {
  if (event.type === 'exchange.status') {
    const exchanges = new Map(state.exchanges.value).set(event.data.id, event.data)
    return { ...state, exchanges: answered(state, exchanges) }
  }
  return event.data.status === 'expired' ? end(state, event.data) : upsert(state, event.data)
}

function upsert(state: State, opportunity: Opportunity): State {
  const held = state.rows.get(opportunity.id)
  if (isOver(state, opportunity.id)) return state
  if (held && held.opportunity.updated_at > opportunity.updated_at) return state
  return { ...state, rows: new Map(state.rows).set(opportunity.id, row(state, opportunity, held)) }
}

function row(state: State, opportunity: Opportunity, held: Row | undefined): Row {
  const heard_ms = state.now_ms
  const percent = opportunity.profit_percent
  if (held === undefined) {
    const movement = state.live_set.heard_ms === null ? 'same' : 'new'
    return { opportunity, trend: [percent], movement, heard_ms, ended_ms: null }
  }
  const repeated = held.opportunity.updated_at === opportunity.updated_at
  // also when a list that was older had said that it is gone
  if (repeated) return { ...held, opportunity, heard_ms, ended_ms: null }
  const change = compare(decimal(percent), decimal(held.opportunity.profit_percent))
  return {
    opportunity,
    trend: [...held.trend, percent].slice(-TREND_MAX),
    movement: change > 0 ? 'up' : change < 0 ? 'down' : 'same',
    heard_ms,
    ended_ms: null,
  }
}

function isOver(state: State, id: string): boolean {
  const held = state.rows.get(id)
  if (held !== undefined && held.opportunity.status === 'expired') return true
  return state.ended.some((opportunity) => opportunity.id === id)
}

function end(state: State, opportunity: Opportunity): State {
  if (isOver(state, opportunity.id)) return complete(state, opportunity)
  const held = state.rows.get(opportunity.id)
  const rows = new Map(state.rows)
  if (held) rows.set(opportunity.id, { ...held, opportunity, ended_ms: state.now_ms })
  return { ...state, rows, ended: [opportunity, ...state.ended].slice(0, ENDED_MAX) }
}

/** Markouts may come after the end. */
function complete(state: State, opportunity: Opportunity): State {
  const newer = (known: Opportunity) => {
    const adds = known.markouts.length < opportunity.markouts.length
    return known.id === opportunity.id && adds ? opportunity : known
  }
  const rows = new Map(state.rows)
  const held = rows.get(opportunity.id)
  if (held) rows.set(opportunity.id, { ...held, opportunity: newer(held.opportunity) })
  return { ...state, rows, ended: state.ended.map(newer) }
}

function applyLiveSet(
  before: State,
  opportunities: readonly Opportunity[],
  grace_ms: number,
): State {
  const live = new Set(opportunities.map((opportunity) => opportunity.id))
  const state = opportunities.reduce(upsert, before)
  const rows = new Map(state.rows)
  for (const [id, held] of state.rows) {
    const recent = state.now_ms - held.heard_ms < grace_ms
    const gone = !live.has(id) && held.ended_ms === null && !recent
    if (gone) rows.set(id, { ...held, ended_ms: state.now_ms })
  }
  return { ...state, rows, live_set: { heard_ms: state.now_ms, failure: null } }
}

function forgetEnded(state: State): State {
  const over = [...state.rows].filter(
    ([, { ended_ms }]) => ended_ms !== null && state.now_ms - ended_ms >= LINGER_MS,
  )
  if (over.length === 0) return state
  const rows = new Map(state.rows)
  for (const [id] of over) rows.delete(id)
  return { ...state, rows }
}

function answered<T>(state: State, value: T): Polled<T> {
  return { value, heard_ms: state.now_ms, failure: null }
}

function byId(exchanges: readonly ExchangeStatus[]): Exchanges {
  return new Map(exchanges.map((exchange) => [exchange.id, exchange]))
}

function sampled(
  before: State['samples'],
  exchanges: readonly ExchangeStatus[],
): ReadonlyMap<string, readonly Sample[]> {
  const next = exchanges.map((exchange): [string, readonly Sample[]] => {
    const { id, messages_per_second, last_message_age_ms: age_ms, books_live } = exchange
    const sample = { messages_per_second, age_ms, books_live }
    return [id, [...(before.get(id) ?? []), sample].slice(-SAMPLES_MAX)]
  })
  return new Map(next)
}
