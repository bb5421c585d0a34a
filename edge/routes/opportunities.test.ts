import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { compare, decimal } from '../../shared/decimal.ts'
import { KEYS, shardKey } from '../../shared/keys.ts'
import { Opportunity } from '../../shared/opportunity.ts'
import { Problem } from '../../shared/problem.ts'
import { eventually, fetchProblem } from '../testing/check.ts'
import { anyFilters, expired, opportunity, sample } from '../testing/opportunities.ts'
import { insertHistory, type Stack, setLive, startStack } from '../testing/stack.ts'

const List = z.strictObject({ data: z.array(Opportunity), stale: z.boolean() })

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack?.stop())

const at = (path: string) => `${stack.url}/v1/opportunities${path}`
async function list(query: Record<string, string> = {}): Promise<Opportunity[]> {
  const response = await fetch(at(`?${new URLSearchParams(query)}`))
  expect(response.status).toBe(200)
  return List.parse(await response.json()).data
}

/** The filters in their plainest words. */
function obviously(one: Opportunity, filters: Record<string, string>): boolean {
  const named = ['type', 'symbol', 'buy_exchange', 'sell_exchange', 'transfer'] as const
  if (named.some((name) => name in filters && filters[name] !== one[name])) return false
  if ('exchange' in filters && !one.legs.some((leg) => leg.exchange === filters.exchange)) {
    return false
  }
  const least = filters.min_profit_percent
  if (least !== undefined && compare(decimal(one.profit_percent), decimal(least)) < 0) return false
  const volume = filters.min_volume_usd
  return volume === undefined || compare(decimal(one.volume_usd), decimal(volume)) >= 0
}

