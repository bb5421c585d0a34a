/** Opportunities and exchange states for tests: plausible by hand, or any that the schema allows. */
import fc from 'fast-check'
import type { ExchangeStatus, Heartbeat } from '../../shared/health.ts'
import { MARKOUTS_AFTER_MS, type Opportunity } from '../../shared/opportunity.ts'

const EXCHANGES = ['binance', 'bybit', 'coinbase', 'kraken'] as const
const SYMBOLS = ['BTC/USDT', 'ETH/USDT', 'SOL/USD', '币安人生/USDT'] as const
const BASE_MS = Date.parse('2026-10-01T00:00:00.000Z')

type Leg = Opportunity['legs'][number]

function leg(changes: Partial<Leg> = {}): Leg {
  return {
    exchange: 'kraken',
    symbol: 'BTC/USDT',
    market: 'BTC/USDT',
    side: 'buy',
    amount_in: '999.42',
    amount_out: '0.01572577',
    order_size: '0.01576672',
    average_price: '63388.10',
    worst_price: '63389.00',
    levels: 1,
    fills: [['63388.10', '0.01576672']],
    fee_percent: '0.26',
    fee_source: 'schedule',
    book_age_ms: 8,
    exchange_time: null,
    sequence: null,
    ...changes,
  }
}

export function opportunity(changes: Partial<Opportunity> = {}): Opportunity {
  const { buy_exchange = 'kraken', sell_exchange = 'binance', symbol = 'BTC/USDT' } = changes
  return {
    id: 'opp_00000000000000000000000001',
    type: 'cross_exchange',
    status: 'detected',
    symbol,
    buy_exchange,
    sell_exchange,
    buy_price: '63388.10',
    sell_price: '63801.44',
    gross_percent: '0.6521',
    profit_percent: '0.5513',
    profit_usd: '5.51',
    volume_usd: '999.42',
    base_size: '0.01576672',
    depth_exhausted: false,
    transfer: 'unknown',
    skew_ms: 12,
    simulated: true,
    legs: [
      leg({ exchange: buy_exchange, symbol }),
      leg({ exchange: sell_exchange, symbol, side: 'sell' }),
    ],
    detected_at: '2026-10-01T00:00:00.000Z',
    updated_at: '2026-10-01T00:00:00.000Z',
    expired_at: null,
    duration_ms: null,
    expiry_reason: null,
    peak_profit_percent: '0.5513',
    markouts: [],
    ...changes,
  }
}

export function expired(changes: Partial<Opportunity> = {}): Opportunity {
  const detected_at = changes.detected_at ?? '2026-10-01T00:00:00.000Z'
  const expired_at = new Date(Date.parse(detected_at) + 1_500).toISOString()
  return opportunity({
    status: 'expired',
    updated_at: expired_at,
    expired_at,
    duration_ms: 1_500,
    expiry_reason: 'closed',
    markouts: MARKOUTS_AFTER_MS.map((after_ms) => ({
      after_ms,
      profit_percent: after_ms < 500 ? '0.4120' : null,
    })),
    ...changes,
  })
}

/** A decimal text with up to `digits` of either side, trailing zeros included. */
const decimalText = (digits: number) =>
  fc
    .tuple(fc.nat({ max: 10 ** digits }), fc.nat({ max: 10 ** digits }), fc.nat({ max: digits }))
    .map(([whole, fraction, scale]) =>
      scale === 0 ? `${whole}` : `${whole}.${`${fraction}`.padStart(scale, '0').slice(0, scale)}`,
    )

/** Any; few exchanges, symbols and moments, so that filters meet and ties happen. */
const anyOpportunity: fc.Arbitrary<Opportunity> = fc
  .record({
    type: fc.constantFrom('cross_exchange', 'triangular', 'multi_leg'),
    symbol: fc.constantFrom(...SYMBOLS),
    exchanges: fc.array(fc.constantFrom(...EXCHANGES), { minLength: 2, maxLength: 4 }),
    profit_percent: decimalText(1),
    volume_usd: decimalText(4),
    buy_price: decimalText(9),
    transfer: fc.constantFrom('open', 'closed', 'unknown'),
    after_ms: fc.nat({ max: 20 }),
  })
  .map(({ exchanges, after_ms, ...figures }) => {
    const detected_at = new Date(BASE_MS + after_ms).toISOString()
    return opportunity({
      ...figures,
      buy_exchange: exchanges[0] ?? 'kraken',
      sell_exchange: exchanges.at(-1) ?? 'kraken',
      legs: exchanges.map((exchange) => leg({ exchange, symbol: figures.symbol })),
      detected_at,
      updated_at: detected_at,
    })
  })

/** `count` of them with ids of their own, the same every time. */
export function sample(count: number, seed: number): Opportunity[] {
  return fc
    .sample(anyOpportunity, { numRuns: count, seed })
    .map((one, i) => ({ ...one, id: `opp_${String(i).padStart(26, '0')}` }))
}

/** Any combination of the filters that every list knows, as query parameters. */
export const anyFilters: fc.Arbitrary<Record<string, string>> = fc
  .record(
    {
      type: fc.constantFrom('cross_exchange', 'triangular', 'multi_leg'),
      symbol: fc.constantFrom(...SYMBOLS, 'XRP/USDT'),
      exchange: fc.constantFrom(...EXCHANGES, 'okx'),
      buy_exchange: fc.constantFrom(...EXCHANGES),
      sell_exchange: fc.constantFrom(...EXCHANGES),
      min_profit_percent: decimalText(1),
      min_volume_usd: decimalText(4),
      transfer: fc.constantFrom('open', 'closed', 'unknown'),
    },
    { requiredKeys: [] },
  )
  .filter((filters) => Object.keys(filters).length <= 3)

export function exchangeStatus(changes: Partial<ExchangeStatus> = {}): ExchangeStatus {
  return {
    id: 'kraken',
    name: 'Kraken',
    connected: true,
    state: 'online',
    reason: null,
    simulated: true,
    connected_since: '2026-10-01T00:00:00.000Z',
    books_live: 9,
    books_stale: 1,
    books_halted: 0,
    books_total: 10,
    last_message_age_ms: 4,
    messages_per_second: 120.5,
    messages_total: 90_000,
    gaps_total: 1,
    resyncs_total: 1,
    reconnects_total: 0,
    checksums_ok: 10,
    checksums_failed: 0,
    refused: [],
    taker_fee_percent: '0.26',
    fee_source: 'schedule',
    fee_as_of: '2026-01-01',
    clock_offset_ms: null,
    ...changes,
  }
}

export function heartbeat(changes: Partial<Heartbeat> = {}): Heartbeat {
  const now = new Date().toISOString()
  const store = { ok: true, latency_ms: 1, error: null }
  return {
    worker_id: 'worker-1',
    version: '0.1.0',
    started_at: now,
    sent_at: now,
    leader: true,
    fence: 1,
    health: {
      status: 'ok',
      timestamp: now,
      uptime: 12,
      memory: { rss: 1 },
      simulated: true,
      exchanges: { kraken: exchangeStatus() },
      redis: store,
      postgres: store,
    },
    ...changes,
  }
}
