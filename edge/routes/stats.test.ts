import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { compare, decimal } from '../../shared/decimal.ts'
import { MARKOUTS_AFTER_MS, type Opportunity } from '../../shared/opportunity.ts'
import { StatsAnswer, type StatsRow } from '../../shared/stats.ts'
import { fetchProblem } from '../testing/check.ts'
import { expired, opportunity, sample } from '../testing/opportunities.ts'
import { insertHistory, type Stack, startStack } from '../testing/stack.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack?.stop())
beforeEach(async () => {
  await stack.pool.query('truncate opportunities')
})

const RANGE = { from: '2026-10-01T00:00:00.000Z', to: '2026-10-03T00:00:00.000Z' }

async function stats(query: Record<string, string> = RANGE) {
  const response = await fetch(`${stack.url}/v1/stats?${new URLSearchParams(query)}`)
  expect(response.status).toBe(200)
  expect(response.headers.get('cache-control')).toBe(
    'public, max-age=15, stale-while-revalidate=60',
  )
  return StatsAnswer.parse(await response.json())
}

/** The value that at least half of them do not exceed. */
function median(values: readonly string[]): string | null {
  const ordered = values.toSorted((a, b) => compare(decimal(a), decimal(b)))
  return ordered[Math.ceil(ordered.length / 2) - 1] ?? null
}

/** The same sums, slowly. */
function figures(all: readonly Opportunity[]) {
  const peaks = all.map((one) => one.peak_profit_percent)
  return {
    count: all.length,
    median_duration_ms: Number(median(all.map((one) => String(one.duration_ms)))),
    median_profit_percent: median(all.map((one) => one.profit_percent)),
    peak_profit_percent: peaks.toSorted((a, b) => compare(decimal(b), decimal(a)))[0],
    median_volume_usd: median(all.map((one) => one.volume_usd)),
    markouts: MARKOUTS_AFTER_MS.map((after_ms, i) => {
      const known = all
        .map((one) => one.markouts[i]?.profit_percent ?? null)
        .filter((profit) => profit !== null)
      const paid = known.filter((profit) => compare(decimal(profit), decimal('0')) > 0).length
      return {
        after_ms,
        known: known.length,
        profitable_share: known.length === 0 ? null : (paid / known.length).toFixed(4),
        median_profit_percent: median(known),
      }
    }),
  }
}

/** Past ones of three symbols and some hours, with markouts that are known, negative or missing. */
function past(count: number): Opportunity[] {
  return sample(count, 11).map((one, i) => ({
    ...expired({
      ...one,
      detected_at: new Date(Date.parse(RANGE.from) + (i % 5) * 3_600_000 + i).toISOString(),
    }),
    status: 'expired' as const,
    duration_ms: (i * 37) % 900,
    markouts: MARKOUTS_AFTER_MS.slice(0, i % 7).map((after_ms, k) => ({
      after_ms,
      profit_percent: (i + k) % 4 === 0 ? null : `${(i % 3) - 1}.${k}`,
    })),
  }))
}

const sameNumbers = ({ count, median_duration_ms, markouts, ...rest }: StatsRow) => ({
  count,
  median_duration_ms,
  median_profit_percent: rest.median_profit_percent,
  peak_profit_percent: rest.peak_profit_percent,
  median_volume_usd: rest.median_volume_usd,
  markouts,
})