describe('GET /v1/opportunities', () => {
  it('answers with an empty list when nothing is live', async () => {
    await stack.redis.del(KEYS.live)
    expect(await list()).toEqual([])
  })

  it('filters as a plain filter over the same data does', async () => {
    const all = sample(60, 1)
    await setLive(stack.redis, all)
    await fc.assert(
      fc.asyncProperty(anyFilters, async (filters) => {
        const wanted = all.filter((one) => obviously(one, filters))
        const got = await list({ ...filters, limit: '1000' })
        expect(got.map(({ id }) => id).sort()).toEqual(wanted.map(({ id }) => id).sort())
      }),
      { numRuns: 60 },
    )
  })

  it('sorts by each figure, greatest or newest first, exactly and in a total order', async () => {
    const close = ['0.1', '0.10', '0.10000000000000000001', '12', '9.99999999999999999999', '-1']
    const all = [
      ...sample(40, 2),
      ...close.map((profit_percent, i) => opportunity({ id: `opp_close${i}`, profit_percent })),
    ]
    await setLive(stack.redis, all)
    for (const sort of ['profit_percent', 'volume_usd', 'detected_at'] as const) {
      const got = await list({ sort, limit: '1000' })
      expect(got).toHaveLength(all.length)
      for (const [i, next] of got.slice(1).entries()) {
        const one = got[i]!
        const order =
          sort === 'detected_at'
            ? one.detected_at.localeCompare(next.detected_at)
            : compare(decimal(one[sort]), decimal(next[sort]))
        expect(order > 0 || (order === 0 && one.id > next.id)).toBe(true)
      }
    }
    expect(await list({ limit: '7' })).toEqual((await list({ limit: '1000' })).slice(0, 7))
    expect(await list()).toEqual(await list({ sort: 'profit_percent', limit: '100' }))
  })

  it('takes a symbol in any case', async () => {
    await setLive(stack.redis, [opportunity()])
    expect(await list({ symbol: 'btc/usdt' })).toHaveLength(1)
  })

  it('leaves out what it cannot read and says how many in the log', async () => {
    await setLive(stack.redis, [opportunity()])
    const broken = { a: '{', b: 'null', c: '{"id":"opp_c"}', d: '"\\u0000"', e: '\u{1F4A9}', f: '' }
    await stack.redis.hset(KEYS.live, broken)
    expect(await list()).toEqual([opportunity()])
    await eventually(() => {
      const line = stack.lines.find((one) => one.includes('left out'))
      expect(JSON.parse(line ?? '{}')).toMatchObject({ key: KEYS.live, skipped: 6 })
    })
  })

  it('names every bad parameter with its value and what was expected, all at once', async () => {
    const bad = {
      type: ['arbitrage', 'one of cross_exchange, triangular, multi_leg'],
      symbol: ['BTCUSDT', 'BASE/QUOTE, such as BTC/USDT'],
      exchange: ['Kraken!', 'an exchange id, such as kraken'],
      buy_exchange: ['', 'an exchange id, such as kraken'],
      sell_exchange: ['x'.repeat(33), 'an exchange id, such as kraken'],
      min_profit_percent: ['1e3', 'a decimal number, such as 0.5'],
      min_volume_usd: ['9'.repeat(41), 'a decimal number of at most 40 characters'],
      transfer: ['maybe', 'one of open, closed, unknown'],
      sort: ['age', 'one of profit_percent, volume_usd, detected_at'],
      limit: ['1001', 'a whole number from 1 to 1000'],
      min_profit: ['1', 'no such parameter here'],
    }
    const query = Object.fromEntries(Object.entries(bad).map(([name, [value]]) => [name, value!]))
    const problem = await fetchProblem(at(`?${new URLSearchParams(query)}`))
    expect(problem.status).toBe(400)
    const errors = Object.entries(bad).map(([field, [value, expected]]) => ({
      field,
      value,
      expected,
    }))
    const byField = (a: { field: string }, b: { field: string }) => (a.field < b.field ? -1 : 1)
    expect(problem.errors?.toSorted(byField)).toEqual(errors.sort(byField))
  })

  it.each(['0', '-1', '1.5', '', 'ten', '0x10', '9999999', ' 5'])(
    'refuses limit=%j',
    async (limit) => {
      const problem = await fetchProblem(at(`?limit=${encodeURIComponent(limit)}`))
      expect(problem.errors).toEqual([
        { field: 'limit', value: limit, expected: 'a whole number from 1 to 1000' },
      ])
    },
  )

  it('refuses a parameter that is given twice', async () => {
    const problem = await fetchProblem(at('?symbol=BTC/USDT&symbol=ETH/USDT'))
    expect(problem.errors).toEqual([
      { field: 'symbol', value: ['BTC/USDT', 'ETH/USDT'], expected: 'to be given once' },
    ])
  })

  it('is called stale while no worker leads, or none leads one of the shards', async () => {
    const isStale = async () => List.parse(await (await fetch(at(''))).json()).stale
    const { redis } = stack
    await redis.set(KEYS.lease, 'worker-1')
    await eventually(async () => expect(await isStale()).toBe(false))
    await redis.set(KEYS.shards, '2')
    await eventually(async () => expect(await isStale()).toBe(true))
    await redis.set(shardKey('lease', 1), '')
    await eventually(async () => expect(await isStale()).toBe(false))
    await redis.del(KEYS.lease, KEYS.shards, shardKey('lease', 1))
    await eventually(async () => expect(await isStale()).toBe(true))
  })

  it('tells of fifty of ten thousand unknown parameters, and looks for no more of them', async () => {
    const query = Array.from({ length: 10_000 }, (_, i) => `${i.toString(36)}=`).join('&')
    const response = await fetch(`${stack.url}/v1/opportunities?${query}`)
    expect(response.status).toBe(400)
    const problem = Problem.parse(await response.json())
    expect(problem.errors?.length).toBe(50)
    expect(problem.detail).toMatch(/ and 9950 more are not valid$/)
  })

  it('never breaks, whatever the query string is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('symbol', 'exchange', 'min_volume_usd', 'limit', '__proto__', 'toString'),
        fc.string({ unit: 'binary' }),
        async (name, value) => {
          const query = `?${encodeURIComponent(name)}=${encodeURIComponent(value.toWellFormed())}`
          expect([200, 400]).toContain((await fetch(at(query))).status)
        },
      ),
      { numRuns: 60 },
    )
    for (const query of ['?%', '?%FF=%FE', '?symbol=%00/%00', '?&&=&', '?limit=%E0%A4%A']) {
      expect([200, 400]).toContain((await fetch(at(query))).status)
    }
  })
})

