/** Stores in which every endpoint finds something: live and past opportunities, exchanges, markets. */
import { KEYS, workerKey } from '../../shared/keys.ts'
import type { NearMiss } from '../../shared/near-miss.ts'
import type { Opportunity } from '../../shared/opportunity.ts'
import { type TopOfBook, topField } from '../../shared/top.ts'
import type { WatchedMarket } from '../../shared/watched.ts'
import { exchangeStatus, expired, heartbeat, sample } from './opportunities.ts'
import { insertHistory, type Stores, setLive } from './stack.ts'

const AT = '2026-10-01T00:00:00.000Z'
const LEVEL = { price: '63388.10', size: '0.5' }
const MARKET_NAME = { exchange: 'kraken', symbol: 'BTC/USDT', market: 'BTC/USDT' }
const TOP: TopOfBook = { ...MARKET_NAME, state: 'live', bid: LEVEL, ask: LEVEL, updated_at: AT }
const MARKET: WatchedMarket = {
  ...{ ...MARKET_NAME, base: 'BTC', quote: 'USDT', price_step: '0.01', size_step: '0.001' },
  ...{ minimum_size: '0', minimum_notional: '5' },
  taker_fee: { percent: '0.1', source: 'schedule' },
}
const NEAR_MISS: Omit<NearMiss, 'id'> = {
  ...{ key: 'a chain', type: 'cross_exchange', symbol: 'BTC/USDT' },
  ...{ guard: 'stale', why: 'it is old' },
  ...{ buy_exchange: 'bybit', sell_exchange: 'kraken', gross_percent: '0.91', net_percent: null },
  ...{ volume_usd: '31000.00', observed_at: AT, simulated: true, repeated: 3 },
  legs: [{ ...MARKET_NAME, ...LEVEL, side: 'buy', fee_percent: null, book_age_ms: 6_120 }],
}

/** 40 live ones, 60 past ones on 2026-10-01, two exchanges with a market each. */
export async function fill({ redis, pool }: Pick<Stores, 'redis' | 'pool'>) {
  const live = sample(40, 1)
  const past: Opportunity[] = sample(60, 2).map((one) => ({
    ...expired(one),
    status: 'expired',
    expired_at: one.detected_at,
    duration_ms: 0,
    markouts: expired().markouts,
  }))
  await setLive(redis, live)
  await insertHistory(pool, past)
  for (const id of ['kraken', 'bybit']) {
    await redis.hset(KEYS.exchanges, id, JSON.stringify(exchangeStatus({ id })))
    const top: TopOfBook = { ...TOP, exchange: id }
    const market: WatchedMarket = { ...MARKET, exchange: id }
    await redis.hset(KEYS.top, topField(id, top.symbol), JSON.stringify(top))
    await redis.hset(KEYS.markets, topField(id, top.symbol), JSON.stringify(market))
  }
  await redis.xadd(KEYS.near_misses, '*', 'data', JSON.stringify(NEAR_MISS))
  await beat(redis)
  return { live, past }
}

export async function beat(redis: Stores['redis']): Promise<void> {
  await redis.set(workerKey('worker-1'), JSON.stringify(heartbeat()))
}