/** Of values that are equal PostgreSQL may choose the one that is written `4` or `4.0`. */
const plain = (value: unknown) =>
  JSON.stringify(value)
    .replace(/(\.\d*?)0+"/g, '$1"')
    .replace(/\."/g, '"')

describe('GET /v1/stats', () => {
  it.each(['symbol,exchanges', 'symbol', 'exchanges,type', 'hour', 'symbol,exchanges,hour'])(
    'sums up by %s what a slow look at every row gives',
    async (by) => {
      const all = past(240)
      await insertHistory(stack.pool, all)
      const answer = await stats({ ...RANGE, by, limit: '5000' })
      expect(plain(answer.total)).toEqual(plain(figures(all)))
      const keyOf = (one: Opportunity | StatsRow) => {
        const hour = 'hour' in one ? one.hour : `${one.detected_at.slice(0, 13)}:00:00.000Z`
        const fields = { ...one, hour, exchanges: `${one.buy_exchange} ${one.sell_exchange}` }
        return by.split(',').map((name) => fields[name as keyof typeof fields])
      }
      const groups = Map.groupBy(all, (one) => keyOf(one).join(' '))
      expect(answer.data.length).toBe(groups.size)
      for (const row of answer.data) {
        const group = groups.get(keyOf(row).join(' '))
        expect(plain(sameNumbers(row))).toEqual(plain(figures(group ?? [])))
      }
    },
  )

  it('takes the same filters as history, and neither live ones nor those out of range', async () => {
    const inside = expired({ id: 'opp_in', symbol: 'ETH/USDT' })
    const others = [
      opportunity({ id: 'opp_live', symbol: 'ETH/USDT' }),
      expired({ id: 'opp_other' }),
      expired({ id: 'opp_late', symbol: 'ETH/USDT', detected_at: RANGE.to }),
    ]
    await insertHistory(stack.pool, [inside, ...others])
    const answer = await stats({ ...RANGE, symbol: 'ETH/USDT', exchange: 'kraken' })
    expect(answer).toMatchObject({ ...RANGE, total: { count: 1 }, data: [{ symbol: 'ETH/USDT' }] })
    expect(answer.data[0]).toMatchObject({ hour: null, type: null, buy_exchange: 'kraken' })
  })

  it('covers the last day when it is not asked for another, also when nothing happened', async () => {
    const { from, to, ...rest } = await stats({})
    expect(rest).toEqual({ data: [], total: null })
    expect(Date.parse(to) - Date.parse(from)).toBe(86_400_000)
    expect(Math.abs(Date.parse(to) - Date.now())).toBeLessThan(60_000)
  })

  it('names the moment that was asked for, when the range would end before it begins', async () => {
    const from = new Date(Date.now() + 3_600_000).toISOString()
    const refused = await fetchProblem(`${stack.url}/v1/stats?from=${from}`)
    expect(refused.status).toBe(400)
    expect(refused.errors).toMatchObject([{ field: 'from', value: from }])
    const to = '2026-10-01T00:00:00.000Z'
    const both = await fetchProblem(`${stack.url}/v1/stats?from=${from}&to=${to}`)
    expect(both.errors).toMatchObject([{ field: 'to', value: to }])
  })

  it('shows the greatest groups first and no more than asked for', async () => {
    await insertHistory(stack.pool, past(100))
    const { data } = await stats({ ...RANGE, by: 'symbol', limit: '2' })
    expect(data.length).toBe(2)
    expect(data[0]!.count).toBeGreaterThanOrEqual(data[1]!.count)
  })

  it.each([
    [{ by: 'symbol,colour' }, 'by'],
    [{ by: 'hour,hour' }, 'by'],
    [{ from: '2026-01-01T00:00:00Z', to: '2026-03-01T00:00:00Z' }, 'from'],
    [{ from: '2026-03-01T00:00:00Z', to: '2026-01-01T00:00:00Z' }, 'to'],
    [{ limit: '0' }, 'limit'],
    [{ sort: 'count' }, 'sort'],
  ])('refuses %j by name', async (query, field) => {
    const problem = await fetchProblem(`${stack.url}/v1/stats?${new URLSearchParams(query)}`)
    expect(problem).toMatchObject({ status: 400, errors: [{ field }] })
  })

  it('says which store is away', async () => {
    await stack.closeNeon()
    const problem = await fetchProblem(`${stack.url}/v1/stats`)
    await stack.openNeon()
    expect(problem).toMatchObject({ status: 503, detail: expect.stringMatching(/^postgres/) })
  })
})