describe('GET /v1/opportunities/{id}', () => {
  const past = expired({ id: 'opp_past', buy_price: '0.00000000000100', sell_price: '100000.0000' })

  beforeAll(async () => {
    await stack.pool.query('truncate opportunities')
    await insertHistory(stack.pool, [past, expired({ id: 'opp_both' })])
    await setLive(stack.redis, [opportunity({ id: 'opp_both' }), opportunity({ id: 'opp_live' })])
  })

  it('shows a live one, briefly cached', async () => {
    const response = await fetch(at('/opp_live'))
    expect(response.headers.get('cache-control')).toBe(
      'public, max-age=1, stale-while-revalidate=5',
    )
    expect(await response.json()).toEqual(opportunity({ id: 'opp_live' }))
  })

  it('shows a past one as it was written, for ever', async () => {
    const response = await fetch(at('/opp_past'))
    expect(response.headers.get('cache-control')).toMatch(/immutable/)
    expect(await response.json()).toEqual(past)
  })

  it('shows one whose last markouts are still to come, briefly cached', async () => {
    await insertHistory(stack.pool, [expired({ id: 'opp_fresh', markouts: [] })])
    const response = await fetch(at('/opp_fresh'))
    expect(response.headers.get('cache-control')).not.toMatch(/immutable/)
    expect(await response.json()).toMatchObject({ id: 'opp_fresh', markouts: [] })
  })

  it('prefers the live one', async () => {
    expect(await (await fetch(at('/opp_both'))).json()).toMatchObject({ status: 'detected' })
  })

  it.each(['/opp_nope', '/nope', `/opp_${'x'.repeat(500)}`, "/opp_'--", '/opp_%00', '/%F0%9F'])(
    'says that there is no %s',
    async (path) => {
      const problem = await fetchProblem(at(path))
      expect(problem).toMatchObject({ status: 404, type: '/problems/not_found' })
    },
  )

  it('refuses parameters', async () => {
    expect((await fetchProblem(at('/opp_live?limit=1'))).status).toBe(400)
  })
})

describe('with a store away', () => {
  const past = expired({ id: 'opp_kept' })
  beforeAll(async () => {
    await insertHistory(stack.pool, [past])
    await setLive(stack.redis, [opportunity({ id: 'opp_live' })])
  })
  afterEach(async () => {
    await Promise.allSettled([stack.openUpstash(), stack.openNeon()])
  })

  it('names redis, and still shows what the history has', async () => {
    await stack.closeUpstash()
    const problem = await fetchProblem(at(''))
    expect(problem).toMatchObject({ status: 503, type: '/problems/unavailable' })
    expect(problem.detail).toMatch(/^redis/)
    expect(await (await fetch(at('/opp_kept'))).json()).toEqual(past)
    // it may be live: nobody can know
    expect((await fetchProblem(at('/opp_live'))).detail).toMatch(/^redis/)
  })

  it('names postgres, and still shows what is live', async () => {
    await stack.closeNeon()
    expect((await fetch(at(''))).status).toBe(200)
    expect((await fetch(at('/opp_live'))).status).toBe(200)
    const problem = await fetchProblem(at('/opp_kept'))
    expect(problem.status).toBe(503)
    expect(problem.detail).toMatch(/^postgres/)
  })
})
