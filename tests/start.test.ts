/** `npm start` on the sandbox market, from the outside: what it promises, an outage, and its end. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { StreamReader } from '../edge/testing/reader.ts'
import { floorToScale, format } from '../shared/decimal.ts'
import { legAmounts, recomputeProfitPercent } from '../shared/evidence.ts'
import { HEARTBEAT_DEAD_AFTER_MS, Health } from '../shared/health.ts'
import { QUEUE_PREFIX, QUEUES } from '../shared/keys.ts'
import type { Opportunity } from '../shared/opportunity.ts'
import { descendants, type RunningStack, startRunningStack, stillRunning } from './running.ts'

const EXCHANGES = ['binance', 'bybit', 'coinbase', 'kraken']
const SOON = { timeout: 30_000, interval: 200 }

let stack: RunningStack
let redis: Redis
let pool: pg.Pool

beforeAll(async () => {
  stack = await startRunningStack(['--seed', '7'])
  const { REDIS_URL, DATABASE_URL } = await stack.workerVariables()
  redis = new Redis(REDIS_URL!, { maxRetriesPerRequest: null })
  redis.on('error', () => {})
  pool = new pg.Pool({ connectionString: DATABASE_URL })
  pool.on('error', () => {})
})
afterAll(async () => {
  redis?.disconnect()
  await pool?.end()
  await stack?.remove()
})

/** Any opportunity, live or past. */
async function anyOpportunity(): Promise<Opportunity> {
  const lists = await Promise.all([stack.list('/v1/opportunities'), stack.list('/v1/history')])
  const [first] = lists.flat()
  expect(first).toBeDefined()
  return first!
}

function expectEvidence(opportunity: Opportunity): void {
  const { legs } = opportunity
  expect(recomputeProfitPercent(legs)).toBe(opportunity.profit_percent)
  for (const leg of legs) {
    const amounts = legAmounts(leg)
    expect(Number(leg.amount_in)).toBeCloseTo(
      Number(format(floorToScale(amounts.amount_in, 12))),
      6,
    )
    expect(Number(leg.amount_out)).toBeCloseTo(
      Number(format(floorToScale(amounts.amount_out, 12))),
      6,
    )
  }
  expect(Number(opportunity.profit_percent)).toBeGreaterThanOrEqual(0.5)
  expect(opportunity.buy_exchange).not.toBe(opportunity.sell_exchange)
  expect(opportunity.simulated).toBe(true)
}

describe('npm start', { concurrent: false }, () => {
  it('says that it is ready in exactly one line of standard output', () => {
    expect(stack.stdout).toEqual([`ready ${stack.edge_url}`])
  })

  it('has every exchange connected with live books, in the edge’s and the worker’s own words', async () => {
    const { status, health } = await stack.health()
    const own = await fetch(`${stack.worker_url}/health`)
    for (const { exchanges } of [health, Health.parse(await own.json())]) {
      expect(Object.keys(exchanges).sort()).toEqual(EXCHANGES)
      for (const exchange of Object.values(exchanges)) {
        expect(exchange.connected).toBe(true)
        expect(exchange.books_live).toBeGreaterThan(0)
      }
    }
    expect(status).toBe(200)
    expect(health.worker.alive).toBe(true)
    expect(health.simulated).toBe(true)
  })

  it('finds opportunities whose profit anybody can recompute from their evidence', async () => {
    const opportunity = await expect
      .poll(anyOpportunity, SOON)
      .toBeDefined()
      .then(() => anyOpportunity())
    expectEvidence(opportunity)
  })

  it('streams every event of an opportunity’s life, with evidence that holds', async () => {
    const reader = await StreamReader.open(`${stack.edge_url}/v1/stream`)
    try {
      const ended = () => reader.events().find(({ type }) => type === 'opportunity.expired')
      await expect.poll(ended, { timeout: 60_000, interval: 100 }).toBeDefined()
      const events = reader.events().flatMap((event) => {
        return event.type === 'exchange.status' ? [] : [event]
      })
      for (const { data } of events) expectEvidence(data)
      const ids = reader.events().map(({ id }) => id)
      expect(ids).toEqual([...new Set(ids)])
    } finally {
      reader.leave()
    }
  })

  it('keeps every opportunity as a row of PostgreSQL', async () => {
    const { id, profit_percent } = await anyOpportunity()
    const row = async () => {
      const sql = 'SELECT id, profit_percent::float8 AS profit FROM opportunities WHERE id = $1'
      return (await pool.query(sql, [id])).rows[0]
    }
    await expect.poll(row, SOON).toMatchObject({ id, profit: expect.any(Number) })
    expect(Number(profit_percent)).toBeGreaterThan(0)
  })

  it('completes a BullMQ job for an event of an opportunity', async () => {
    const queue = new Queue(QUEUES.alerts, { connection: redis, prefix: QUEUE_PREFIX })
    try {
      const types = async () => {
        const jobs = await queue.getJobs(['completed'], 0, 20)
        return jobs.map(({ data }) => data.type)
      }
      await expect.poll(types, SOON).toContain('opportunity.detected')
    } finally {
      await queue.close()
    }
  })

  it('writes the market’s true gaps down', async () => {
    const file = join(stack.data_dir, 'sandbox', 'truth.jsonl')
    const lines = async () => (await readFile(file, 'utf8')).trim().split('\n').filter(Boolean)
    await expect.poll(async () => (await lines()).length, SOON).toBeGreaterThan(0)
    for (const line of await lines()) {
      const gap = JSON.parse(line)
      expect(gap.to_ms).toBeGreaterThanOrEqual(gap.from_ms)
      expect(EXCHANGES).toContain(gap.buy_exchange)
      expect(Number(gap.profit_percent)).toBeGreaterThanOrEqual(0.5)
    }
  })
})

