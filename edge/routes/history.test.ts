import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { passes } from '../../shared/filters.ts'
import { Opportunity } from '../../shared/opportunity.ts'
import { fetchProblem } from '../testing/check.ts'
import { parseCsv } from '../testing/csv.ts'
import { anyFilters, expired, opportunity, sample } from '../testing/opportunities.ts'
import { insertHistory, type Stack, startStack } from '../testing/stack.ts'

const Page = z.strictObject({ data: z.array(Opportunity), next_cursor: z.string().nullable() })

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack?.stop())
beforeEach(async () => {
  await stack.pool.query('truncate opportunities')
})

const at = (query: Record<string, string>) =>
  `${stack.url}/v1/history?${new URLSearchParams(query)}`
async function page(query: Record<string, string> = {}) {
  const response = await fetch(at(query))
  expect(response.status).toBe(200)
  return Page.parse(await response.json())
}

async function pages(query: Record<string, string>, between = async () => {}) {
  const all: Opportunity[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { data, next_cursor } = await page(cursor === '' ? query : { ...query, cursor })
    all.push(...data)
    cursor = next_cursor
    await between()
  }
  return all
}

const pastSample = (count: number, seed: number) =>
  sample(count, seed).map((one) => ({ ...expired(one), status: 'expired' as const }))
const newestFirst = (a: Opportunity, b: Opportunity) =>
  b.detected_at.localeCompare(a.detected_at) || (a.id < b.id ? 1 : -1)
const ids = (all: readonly Opportunity[]) => all.map(({ id }) => id)

