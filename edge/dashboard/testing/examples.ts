/** Opportunities and statuses as the real worker announces them, for tests to vary. */
import { type EdgeHealth, ExchangeStatus } from '../../../shared/health.ts'
import { NearMiss } from '../../../shared/near-miss.ts'
import { type Leg, Opportunity } from '../../../shared/opportunity.ts'
import { type Spread, spreadOf } from '../../../shared/spread.ts'
import type { StatsAnswer } from '../../../shared/stats.ts'
import type { TopOfBook } from '../../../shared/top.ts'
import { Webhook } from '../../../shared/webhook.ts'

/** A moment of the test's own day, so that ages are what a person would see. */
export function ago(ms: number, now_ms: number = Date.now()): string {
  return new Date(now_ms - ms).toISOString()
}

const buy: Leg = {
  exchange: 'kraken',
  symbol: 'BTC/USDT',
  market: 'BTC/USDT',
  side: 'buy',
  amount_in: '4998.1042317',
  amount_out: '0.0786438912',
  order_size: '0.07884890',
  average_price: '63388.1043829517',
  worst_price: '63391.2',
  levels: 3,
  fills: [
    ['63386.9', '0.03120000'],
    ['63388.1', '0.02500000'],
    ['63391.2', '0.02264890'],
  ],
  fee_percent: '0.26',
  fee_source: 'schedule',
  book_age_ms: 8,
  exchange_time: null,
  sequence: null,
}

const sell: Leg = {
  ...buy,
  exchange: 'binance',
  market: 'BTCUSDT',
  side: 'sell',
  amount_in: '0.0786438912',
  amount_out: '5025.6598104',
  order_size: '0.07864000',
  average_price: '63969.4411200000',
  worst_price: '63966.02',
  levels: 2,
  fills: [
    ['63971.50', '0.05000000'],
    ['63966.02', '0.02864000'],
  ],
  fee_percent: '0.1',
  book_age_ms: 23,
  sequence: '51027793411',
}

let made = 0

/** Checked against the published schema: the page is never tested with what cannot arrive. */
export function opportunity(changes: Partial<Opportunity> = {}): Opportunity {
  const detected_at = changes.detected_at ?? ago(12_000)
  const legs = [buy, sell].map((leg, index) => ({
    ...leg,
    symbol: changes.symbol ?? leg.symbol,
    exchange: (index === 0 ? changes.buy_exchange : changes.sell_exchange) ?? leg.exchange,
  }))
  return Opportunity.parse({
    id: `opp_${String(++made).padStart(6, '0')}`,
    type: 'cross_exchange',
    status: 'detected',
    symbol: 'BTC/USDT',
    buy_exchange: 'kraken',
    sell_exchange: 'binance',
    buy_price: '63388.1043829517',
    sell_price: '63969.4411200000',
    gross_percent: '0.9171',
    profit_percent: '0.5513',
    profit_usd: '27.5556',
    volume_usd: '4998.10',
    base_size: '0.0788489',
    depth_exhausted: false,
    transfer: 'unknown',
    skew_ms: 15,
    simulated: false,
    legs,
    detected_at,
    updated_at: detected_at,
    expired_at: null,
    duration_ms: null,
    expiry_reason: null,
    peak_profit_percent: changes.profit_percent ?? '0.5513',
    markouts: [],
    ...changes,
  })
}

/** The same opportunity some time later. */
export function later(
  before: Opportunity,
  changes: Partial<Opportunity>,
  after_ms = 1_000,
): Opportunity {
  const updated_at = new Date(Date.parse(before.updated_at) + after_ms).toISOString()
  return Opportunity.parse({ ...before, updated_at, ...changes })
}

export function expired(
  before: Opportunity,
  expiry_reason: Opportunity['expiry_reason'],
  duration_ms: number,
): Opportunity {
  const expired_at = new Date(Date.parse(before.detected_at) + duration_ms).toISOString()
  return Opportunity.parse({
    ...before,
    status: 'expired',
    updated_at: [expired_at, before.updated_at].sort()[1],
    expired_at,
    duration_ms,
    expiry_reason,
    markouts: [
      { after_ms: 100, profit_percent: '0.4120' },
      { after_ms: 1_000, profit_percent: null },
    ],
  })
}

export function exchange(changes: Partial<ExchangeStatus> & { id: string }): ExchangeStatus {
  return ExchangeStatus.parse({
    name: changes.id[0]?.toUpperCase() + changes.id.slice(1),
    connected: true,
    state: 'online',
    reason: null,
    simulated: false,
    connected_since: ago(3_600_000),
    books_live: 118,
    books_stale: 2,
    books_halted: 0,
    books_total: 120,
    last_message_age_ms: 4,
    messages_per_second: 3184.2,
    messages_total: 12_345_678,
    gaps_total: 3,
    resyncs_total: 3,
    reconnects_total: 1,
    checksums_ok: 0,
    checksums_failed: 0,
    refused: [],
    taker_fee_percent: '0.1',
    fee_source: 'https://www.binance.com/en/fee/schedule',
    fee_as_of: '2026-08-01',
    clock_offset_ms: 3,
    ...changes,
  })
}

