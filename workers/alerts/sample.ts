/**
 * What an endpoint gets when its owner wants to see a message: a fixed example of the type that it
 * subscribed to first, from a market that never was (`simulated`), with evidence that can be
 * recomputed like any other's.
 */
import { timestamp } from '../../shared/clock.ts'
import type { Event, EventType } from '../../shared/event.ts'
import type { ExchangeStatus } from '../../shared/health.ts'
import type { Leg, Opportunity } from '../../shared/opportunity.ts'
import type { EndpointEvent } from '../../shared/webhook.ts'
import type { Endpoint } from './endpoint.ts'

const BUY: Leg = {
  exchange: 'kraken',
  symbol: 'BTC/USDT',
  market: 'BTC/USDT',
  side: 'buy',
  amount_in: '1267.766',
  amount_out: '0.019948',
  order_size: '0.02',
  average_price: '63388.3000',
  worst_price: '63388.5',
  levels: 2,
  fills: [
    ['63388.1', '0.01'],
    ['63388.5', '0.01'],
  ],
  fee_percent: '0.26',
  fee_source: 'schedule',
  book_age_ms: 8,
  exchange_time: null,
  sequence: null,
}
const SELL: Leg = {
  exchange: 'binance',
  symbol: 'BTC/USDT',
  market: 'BTCUSDT',
  side: 'sell',
  amount_in: '0.019948',
  amount_out: '1279.42398299232',
  order_size: '0.019948',
  average_price: '64202.16',
  worst_price: '64202.16',
  levels: 1,
  fills: [['64202.16', '0.019948']],
  fee_percent: '0.1',
  fee_source: 'schedule',
  book_age_ms: 4,
  exchange_time: null,
  sequence: '48213905177',
}

function opportunity(id: string, at: string): Opportunity {
  return {
    id,
    type: 'cross_exchange',
    status: 'detected',
    symbol: 'BTC/USDT',
    buy_exchange: BUY.exchange,
    sell_exchange: SELL.exchange,
    buy_price: BUY.average_price,
    sell_price: SELL.average_price,
    gross_percent: '1.2839',
    profit_percent: '0.9195',
    profit_usd: '11.65',
    volume_usd: '1267.76',
    base_size: '0.02',
    depth_exhausted: false,
    transfer: 'open',
    skew_ms: 4,
    simulated: true,
    legs: [BUY, SELL],
    detected_at: at,
    updated_at: at,
    expired_at: null,
    duration_ms: null,
    expiry_reason: null,
    peak_profit_percent: '0.9195',
    markouts: [],
  }
}

const MARKOUTS = [
  { after_ms: 50, profit_percent: '0.9195' },
  { after_ms: 100, profit_percent: '0.9195' },
  { after_ms: 250, profit_percent: '0.8410' },
  { after_ms: 500, profit_percent: '0.5522' },
  { after_ms: 1_000, profit_percent: '-0.1034' },
]
const DURATION_MS = 840

function exchangeStatus(at: string): ExchangeStatus {
  return {
    id: 'kraken',
    name: 'Kraken',
    connected: true,
    state: 'online',
    reason: null,
    simulated: true,
    connected_since: at,
    books_live: 118,
    books_stale: 0,
    books_halted: 0,
    books_total: 118,
    last_message_age_ms: 4,
    messages_per_second: 812,
    messages_total: 2_931_377,
    gaps_total: 0,
    resyncs_total: 3,
    reconnects_total: 1,
    checksums_ok: 2_930_101,
    checksums_failed: 0,
    refused: [],
    taker_fee_percent: '0.26',
    fee_source: 'https://www.kraken.com/features/fee-schedule',
    fee_as_of: '2026-10-01',
    clock_offset_ms: 2,
  }
}

/** `id` is the message's own; `now_ms` is when it happens, in milliseconds since 1970. */
export function sampleFor(endpoint: Endpoint, id: string, now_ms: number): Event | EndpointEvent {
  const [type] = endpoint.event_types
  const at = timestamp(now_ms)
  if (type !== undefined) return sampleOf(type, id, at, timestamp(now_ms - DURATION_MS))
  const url_host = URL.parse(endpoint.url)?.host ?? ''
  return { id, type: 'endpoint.test', timestamp: at, data: { webhook_id: endpoint.id, url_host } }
}

function sampleOf(type: EventType, id: string, at: string, before: string): Event {
  const opp = 'opp_00000000000000000000000000'
  switch (type) {
    case 'exchange.status':
      return { id, type, timestamp: at, data: exchangeStatus(before) }
    case 'opportunity.detected':
      return { id, type, timestamp: at, data: opportunity(opp, at) }
    case 'opportunity.updated':
      return { id, type, timestamp: at, data: { ...opportunity(opp, before), updated_at: at } }
    case 'opportunity.expired':
    case 'opportunity.measured': {
      const ended = { expired_at: at, duration_ms: DURATION_MS, expiry_reason: 'closed' } as const
      const markouts = type === 'opportunity.measured' ? MARKOUTS : MARKOUTS.slice(0, 4)
      const data = { ...opportunity(opp, before), ...ended, status: 'expired' as const, markouts }
      return { id, type, timestamp: at, data: { ...data, updated_at: at } }
    }
  }
}