describe('GET /v1/history', () => {
  it('gives back exactly what was written, digit for digit', async () => {
    const digits = expired({
      buy_price: '0.00000000000123000',
      sell_price: '123456789012345678901234567890.10',
      profit_percent: '-0.0000',
      duration_ms: 2_000_000_000,
    })
    await insertHistory(stack.pool, [{ ...digits, profit_percent: '0.0000' }])
    expect(await page()).toEqual({
      data: [{ ...digits, profit_percent: '0.0000' }],
      next_cursor: null,
    })
  })

  it('shows times in UTC, whatever the database thinks', async () => {
    const { rows } = await stack.pool.query('select current_database() as name')
    await stack.pool.query(`alter database "${rows[0].name}" set timezone = 'Asia/Kathmandu'`)
    await insertHistory(stack.pool, [expired()])
    expect((await page()).data).toEqual([expired()])
    await stack.pool.query(`alter database "${rows[0].name}" reset timezone`)
  })

  it('holds only what has ended', async () => {
    await insertHistory(stack.pool, [opportunity({ id: 'opp_open' }), expired({ id: 'opp_ended' })])
    expect(ids((await page()).data)).toEqual(['opp_ended'])
  })

  it('filters as the live list does', async () => {
    const all = pastSample(80, 3)
    await insertHistory(stack.pool, all)
    await fc.assert(
      fc.asyncProperty(anyFilters, async (filters) => {
        const wanted = all.filter((one) => passes(one, filters)).sort(newestFirst)
        const got = await page({ ...filters, limit: '500' })
        expect(ids(got.data)).toEqual(ids(wanted))
        expect(got.next_cursor).toBeNull()
      }),
      { numRuns: 60 },
    )
  })

  it('pages through everything once, whatever the page size, ties included', async () => {
    const all = pastSample(53, 4)
    await insertHistory(stack.pool, all)
    for (const limit of ['1', '7', '53', '52', '500']) {
      expect(ids(await pages({ limit }))).toEqual(ids(all.toSorted(newestFirst)))
    }
  })

  it('neither repeats nor hides rows when others are written in the middle of paging', async () => {
    const all = pastSample(40, 5)
    await insertHistory(stack.pool, all)
    let written = 0
    const got = await pages({ limit: '6' }, async () => {
      const detected_at = `2026-10-02T00:00:00.${String(written).padStart(3, '0')}Z`
      await insertHistory(stack.pool, [
        expired({ id: `opp_new${written++}`, detected_at }),
        expired({ id: `opp_tie${written}`, detected_at: all[0]!.detected_at }),
      ])
    })
    const seen = ids(got)
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen.filter((id) => /^opp_\d/.test(id))).toEqual(ids(all.toSorted(newestFirst)))
    expect(seen.some((id) => id.startsWith('opp_new'))).toBe(false)
  })

  it('takes from as inclusive and to as exclusive, in any time zone', async () => {
    const moments = ['00.000', '00.001', '01.000'].map((s) => `2026-10-01T12:00:${s}Z`)
    await insertHistory(
      stack.pool,
      moments.map((detected_at, i) => expired({ id: `opp_${i}`, detected_at })),
    )
    const from = async (query: Record<string, string>) => ids((await page(query)).data)
    expect(await from({ from: moments[1]! })).toEqual(['opp_2', 'opp_1'])
    expect(await from({ to: moments[1]! })).toEqual(['opp_0'])
    expect(await from({ from: moments[0]!, to: moments[2]! })).toEqual(['opp_1', 'opp_0'])
    expect(await from({ from: '2026-10-01T14:00:01+02:00' })).toEqual(['opp_2'])
    expect(await from({ from: moments[1]!, to: moments[1]! })).toEqual([])
  })

  it('leaves out a row that it cannot read and pages on', async () => {
    await insertHistory(stack.pool, pastSample(5, 6))
    await stack.pool.query(`update opportunities set legs = '[]' where id like '%2'`)
    expect(await pages({ limit: '2' })).toHaveLength(4)
  })

  it.each([
    ['from', 'yesterday', 'an RFC 3339 time, such as 2026-01-31T12:00:00.000Z'],
    ['from', '2026-13-01T00:00:00Z', 'an RFC 3339 time, such as 2026-01-31T12:00:00.000Z'],
    ['to', '1700000000', 'an RFC 3339 time, such as 2026-01-31T12:00:00.000Z'],
    ['limit', '501', 'a whole number from 1 to 500'],
    ['cursor', 'abc', 'a next_cursor as it was given'],
    ['cursor', btoa('[1,"2026-10-01T00:00:00.000Z","\' or 1=1"]'), 'a next_cursor as it was given'],
    ['cursor', btoa('[2,"2026-10-01T00:00:00.000Z","opp_1"]'), 'a next_cursor as it was given'],
    ['sort', 'profit_percent', 'no such parameter here'],
  ])('refuses %s=%j', async (field, value, expected) => {
    const problem = await fetchProblem(at({ [field]: value }))
    expect(problem.status).toBe(400)
    expect(problem.errors).toEqual([{ field, value, expected }])
  })

  it('refuses an end before the beginning', async () => {
    const problem = await fetchProblem(
      at({ from: '2026-10-02T00:00:00Z', to: '2026-10-01T00:00:00Z' }),
    )
    expect(problem.errors?.[0]).toMatchObject({ field: 'to' })
  })

  describe('as CSV', () => {
    async function rows(query: Record<string, string> = {}) {
      const response = await fetch(at({ ...query, format: 'csv' }))
      expect(response.status).toBe(200)
      const [names = [], ...cells] = parseCsv(await response.text())
      return cells.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i]])))
    }

    it('is a file that neither caches nor browsers keep for another', async () => {
      const { headers } = await fetch(at({ format: 'csv' }))
      expect(headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present')
      expect(headers.get('content-disposition')).toMatch(/^attachment; filename=".+\.csv"$/)
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('etag')).toBeNull()
      const head = await fetch(at({ format: 'csv' }), { method: 'HEAD' })
      expect(head.headers.get('content-type')).toBe(headers.get('content-type'))
      expect(await head.text()).toBe('')
    })

    it('holds everything that matches once, over many pages, with the figures of JSON', async () => {
      const all = pastSample(1_203, 8)
        .map((one) => ({ ...one, markouts: expired().markouts }))
        .sort(newestFirst)
      await insertHistory(stack.pool, all)
      const got = await rows()
      expect(got.map(({ id }) => id)).toEqual(ids(all))
      for (const [i, one] of all.entries()) {
        for (const [name, text] of Object.entries(got[i]!)) {
          if (!(name in one) || name === 'legs') continue
          expect(text).toBe(String(one[name as keyof Opportunity] ?? ''))
        }
        expect(got[i]?.markout_100_ms_percent).toBe('0.4120')
        expect(got[i]?.markout_1000_ms_percent).toBe('')
      }
      const some = await rows({ type: 'triangular', exchange: 'kraken' })
      const wanted = all.filter((one) => passes(one, { type: 'triangular', exchange: 'kraken' }))
      expect(some.map(({ id }) => id)).toEqual(ids(wanted))
    })

    it('goes on after a cursor', async () => {
      await insertHistory(stack.pool, pastSample(9, 9))
      const { next_cursor } = await page({ limit: '4' })
      expect(await rows({ cursor: next_cursor ?? '' })).toHaveLength(5)
    })

    it('gives a spreadsheet nothing to run', async () => {
      const symbol = '=CMD|"A"/USDT'
      await insertHistory(stack.pool, [expired({ symbol, buy_exchange: '@SUM(1)' })])
      expect(await rows()).toMatchObject([{ symbol: `'${symbol}`, buy_exchange: "'@SUM(1)" }])
    })

    it('breaks off visibly when the database goes away in the middle', async () => {
      // more than what lies in buffers on the way
      await insertHistory(stack.pool, [expired({ id: 'opp_first' })])
      await stack.pool.query(`
        insert into opportunities
        select (r).* from (
          select jsonb_populate_record(o, jsonb_build_object('id', 'opp_' || n)) as r
          from opportunities o, generate_series(1, 30000) n
        ) copies`)
      const { body } = await fetch(at({ format: 'csv' }))
      const reader = body!.getReader()
      await reader.read()
      await stack.closeNeon()
      const rest = async () => {
        while (!(await reader.read()).done);
      }
      await expect(rest()).rejects.toThrow()
      await stack.openNeon()
    })

    it('has no pages and says so, and refuses a store that is away before it begins', async () => {
      const problem = await fetchProblem(at({ format: 'csv', limit: '5' }))
      expect(problem.errors?.[0]).toMatchObject({ field: 'limit', value: '5' })
      expect((await fetchProblem(at({ format: 'xml' }))).errors).toEqual([
        { field: 'format', value: 'xml', expected: 'one of json, csv' },
      ])
      await stack.closeNeon()
      expect((await fetchProblem(at({ format: 'csv' }))).status).toBe(503)
      await stack.openNeon()
    })
  })

  it('names the store when it is away', async () => {
    await stack.closeNeon()
    const problem = await fetchProblem(at({}))
    expect(problem.status).toBe(503)
    expect(problem.detail).toMatch(/^postgres/)
    await stack.openNeon()
    expect((await page()).data).toEqual([])
  })
})