export function health(changes: Partial<EdgeHealth> = {}): EdgeHealth {
  return {
    status: 'ok',
    timestamp: ago(0),
    uptime: 4_211,
    memory: { rss: 120_000_000 },
    simulated: false,
    exchanges: {},
    redis: { ok: true, latency_ms: 1, error: null },
    postgres: { ok: true, latency_ms: 2, error: null },
    worker: { alive: true, heartbeat_age_ms: 900, worker_id: 'worker-1' },
    ...changes,
  }
}

/** Best bid and ask of each exchange, with a fee of 0.1 %; put together as the edge does it. */
export function spread(
  symbol: string,
  quotes: Readonly<Record<string, readonly [bid: number, ask: number]>>,
): Spread {
  const [base = '', quote = ''] = symbol.split('/')
  const tops = Object.entries(quotes).map(
    ([exchange, [bid, ask]]): TopOfBook => ({
      exchange,
      symbol,
      market: `${base}${quote}`,
      state: 'live',
      bid: { price: String(bid), size: '2' },
      ask: { price: String(ask), size: '3' },
      updated_at: ago(400),
    }),
  )
  const markets = tops.map(({ exchange, market }) => ({
    exchange,
    symbol,
    market,
    base,
    quote,
    price_step: '0.01',
    size_step: '0.0001',
    minimum_size: '0',
    minimum_notional: '0',
    taker_fee: { percent: '0.1', source: 'schedule' as const },
  }))
  return spreadOf(symbol, tops, markets)
}

export function nearMiss(changes: Partial<NearMiss> = {}): NearMiss {
  return NearMiss.parse({
    id: `1700000000000-${++made}`,
    key: 'cross_exchange buy kraken BTC/USDT > sell binance BTCUSDT',
    type: 'cross_exchange',
    symbol: 'BTC/USDT',
    buy_exchange: 'kraken',
    sell_exchange: 'binance',
    guard: 'stale',
    why: 'the book of kraken BTC/USDT is 2,310 ms old, at most 1,000 ms are allowed',
    gross_percent: '0.9171',
    net_percent: '0.5513',
    volume_usd: '4998.10',
    legs: [buy, sell].map(({ exchange, market, symbol, side, fee_percent }) => ({
      exchange,
      market,
      symbol,
      side,
      price: '63388.1',
      size: '0.5',
      fee_percent,
      book_age_ms: 2_310,
    })),
    observed_at: ago(9_000),
    simulated: false,
    repeated: 0,
    ...changes,
  })
}

/** Sums of a few hours up to now, as /v1/stats gives them by hour. */
export function stats(counts: readonly number[], now_ms: number = Date.now()): StatsAnswer {
  const hour_ms = 3_600_000
  const newest_ms = Math.floor(now_ms / hour_ms) * hour_ms
  const figures = (count: number) => ({
    count,
    median_duration_ms: 640,
    median_profit_percent: '0.8123',
    peak_profit_percent: '2.6844',
    median_volume_usd: '17596.88',
    markouts: [50, 100, 250, 500, 1_000].map((after_ms, index) => ({
      after_ms,
      known: count,
      profitable_share: String(0.82 - index * 0.13),
      median_profit_percent: String(0.8 - index * 0.3),
    })),
  })
  const group = { symbol: null, buy_exchange: null, sell_exchange: null, type: null }
  const total = counts.reduce((sum, count) => sum + count, 0)
  return {
    from: new Date(now_ms - 24 * hour_ms).toISOString(),
    to: new Date(now_ms).toISOString(),
    data: counts.map((count, index) => ({
      ...group,
      hour: new Date(newest_ms - index * hour_ms).toISOString(),
      ...figures(count),
    })),
    total: total === 0 ? null : figures(total),
  }
}

export function webhook(changes: Partial<Webhook> = {}): Webhook {
  return Webhook.parse({
    id: `wh_${String(++made).padStart(22, '0')}`,
    url: 'https://example.com/hooks/secret-path',
    event_types: ['opportunity.detected'],
    filters: {},
    format: 'standard',
    min_interval_ms: 0,
    enabled: true,
    disabled_reason: null,
    failing_since: null,
    previous_secret_until: null,
    created_at: ago(3_600_000),
    updated_at: ago(3_600_000),
    ...changes,
  })
}
