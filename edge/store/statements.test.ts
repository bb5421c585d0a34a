/**
 * What every endpoint asks of PostgreSQL, on a table that is large: each statement as it was really
 * sent is explained and run. None looks through a table, whatever is filtered by, common or rare.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { silentLog } from '../../shared/log.ts'
import { createApp } from '../app.ts'
import { historyCursor } from '../cursor.ts'
import { beat } from '../testing/filled.ts'
import { insertKey } from '../testing/keys.ts'
import { type Stores, startStores } from '../testing/stack.ts'

const ROWS = 60_000
/** The oldest, of a kind that never came again: what a filter for them must not look for one by one. */
const RARE = 20
const ADMIN_TOKEN = 'the-operators-own-token'
const WEBHOOK = 'wh_0000000000000000000001'

let stores: Stores
let bindings: object
const app = createApp(silentLog)

beforeAll(async () => {
  stores = await startStores()
  bindings = { ...stores.vars, ADMIN_TOKEN, ANSWER_CACHE_MS: '0', ANONYMOUS_REQUESTS: '1000000' }
  await stores.pool.query(OPPORTUNITIES)
  const key = await insertKey(stores.pool)
  await stores.pool.query(WEBHOOKS, [key.id])
  await stores.pool.query(MESSAGES)
  await stores.pool.query(ATTEMPTS)
  await stores.pool.query('VACUUM ANALYZE')
})
afterAll(() => stores?.stop())

/** One every 30 s since 2026-01-01. */
const OPPORTUNITIES = `
  INSERT INTO opportunities (id, type, symbol, buy_exchange, sell_exchange, buy_price, sell_price,
    gross_percent, profit_percent, profit_usd, volume_usd, base_size, depth_exhausted, transfer,
    skew_ms, simulated, status, legs, markouts, detected_at, updated_at, expired_at, duration_ms,
    expiry_reason, peak_profit_percent, last_event_id)
  SELECT 'opp_' || lpad(i::text, 12, '0'),
    CASE WHEN rare THEN 'multi_leg' WHEN i % 10 = 0 THEN 'triangular' ELSE 'cross_exchange' END,
    'C' || floor(power(random(), 3) * 200) || '/USDT', buy, sell, 1, 1, 1, profit, 1,
    CASE WHEN rare THEN 900000 ELSE 1000 + random() * 50000 END, 1, false,
    CASE WHEN rare THEN 'closed' WHEN i % 5 = 0 THEN 'open' ELSE 'unknown' END, 1, false, 'expired',
    jsonb_build_array(jsonb_build_object('exchange', buy, 'side', 'buy', 'fills', '[["1","2"]]'::jsonb),
      jsonb_build_object('exchange', sell, 'side', 'sell', 'fills', '[["1","2"]]'::jsonb)),
    '[]', at, at, at, 100, 'closed', profit, '1-0'
  FROM (
    SELECT i, i <= ${RARE} AS rare, '2026-01-01T00:00:00Z'::timestamptz + i * interval '30 s' AS at,
      CASE WHEN i <= ${RARE} THEN 9 ELSE 0.5 + random() * 2 END AS profit,
      CASE WHEN i <= ${RARE} THEN 'okx' ELSE exchanges[1 + i % 4] END AS buy,
      CASE WHEN i <= ${RARE} THEN 'gate' ELSE exchanges[1 + (i / 4) % 4] END AS sell
    FROM generate_series(1, ${ROWS}) i,
      (SELECT array['binance', 'bybit', 'coinbase', 'kraken'] AS exchanges) names
  ) made`
/** 300 of them share 60,000 attempts for 20,000 messages. */
const WEBHOOKS = `
  INSERT INTO webhook_endpoints (id, key_id, url, event_types, filters, secret)
  SELECT 'wh_' || lpad(i::text, 22, '0'), $1, 'https://example.com/', '["opportunity.detected"]', '{}', 'x'
  FROM generate_series(1, 300) i`
const MESSAGES = `
  INSERT INTO webhook_messages (id, type, body, created_at)
  SELECT i || '-0', 'opportunity.detected', '{}',
    '2026-01-01T00:00:00Z'::timestamptz + i * interval '30 s'
  FROM generate_series(1, 20000) i`
