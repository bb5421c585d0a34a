import type { Redis } from 'ioredis'
import { beforeEach, expect, it } from 'vitest'
import { KEYS, PROOFS_TTL_MS } from '../../shared/keys.ts'
import { silentLog } from '../../shared/log.ts'
import type { MarketBook } from '../book/books.ts'
import { PriceTest } from '../detection/price-test.ts'
import { TestBooks } from '../detection/testing.ts'
import { useRedis } from '../publish/testing-redis.ts'
import { ProofBoard } from './proofs.ts'

let redis: Redis
let world: TestBooks

useRedis('command', (connected) => {
  redis = connected
})
beforeEach(async () => {
  await redis.set(KEYS.fence, 1)
  world = new TestBooks()
  for (const exchange of ['binance', 'bybit', 'kraken']) {
    world.set(world.add(exchange, 'QNT/USDT'), [['100', '5']], [['100', '5']])
  }
})

/** A worker of its own on the same books. */
function startWorker(owns = (_exchange: string) => true) {
  const { books, clock } = world
  const prices = new PriceTest({ books, clock, log: silentLog, usd: () => 1 })
  const board = new ProofBoard({
    ...{ redis, clock, prices, shard: 0 },
    owns: ({ exchange }) => owns(exchange),
  })
  return { prices, board }
}

function prove(prices: PriceTest) {
  for (let i = 0; i < 3; i++) {
    world.clock.now_ms += 1_000
    prices.refresh()
  }
}

const proven = ({ prices }: { prices: PriceTest }) => prices.proofs().length

it('tells a worker that has just begun what the one before it had proven', async () => {
  const former = startWorker()
  prove(former.prices)
  await former.board.exchange(1)
  const ttl_ms = await redis.pttl(KEYS.proofs)
  expect(ttl_ms).toBeGreaterThan(0)
  expect(ttl_ms).toBeLessThanOrEqual(PROOFS_TTL_MS)
  const kraken = world.books.all.find(({ market }) => market.exchange === 'kraken') as MarketBook
  const torn = world.set(kraken, [['106', '5']], [['106', '5']])
  const next = startWorker()
  expect(next.prices.suspect(torn)).toBe(true)
  await redis.set(KEYS.fence, 2)
  await next.board.exchange(2)
  expect(next.prices.suspect(torn)).toBe(false)
  // it has nothing of its own yet, and takes nothing away
  expect(await redis.hlen(KEYS.proofs)).toBe(3)
})

it('writes what its shard tells of, and only as the leader', async () => {
  const standby = startWorker()
  prove(standby.prices)
  expect(proven(standby)).toBe(3)
  await standby.board.exchange(undefined)
  expect(await redis.exists(KEYS.proofs)).toBe(0)
  const leader = startWorker((exchange) => exchange === 'bybit')
  prove(leader.prices)
  await leader.board.exchange(1)
  expect(await redis.hkeys(KEYS.proofs)).toEqual(['bybit|QNT/USDT'])
  await redis.set(KEYS.fence, 2)
  world.clock.now_ms += 5_000
  await expect(leader.board.exchange(1)).rejects.toThrow('FENCED')
})

it('asks Redis every five seconds', async () => {
  const { prices, board } = startWorker()
  prove(prices)
  await board.exchange(undefined)
  world.clock.now_ms += 4_999
  await board.exchange(1)
  expect(await redis.exists(KEYS.proofs)).toBe(0)
  world.clock.now_ms += 1
  await board.exchange(1)
  expect(await redis.hlen(KEYS.proofs)).toBe(3)
})
