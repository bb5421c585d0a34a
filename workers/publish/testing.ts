/** Opportunities and their events for tests. */
import type { Draft } from '../../shared/event.ts'
import { type Leg, MARKOUTS_AFTER_MS, type Opportunity } from '../../shared/opportunity.ts'

const leg: Leg = {
  exchange: 'binance',
  symbol: 'BTC/USDT',
  market: 'BTCUSDT',
  side: 'buy',
  amount_in: '1000',
  amount_out: '9.99',
  order_size: '10',
  average_price: '100',
  worst_price: '100',
  levels: 1,
  fills: [['100', '10']],
  fee_percent: '0.1',
  fee_source: 'schedule',
  book_age_ms: 3,
  exchange_time: null,
  sequence: '17',
}

export function opportunity(id: string, changes: Partial<Opportunity> = {}): Opportunity {
  return {
    id: `opp_${id}`,
    type: 'cross_exchange',
    status: 'detected',
    symbol: 'BTC/USDT',
    buy_exchange: 'binance',
    sell_exchange: 'bybit',
    buy_price: '100',
    sell_price: '101.123456789012345',
    gross_percent: '1.1235',
    profit_percent: '0.9210',
    profit_usd: '9.21',
    volume_usd: '1000.00',
    base_size: '10',
    depth_exhausted: false,
    transfer: 'unknown',
    skew_ms: 4,
    simulated: true,
    legs: [leg, { ...leg, exchange: 'bybit', side: 'sell' }],
    detected_at: '2026-01-01T00:00:00.000Z',
    updated_at: '2026-01-01T00:00:00.000Z',
    expired_at: null,
    duration_ms: null,
    expiry_reason: null,
    peak_profit_percent: '0.9210',
    markouts: [],
    ...changes,
  }
}

const timestamp = '2026-01-01T00:00:00.000Z'

export function detected(id: string): Draft {
  return { type: 'opportunity.detected', timestamp, data: opportunity(id) }
}

export function updated(id: string, profit_percent: string): Draft {
  return { type: 'opportunity.updated', timestamp, data: opportunity(id, { profit_percent }) }
}

export function expired(id: string): Draft {
  const data = opportunity(id, {
    status: 'expired',
    expired_at: timestamp,
    duration_ms: 5,
    expiry_reason: 'closed',
  })
  return { type: 'opportunity.expired', timestamp, data }
}

/** As it is told after the end, or before it with status 'detected'. */
export function measured(id: string, status: Opportunity['status'] = 'expired'): Draft {
  const data = status === 'expired' ? expired(id).data : detected(id).data
  const markouts = MARKOUTS_AFTER_MS.map((after_ms) => ({ after_ms, profit_percent: '0.5000' }))
  return { type: 'opportunity.measured', timestamp, data: { ...(data as Opportunity), markouts } }
}

export function exchangeStatus(id: string, connected: boolean): Draft {
  return {
    type: 'exchange.status',
    timestamp,
    data: {
      id,
      name: id,
      connected,
      state: connected ? 'online' : 'down',
      reason: null,
      simulated: true,
      connected_since: null,
      books_live: 1,
      books_stale: 0,
      books_halted: 0,
      books_total: 1,
      last_message_age_ms: 1,
      messages_per_second: 1,
      messages_total: 1,
      gaps_total: 0,
      resyncs_total: 0,
      reconnects_total: 0,
      checksums_ok: 0,
      checksums_failed: 0,
      refused: [],
      taker_fee_percent: '0.1',
      fee_source: 'https://example.com/fees',
      fee_as_of: '2026-01-01',
      clock_offset_ms: null,
    },
  }
}
