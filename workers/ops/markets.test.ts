import type { Redis } from 'ioredis'
import { beforeEach, expect, it } from 'vitest'
import { KEYS, MARKETS_TTL_MS } from '../../shared/keys.ts'
import { WatchedMarket } from '../../shared/watched.ts'
import { TestBooks } from '../detection/testing.ts'
import { useRedis } from '../publish/testing-redis.ts'
import { MarketBoard } from './markets.ts'

let redis: Redis
let world: TestBooks
let board: MarketBoard
let now_ms: number
useRedis('command', (connected) => {
  redis = connected
})
beforeEach(async () => {
  await redis.set(KEYS.fence, 1)
  world = new TestBooks()
  now_ms = 0
  board = new MarketBoard({
    shard: 0,
    owns: () => true,
    redis,
    clock: { monotonic_ms: () => now_ms, wall_ms: () => 0 },
    books: world.books,
    feeOf: ({ exchange }) => (exchange === 'odd' ? null : { percent: '0.1', source: 'account' }),
  })
})

async function held(): Promise<WatchedMarket[]> {
  const fields = await redis.hgetall(KEYS.markets)
  const all = Object.values(fields).map((text) => WatchedMarket.parse(JSON.parse(text)))
  return all.sort((a, b) => (a.exchange < b.exchange ? -1 : 1))
}

it('shows every watched market with its rules and its fee, where there is one', async () => {
  const kraken = world.add('kraken', 'BTC/USD').market
  world.add('odd', 'BTC/USD')
  await board.write(1)
  const { taker_fee_percent: _, trading: __, ...rules } = kraken
  expect(await held()).toEqual([
    { ...rules, taker_fee: { percent: '0.1', source: 'account' } },
    expect.objectContaining({ exchange: 'odd', taker_fee: null }),
  ])
})

it('writes only what changed, and again before the hash runs out', async () => {
  const entry = world.add('kraken', 'BTC/USD')
  await board.write(1)
  await redis.del(KEYS.markets)
  await board.write(1)
  expect(await held()).toEqual([])
  now_ms += MARKETS_TTL_MS / 2
  await board.write(1)
  expect(await redis.pttl(KEYS.markets)).toBeGreaterThan(MARKETS_TTL_MS / 2)
  world.books.revise(entry, { ...entry.market, price_step: '5' })
  await board.write(1)
  expect(await held()).toMatchObject([{ price_step: '5' }])
  world.books.revise(entry, { ...entry.market, trading: false })
  await board.write(1)
  expect(await held()).toEqual([])
})

it('writes nothing for a term that is over, and everything in a new one', async () => {
  world.add('kraken', 'BTC/USD')
  await redis.set(KEYS.fence, 2)
  await expect(board.write(1)).rejects.toThrow(/FENCED/)
  expect(await held()).toEqual([])
  await board.write(2)
  expect((await held()).length).toBe(1)
})
