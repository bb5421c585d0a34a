/** Several leaders, read as one: lists are whole, counts add up, and what is missing is said. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EdgeHealth, type Heartbeat } from '../../shared/health.ts'
import { KEYS, shardKey, workerKey } from '../../shared/keys.ts'
import { exchangeStatus, heartbeat } from '../testing/opportunities.ts'
import { type Stack, startStack } from '../testing/stack.ts'
import { mergeExchanges } from './shards.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack?.stop())
beforeEach(async () => {
  await stack.redis.flushall()
  await stack.redis.set(KEYS.shards, 3)
})

/** A worker that leads these shards and sees kraken as it says. */
async function leads(worker_id: string, shards: number[], changes: Partial<Heartbeat> = {}) {
  for (const shard of shards) await stack.redis.set(shardKey('lease', shard), worker_id)
  const sent = heartbeat({ worker_id, shards, ...changes })
  await stack.redis.set(workerKey(worker_id), JSON.stringify(sent))
  return sent
}

async function health() {
  const response = await fetch(`${stack.url}/health`)
  return { http: response.status, ...EdgeHealth.parse(await response.json()) }
}

describe('the health of several workers', () => {
  it('adds up what they watch, and is as old as the oldest heartbeat', async () => {
    const sent_at = new Date(Date.now() - 4_000).toISOString()
    await leads('one', [0, 2])
    await leads('two', [1], { sent_at })
    await stack.redis.set(workerKey('standby'), JSON.stringify(heartbeat({ worker_id: 'standby' })))
    const state = await health()
    expect(state).toMatchObject({ http: 200, status: 'ok', worker: { alive: true } })
    expect(state.exchanges.kraken).toMatchObject({ books_live: 18, books_total: 20 })
    expect(state.worker.heartbeat_age_ms).toBeGreaterThanOrEqual(4_000)
  })

  it('is degraded while a shard has no leader, or one whose heartbeat is gone', async () => {
    await leads('one', [0, 2])
    expect(await health()).toMatchObject({ http: 200, status: 'degraded' })
    await leads('two', [1])
    expect(await health()).toMatchObject({ status: 'ok' })
    await stack.redis.del(workerKey('two'))
    expect(await health()).toMatchObject({ status: 'degraded' })
  })

  it('takes the worst that one of them says', async () => {
    const well = heartbeat()
    const kraken = { ...exchangeStatus(), connected: false, state: 'down' as const, reason: 'why' }
    await leads('one', [0, 1])
    await leads('two', [2], {
      health: { ...well.health, status: 'degraded', exchanges: { kraken } },
    })
    const state = await health()
    expect(state.status).toBe('degraded')
    expect(state.exchanges.kraken).toMatchObject({ connected: false, state: 'down', reason: 'why' })
  })
})

describe('what several workers write', () => {
  it('is listed whole: exchanges, markets and tops', async () => {
    const kraken = (books_live: number) => JSON.stringify(exchangeStatus({ books_live }))
    await stack.redis.hset(KEYS.exchanges, 'kraken', kraken(3))
    await stack.redis.hset(shardKey('exchanges', 2), 'kraken', kraken(4))
    const exchanges = await (await fetch(`${stack.url}/v1/exchanges`)).json()
    expect(exchanges).toMatchObject({ data: [{ id: 'kraken', books_live: 7, books_total: 20 }] })

    const level = { price: '1', size: '1' }
    for (const [shard, symbol] of [
      [0, 'BTC/USD'],
      [1, 'ADA/USD'],
      [2, 'SOL/USD'],
    ] as const) {
      const top = {
        ...{ exchange: 'kraken', symbol, market: symbol, state: 'live' },
        ...{ bid: level, ask: level, updated_at: new Date().toISOString() },
      }
      await stack.redis.hset(shardKey('top', shard), `kraken|${symbol}`, JSON.stringify(top))
    }
    for (const symbol of ['BTC/USD', 'ADA/USD', 'SOL/USD']) {
      const spreads = await fetch(`${stack.url}/v1/spreads?symbol=${symbol}`)
      expect(await spreads.json()).toMatchObject({
        data: [{ symbol, quotes: [{ exchange: 'kraken' }] }],
      })
    }
  })
})

describe('merging', () => {
  it('keeps each refused market once and is connected since the last was', () => {
    const refused = [{ market: 'A', reason: 'no' }]
    const [merged, ...others] = mergeExchanges([
      exchangeStatus({ refused, connected_since: '2026-01-02T00:00:00.000Z', audits_ok: 2 }),
      exchangeStatus({ refused, connected_since: '2026-01-01T00:00:00.000Z' }),
    ])
    expect(others).toEqual([])
    expect(merged).toMatchObject({ refused, connected_since: '2026-01-02T00:00:00.000Z' })
    expect(merged).toMatchObject({ audits_ok: 2, audits_failed: 0, messages_total: 180_000 })
  })
})
