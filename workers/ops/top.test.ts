import type { Redis } from 'ioredis'
import { beforeEach, describe, expect, it } from 'vitest'
import { KEYS, TOP_TTL_MS } from '../../shared/keys.ts'
import { TopOfBook, topField } from '../../shared/top.ts'
import type { MarketBook } from '../book/books.ts'
import { TestBooks } from '../detection/testing.ts'
import { useRedis } from '../publish/testing-redis.ts'
import { TopBoard } from './top.ts'

let redis: Redis
let world: TestBooks
let board: TopBoard
let btc: MarketBook
let eth: MarketBook

useRedis('command', (connected) => {
  redis = connected
})
beforeEach(async () => {
  await redis.set(KEYS.fence, 1)
  world = new TestBooks()
  board = new TopBoard({
    shard: 0,
    owns: () => true,
    redis,
    clock: world.clock,
    books: world.books,
  })
  btc = world.set(world.add('kraken', 'BTC/USD'), [['100.10', '2.5']], [['100.20', '0.5']])
  eth = world.add('bybit', 'ETH/USDT')
})

async function held(): Promise<Record<string, TopOfBook>> {
  const fields = await redis.hgetall(KEYS.top)
  return Object.fromEntries(
    Object.entries(fields).map(([name, text]) => [name, TopOfBook.parse(JSON.parse(text))]),
  )
}

/** How many fields Redis was told to set or remove so far. */
async function changes(): Promise<number> {
  const stats = await redis.info('commandstats')
  const calls = (name: string) => Number(new RegExp(`${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
  return calls('cmdstat_hset') + calls('cmdstat_hdel')
}

describe('the tops of the books', () => {
  it('show price and size with the digits of the exchange, and nothing of a book that is not live', async () => {
    await board.write(1)
    expect(await held()).toEqual({
      'kraken|BTC/USD': {
        exchange: 'kraken',
        symbol: 'BTC/USD',
        market: 'BTCUSD',
        state: 'live',
        bid: { price: '100.10', size: '2.5' },
        ask: { price: '100.20', size: '0.5' },
        updated_at: new Date(world.clock.wall_ms()).toISOString(),
      },
      'bybit|ETH/USDT': {
        exchange: 'bybit',
        symbol: 'ETH/USDT',
        market: 'ETHUSDT',
        state: 'cold',
        bid: null,
        ask: null,
        updated_at: null,
      },
    })
    world.books.move(btc, 'stale', 'gap', world.clock.now_ms)
    await board.write(1)
    const stale = (await held())[topField('kraken', 'BTC/USD')]
    expect(stale).toMatchObject({ state: 'stale', bid: null, ask: null })
  })

  it('are written only where they changed', async () => {
    await board.write(1)
    const before = await changes()
    world.clock.now_ms += 1_000
    world.set(
      btc,
      [
        ['100.10', '2.5'],
        ['99', '1'],
      ],
      [['100.20', '0.5']],
    )
    await board.write(1)
    expect(await changes()).toBe(before)
    world.set(eth, [], [['7', '1']])
    await board.write(1)
    expect(await changes()).toBe(before + 1)
    expect((await held())['bybit|ETH/USDT']).toMatchObject({ bid: null, ask: { price: '7' } })
  })

  it('of a market that left are removed', async () => {
    await board.write(1)
    world.books.revise(eth, { ...eth.market, trading: false })
    await board.write(1)
    expect(Object.keys(await held())).toEqual(['kraken|BTC/USD'])
    world.books.revise(eth, { ...eth.market, trading: true })
    await board.write(1)
    expect(Object.keys(await held())).toHaveLength(2)
  })

  it('live for seconds, and are refreshed when nothing changes', async () => {
    await board.write(1)
    await redis.pexpire(KEYS.top, 60_000)
    await board.write(1)
    const left_ms = await redis.pttl(KEYS.top)
    expect(left_ms).toBeGreaterThan(0)
    expect(left_ms).toBeLessThanOrEqual(TOP_TTL_MS)
  })

  it.each([
    ['ran out', () => redis.del(KEYS.top)],
    ['lost an entry', () => redis.hdel(KEYS.top, 'kraken|BTC/USD')],
    ['got one too many', () => redis.hset(KEYS.top, 'stranger', '{}')],
  ])('are written anew when the hash %s', async (_, spoil) => {
    await board.write(1)
    await spoil()
    await board.write(1)
    expect(Object.keys(await held()).toSorted()).toEqual(['bybit|ETH/USDT', 'kraken|BTC/USD'])
  })

  it('of a former term are replaced as a whole', async () => {
    await redis.hset(KEYS.top, 'old', '{}', 'older', '{}')
    await board.write(1)
    expect(Object.keys(await held())).not.toContain('old')
    await redis.hset(KEYS.top, 'kraken|BTC/USD', 'what another leader wrote')
    await redis.set(KEYS.fence, 3)
    await board.write(3)
    expect((await held())['kraken|BTC/USD']).toMatchObject({ state: 'live' })
  })

  it('are not written under a token that does not rule, and are again under the next', async () => {
    await redis.set(KEYS.fence, 2)
    await expect(board.write(1)).rejects.toThrow('FENCED')
    expect(await redis.exists(KEYS.top)).toBe(0)
    await board.write(2)
    expect(Object.keys(await held())).toHaveLength(2)
  })
})