const ATTEMPTS = `
  INSERT INTO webhook_attempts (endpoint_id, message_id, attempt, log_id, result)
  SELECT 'wh_' || lpad((1 + i % 300)::text, 22, '0'), (1 + i % 20000) || '-0', 1, i || '-0',
    CASE WHEN i < 300 THEN 'missed' ELSE 'success' END
  FROM generate_series(1, ${ROWS}) i`

interface Statement {
  readonly query: string
  readonly params: readonly unknown[]
}
const Sent = z.union([
  z.object({ queries: z.array(z.object({ query: z.string(), params: z.array(z.unknown()) })) }),
  z
    .object({ query: z.string(), params: z.array(z.unknown()) })
    .transform((one) => ({ queries: [one] })),
])

/** What the app sends to PostgreSQL to answer this. */
async function statementsOf(path: string, init: RequestInit = {}): Promise<Statement[]> {
  const statements: Statement[] = []
  const really = globalThis.fetch
  const spy = vi.spyOn(globalThis, 'fetch').mockImplementation((input, options) => {
    if (String(input).endsWith('/sql')) {
      statements.push(...Sent.parse(JSON.parse(String(options?.body))).queries)
    }
    return really(input, options)
  })
  try {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, ...init.headers }
    const request = new Request(`http://localhost${path}`, { ...init, headers })
    const waiting: Promise<unknown>[] = []
    const context = { waitUntil: (work: Promise<unknown>) => waiting.push(work) }
    const response = await app.fetch(request, bindings as never, context as never)
    expect(response.status, `${path}: ${await response.clone().text()}`).toBeLessThan(500)
    await response.text()
    await Promise.all(waiting)
  } finally {
    spy.mockRestore()
  }
  return statements
}

interface Plan {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly Plans?: readonly Plan[]
}