describe('a worker that is killed', { concurrent: false }, () => {
  let live: Opportunity[]

  it('is reported dead by the edge within 15 seconds', async () => {
    const some = async () => {
      live = await stack.list('/v1/opportunities')
      return live.length
    }
    await expect.poll(some, { timeout: 60_000, interval: 50 }).toBeGreaterThan(0)
    const worker = await workerProcess()
    process.kill(worker.pid, 'SIGKILL')
    const killed_ms = performance.now()

    const status = async () => (await stack.health()).status
    await expect.poll(status, { timeout: 20_000, interval: 100 }).toBe(503)
    expect(performance.now() - killed_ms).toBeLessThan(HEARTBEAT_DEAD_AFTER_MS)
    const { health } = await stack.health()
    expect(health.status).toBe('down')
    expect(health.worker.alive).toBe(false)
  })

  it('is started again, recovers, and ends what it had left open', async () => {
    const status = async () => (await stack.health()).status
    await expect.poll(status, { timeout: 60_000, interval: 200 }).toBe(200)
    expect(stack.stderr.join('\n')).toMatch(/the worker ended \(SIGKILL\) and starts again in 20 s/)
    for (const { id } of live) {
      const state = async () => {
        const response = await fetch(`${stack.edge_url}/v1/opportunities/${id}`)
        const { status, expiry_reason, expired_at } = (await response.json()) as Opportunity
        return { status, is_explained: expiry_reason !== null && expired_at !== null }
      }
      await expect.poll(state, SOON).toEqual({ status: 'expired', is_explained: true })
    }
  })
})

describe('the end', { concurrent: false }, () => {
  it('expires what is live and leaves no process behind', async () => {
    const all = await descendants(stack.child.pid)
    for (const part of [
      'redis-server',
      'postgres',
      'workerd',
      'workers/main.ts',
      'exchanges/main.ts',
    ]) {
      expect(all.map(({ command }) => command).join('\n')).toContain(part)
    }
    redis.disconnect()
    await stack.child.stop()
    expect(await stack.child.exited).toEqual({ code: 0, signal: null })
    await expect.poll(() => stillRunning(all), { timeout: 10_000 }).toEqual([])
    expect(stack.stdout).toEqual([`ready ${stack.edge_url}`])
  })
})

async function workerProcess() {
  const all = await descendants(stack.child.pid)
  const worker = all.find(({ command }) => command.includes('workers/main.ts'))
  expect(worker).toBeDefined()
  return worker!
}
