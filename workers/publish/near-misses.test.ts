import type { Redis } from 'ioredis'
import { beforeEach, describe, expect, it } from 'vitest'
import { KEYS, NEAR_MISSES_MAX } from '../../shared/keys.ts'
import { silentLog } from '../../shared/log.ts'
import { type NearMiss, nearMissFromStream, type Refused } from '../../shared/near-miss.ts'
import { ManualClock } from '../detection/testing.ts'
import { NearMisses } from './near-misses.ts'
import { connectRedis } from './redis.ts'
import { useRedis } from './testing-redis.ts'

let redis: Redis
let clock: ManualClock
let near_misses: NearMisses

useRedis('command', (connected) => {
  redis = connected
})
beforeEach(async () => {
  await redis.set(KEYS.fence, 1)
  clock = new ManualClock()
  near_misses = new NearMisses({ redis, clock, is_simulated: (id) => id === 'sandboxed' })
})

function episode(key: string, changes: Partial<Refused> = {}): Refused {
  const leg = {
    exchange: 'kraken',
    market: 'BTC/USDT',
    symbol: 'BTC/USDT',
    side: 'buy',
    price: '100.00',
    size: '1',
    fee_percent: '0.26',
    book_age_ms: 6_120,
  } as const
  return {
    key,
    type: 'cross_exchange',
    symbol: 'BTC/USDT',
    buy_exchange: 'kraken',
    sell_exchange: 'bybit',
    guard: 'stale',
    why: 'kraken book is 6,120 ms old, limit 5,000 ms',
    gross_percent: '1.2000',
    net_percent: '0.8400',
    volume_usd: null,
    legs: [leg, { ...leg, exchange: 'bybit', side: 'sell', fee_percent: null, book_age_ms: null }],
    ...changes,
  }
}

async function stored(): Promise<NearMiss[]> {
  const entries = await redis.xrange(KEYS.near_misses, '-', '+')
  return entries.map(([id, [name, text]]) => nearMissFromStream(id, { [name!]: text! }))
}

describe('near-misses', () => {
  it('say what was refused, by which guard and why', async () => {
    const seen = episode('a')
    near_misses.offer([seen])
    await near_misses.write(0, 1)
    expect(await stored()).toEqual([
      {
        ...seen,
        id: expect.stringMatching(/^\d+-\d+$/),
        observed_at: new Date(clock.wall_ms()).toISOString(),
        simulated: false,
        repeated: 0,
      },
    ])
    expect(near_misses.totals).toEqual({ stored: 1, throttled: 0, lost: 0 })
  })

  it('say when a sandbox was part of it', async () => {
    const { legs } = episode('a')
    near_misses.offer([episode('a', { legs: [legs[0]!, { ...legs[1]!, exchange: 'sandboxed' }] })])
    await near_misses.write(0, 1)
    expect(await stored()).toMatchObject([{ simulated: true }])
  })

  it('of one chain and guard are kept once a minute, with the number of those between', async () => {
    for (let second = 0; second <= 60; second++) {
      near_misses.offer([episode('a')])
      await near_misses.write(0, 1)
      clock.now_ms += 1_000
    }
    near_misses.offer([episode('a', { guard: 'skew' }), episode('b')])
    await near_misses.write(0, 1)
    const summary = (await stored()).map(({ key, guard, repeated }) => [key, guard, repeated])
    expect(summary).toEqual([
      ['a', 'stale', 0],
      ['a', 'stale', 59],
      ['a', 'skew', 0],
      ['b', 'stale', 0],
    ])
    expect(near_misses.totals).toEqual({ stored: 4, throttled: 59, lost: 0 })
  })

  it('never flood: a burst passes, then two a second', async () => {
    let number = 0
    for (let second = 0; second < 10; second++) {
      near_misses.offer(Array.from({ length: 500 }, () => episode(`k${++number}`)))
      await near_misses.write(0, 1)
      clock.now_ms += 1_000
    }
    expect(await stored()).toHaveLength(100 + 9 * 2)
    expect(near_misses.totals).toMatchObject({ stored: 118, throttled: 5_000 - 118 })
  })

  it('are capped in the stream', async () => {
    const old = Array.from({ length: NEAR_MISSES_MAX * 1.2 }, () => ['*', 'data', '{}'])
    const pipeline = redis.pipeline()
    for (const entry of old) pipeline.xadd(KEYS.near_misses, ...(entry as [string, string, string]))
    await pipeline.exec()
    near_misses.offer([episode('a')])
    await near_misses.write(0, 1)
    // trimmed by whole nodes of a hundred entries
    expect(await redis.xlen(KEYS.near_misses)).toBeLessThan(NEAR_MISSES_MAX + 200)
  })

  it('of a term that is over are not written', async () => {
    await redis.set(KEYS.fence, 2)
    near_misses.offer([episode('a')])
    await near_misses.write(0, 1)
    expect(await redis.exists(KEYS.near_misses)).toBe(0)
    expect(near_misses.totals).toMatchObject({ stored: 0, lost: 1 })
  })

  it('wait through an outage, the newest of them', async () => {
    const gone = connectRedis('redis://127.0.0.1:1', 'command', 'gone', silentLog)
    const cut_off = new NearMisses({ redis: gone, clock, is_simulated: () => false })
    for (let i = 0; i < 700; i++) {
      cut_off.offer([episode(`k${i}`)])
      clock.now_ms += 500
    }
    await expect(cut_off.write(0, 1)).rejects.toThrow()
    expect(cut_off.totals).toEqual({ stored: 0, throttled: 0, lost: 200 })
    gone.disconnect()
  })
})