/** Every node of the plan of a statement, with what it really did; nothing of it stays. */
async function explained({ query, params }: Statement): Promise<Plan[]> {
  const client = await stores.pool.connect()
  try {
    await client.query('BEGIN')
    const { rows } = await client.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${query}`, [...params])
    return nodes(rows[0]['QUERY PLAN'][0].Plan)
  } finally {
    await client.query('ROLLBACK')
    client.release()
  }
}

const nodes = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)]

const LARGE = ['opportunities', 'webhook_attempts']

/** Rows of large tables that were looked at. */
function looked(plan: readonly Plan[]): number {
  const scans = plan.filter((node) => LARGE.includes(node['Relation Name'] ?? ''))
  return scans.reduce((sum, node) => {
    const removed =
      (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)
    return sum + (node['Actual Rows'] + removed) * node['Actual Loops']
  }, 0)
}

function sorted(plan: readonly Plan[]): number {
  const sorts = plan.filter((node) => node['Node Type'] === 'Sort')
  return Math.max(0, ...sorts.flatMap(({ Plans = [] }) => Plans.map((from) => from['Actual Rows'])))
}

/** The plans of all that is sent for this, none of which looks through a large table. */
async function examine(path: string, init?: RequestInit) {
  const statements = await statementsOf(path, init)
  expect(statements.length, path).toBeGreaterThan(0)
  const plans: Plan[][] = []
  for (const statement of statements) {
    const plan = await explained(statement)
    const scans = plan.filter((node) => node['Node Type'] === 'Seq Scan')
    const tables = scans.map((node) => node['Relation Name'] ?? '')
    expect(
      tables.filter((table) => LARGE.includes(table)),
      `${path}\n${statement.query}`,
    ).toEqual([])
    plans.push(plan)
  }
  return plans
}

const FILTERS: Readonly<Record<string, readonly string[]>> = {
  type: ['cross_exchange', 'multi_leg'],
  symbol: ['C0/USDT', 'C199/USDT', 'NOT/THERE'],
  exchange: ['kraken', 'okx', 'nobody'],
  buy_exchange: ['kraken', 'okx', 'nobody'],
  sell_exchange: ['kraken', 'gate', 'nobody'],
  transfer: ['unknown', 'closed'],
  min_profit_percent: ['1', '5', '50'],
  min_volume_usd: ['2000', '100000', '1000000'],
  from: ['2026-01-10T00:00:00Z', '2030-01-01T00:00:00Z'],
  to: ['2026-01-10T00:00:00Z', '2026-01-01T00:05:00Z', '2020-01-01T00:00:00Z'],
}
const one = Object.entries(FILTERS).flatMap(([name, values]) =>
  values.map((value): Record<string, string> => ({ [name]: value })),
)
const together: Record<string, string>[] = [
  {},
  { limit: '500' },
  { symbol: 'C0/USDT', min_profit_percent: '5' },
  { symbol: 'C0/USDT', exchange: 'okx', type: 'multi_leg' },
  { buy_exchange: 'kraken', sell_exchange: 'binance' },
  { buy_exchange: 'kraken', sell_exchange: 'nobody', transfer: 'open' },
  { exchange: 'kraken', from: '2026-01-05T00:00:00Z', to: '2026-01-06T00:00:00Z' },
  { min_profit_percent: '5', min_volume_usd: '100000', type: 'multi_leg' },
]
const OLD = historyCursor.encode({ detected_at: '2026-01-01T00:10:00.000Z', id: 'opp_x' })
const NEW = historyCursor.encode({ detected_at: '2026-01-20T00:00:00.000Z', id: 'opp_x' })

describe('a page of the history', () => {
  const asked = [...one, ...together, ...[OLD, NEW].map((cursor) => ({ cursor }))]
  asked.push({ cursor: NEW, exchange: 'okx' }, { cursor: OLD, symbol: 'C0/USDT' })
  asked.push({ format: 'csv', type: 'multi_leg' })

  it.each(asked)('looks at little more than it shows, and sorts less: %j', async (filters) => {
    const [plan = []] = await examine(`/v1/history?${new URLSearchParams(filters)}`)
    expect(looked(plan)).toBeLessThan(ROWS / 20)
    expect(sorted(plan)).toBeLessThan(1_000)
  })
})

describe('sums over the past', () => {
  const DAY = { from: '2026-01-10T00:00:00Z', to: '2026-01-11T00:00:00Z' }
  const IN_A_DAY = 2_880

  it.each([{}, ...one.filter((filters) => !('from' in filters || 'to' in filters))])(
    'look at their range and no further: %j',
    async (filters) => {
      const asked = new URLSearchParams({ ...DAY, by: 'symbol,exchanges,type,hour', ...filters })
      const [plan = []] = await examine(`/v1/stats?${asked}`)
      expect(looked(plan)).toBeLessThanOrEqual(2 * IN_A_DAY)
    },
  )
})

describe('one of many', () => {
  it('is found by its key', async () => {
    for (const path of [
      '/v1/opportunities/opp_000000000001',
      '/v1/opportunities/opp_000000059999',
    ]) {
      const [plan = []] = await examine(path)
      expect(looked(plan)).toBe(1)
    }
  })
})

describe('the deliveries of a webhook', () => {
  const at = (path: string) => `/v1/webhooks/${WEBHOOK}${path}`
  const json = { 'content-type': 'application/json' }
  const post = (body: object) => ({ method: 'POST', headers: json, body: JSON.stringify(body) })

  it('are found by the webhook or the message', async () => {
    for (const query of [
      '',
      '?limit=500',
      '?result=missed',
      '?message_id=7-0',
      '?result=expired',
    ]) {
      const plans = await examine(at(`/attempts${query}`))
      expect(Math.max(...plans.map(looked)), query).toBeLessThan(ROWS / 20)
    }
    const bodies = [{ missed: true }, { from: '2026-01-02T00:00:00Z', to: '2026-01-04T00:00:00Z' }]
    for (const body of bodies) {
      await stores.redis.flushall()
      const plans = await examine(at('/replay'), post(body))
      expect(Math.max(...plans.map(looked)), JSON.stringify(body)).toBeLessThan(ROWS / 5)
    }
  })
})

it('keys are found by what they are, and no key costs a look at what happened', async () => {
  const { id, key } = await insertKey(stores.pool, { scopes: ['admin', 'webhooks', 'read'] })
  const asked: readonly [path: string, init?: RequestInit][] = [
    ['/v1/keys', { headers: { authorization: `Bearer ${key}` } }],
    ['/v1/keys', {}],
    [`/v1/keys/${id}`, {}],
    [`/v1/keys/${id}`, { method: 'DELETE' }],
    ['/v1/webhooks', {}],
    [`/v1/webhooks/${WEBHOOK}`, {}],
    ['/health', {}],
  ]
  await beat(stores.redis)
  for (const [path, init] of asked) {
    for (const plan of await examine(path, init)) expect(looked(plan), path).toBe(0)
  }
})
