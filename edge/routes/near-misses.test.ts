import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { z } from 'zod'
import { KEYS } from '../../shared/keys.ts'
import { NearMiss } from '../../shared/near-miss.ts'
import { fetchProblem } from '../testing/check.ts'
import { type Stack, startStack } from '../testing/stack.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack?.stop())
beforeEach(() => stack.redis.del(KEYS.near_misses))

const leg = (exchange: string, side: 'buy' | 'sell') => ({
  ...{ exchange, market: 'BTCUSDT', symbol: 'BTC/USDT', side, price: '63388.10', size: '0.5' },
  ...{ fee_percent: '0.1', book_age_ms: 6_120 },
})

function nearMiss(changes: Partial<NearMiss> = {}): Omit<NearMiss, 'id'> {
  return {
    key: 'cross_exchange binance BTCUSDT > kraken BTC/USDT',
    type: 'cross_exchange',
    symbol: 'BTC/USDT',
    buy_exchange: 'binance',
    sell_exchange: 'kraken',
    guard: 'stale',
    why: 'the book of kraken is 6,120 ms old, the limit is 5,000 ms',
    gross_percent: '0.91',
    net_percent: '0.55',
    volume_usd: '31000.00',
    legs: [leg('binance', 'buy'), leg('kraken', 'sell')],
    observed_at: '2026-10-01T00:00:00.000Z',
    simulated: true,
    repeated: 3,
    ...changes,
  }
}

async function add(...all: Omit<NearMiss, 'id'>[]): Promise<string[]> {
  const ids: string[] = []
  for (const one of all) {
    ids.push(String(await stack.redis.xadd(KEYS.near_misses, '*', 'data', JSON.stringify(one))))
  }
  return ids
}

async function list(query = '') {
  const response = await fetch(`${stack.url}/v1/near-misses${query}`)
  expect(response.status).toBe(200)
  return z.strictObject({ data: z.array(NearMiss) }).parse(await response.json()).data
}

it('lists them newest first, as they were written', async () => {
  const [older, newer] = [nearMiss(), nearMiss({ guard: 'implausible', why: 'too good' })]
  const [first, second] = await add(older, newer)
  expect(await list()).toEqual([
    { ...newer, id: second },
    { ...older, id: first },
  ])
  expect(await list('?limit=1')).toMatchObject([{ id: second }])
})

it.each([
  ['?guard=stale', [0, 3]],
  ['?symbol=eth/usdt', [1]],
  ['?exchange=coinbase', [2]],
  ['?type=triangular', [3]],
  ['?type=triangular&guard=stale', [3]],
  ['?guard=halted', []],
])('filters by %s', async (query, wanted) => {
  const ids = await add(
    nearMiss(),
    nearMiss({ guard: 'skew', symbol: 'ETH/USDT' }),
    nearMiss({ guard: 'skew', legs: [leg('coinbase', 'buy'), leg('kraken', 'sell')] }),
    nearMiss({ type: 'triangular' }),
  )
  expect((await list(query)).map(({ id }) => id)).toEqual(wanted.map((i) => ids[i]).reverse())
})

it('finds what is wanted behind thousands of others, and leaves out what is unreadable', async () => {
  const [wanted] = await add(nearMiss({ guard: 'halted' }))
  const many = stack.redis.pipeline()
  const text = JSON.stringify(nearMiss())
  for (let i = 0; i < 2_500; i++) many.xadd(KEYS.near_misses, '*', 'data', text)
  many.xadd(KEYS.near_misses, '*', 'data', '{')
  await many.exec()
  expect(await list('?guard=halted')).toMatchObject([{ id: wanted }])
  expect((await list('?limit=500')).length).toBe(500)
})

it('refuses what it does not know, and names the store that is away', async () => {
  const problem = await fetchProblem(`${stack.url}/v1/near-misses?guard=luck&sort=x`)
  expect(problem.errors?.map(({ field }) => field).sort()).toEqual(['guard', 'sort'])
  await stack.closeUpstash()
  const away = await fetchProblem(`${stack.url}/v1/near-misses`)
  await stack.openUpstash()
  expect(away).toMatchObject({ status: 503, detail: expect.stringMatching(/^redis/) })
})
