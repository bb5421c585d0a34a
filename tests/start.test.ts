/** `npm start` on the sandbox market, from the outside: what it promises, an outage, and its end. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import pg from 'pg'
import { Webhook as Verifier } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBrowser } from '../edge/dashboard/testing/browser.ts'
import { StreamReader } from '../edge/testing/reader.ts'
import { environment, PROJECT_DIR } from '../sandbox/environment.ts'
import { startRedis } from '../sandbox/redis.ts'
import { run } from '../sandbox/run.ts'
import { format } from '../shared/decimal.ts'
import type { Event } from '../shared/event.ts'
import { legAmounts, recomputeProfitPercent } from '../shared/evidence.ts'
import { HEARTBEAT_DEAD_AFTER_MS, Health } from '../shared/health.ts'
import { KEYS, QUEUE_PREFIX, QUEUES } from '../shared/keys.ts'
import type { Opportunity } from '../shared/opportunity.ts'
import { MadeWebhook } from '../shared/webhook.ts'
import { startReceiver } from '../workers/alerts/testing.ts'
import { exchanges } from '../workers/exchanges/index.ts'
import { descendants, type RunningStack, startRunningStack, stillRunning } from './running.ts'

const EXCHANGES = exchanges.map(({ id }) => id).sort()
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

/** Waits for any opportunity, live or past. */
async function anyOpportunity(): Promise<Opportunity> {
  const all = async () => {
    const lists = [stack.list('/v1/opportunities'), stack.list('/v1/history')]
    return (await Promise.all(lists)).flat()
  }
  await expect.poll(async () => (await all()).length, SOON).toBeGreaterThan(0)
  const [first] = await all()
  return first!
}

type OpportunityEvent = Exclude<Event, { type: 'exchange.status' }>

function isAboutOpportunity(event: Event): event is OpportunityEvent {
  return event.type !== 'exchange.status'
}

function expectEvidence(opportunity: Opportunity): void {
  const { legs } = opportunity
  expect(recomputeProfitPercent(legs)).toBe(opportunity.profit_percent)
  for (const leg of legs) {
    const amounts = legAmounts(leg)
    expect(Number(leg.amount_in)).toBeCloseTo(Number(format(amounts.amount_in)), 6)
    expect(Number(leg.amount_out)).toBeCloseTo(Number(format(amounts.amount_out)), 6)
  }
  // it begins at the minimum, and is kept down to nine tenths of it
  expect(Number(opportunity.peak_profit_percent)).toBeGreaterThanOrEqual(0.5)
  expect(Number(opportunity.profit_percent)).toBeGreaterThanOrEqual(0.45)
  const exchanges = new Set(legs.map(({ exchange }) => exchange))
  expect(exchanges.size === 1).toBe(opportunity.type === 'triangular')
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
        expect(exchange).toMatchObject({ connected: true, state: 'online', checksums_failed: 0 })
        expect(exchange.books_live).toBeGreaterThan(0)
      }
    }
    expect(status).toBe(200)
    expect(health).toMatchObject({ simulated: true, redis: { ok: true }, postgres: { ok: true } })
    expect(health.worker.alive).toBe(true)
  })

  it('serves the worker’s own probes and metrics', async () => {
    for (const path of ['/health', '/live', '/ready']) {
      expect((await fetch(stack.worker_url + path)).status, path).toBe(200)
    }
    const metrics = await (await fetch(`${stack.worker_url}/metrics`)).text()
    expect(metrics).toMatch(/^arb_feed_frames_total\{exchange="kraken"\} [1-9]/m)
  })

  it('finds opportunities whose profit anybody can recompute from their evidence', async () => {
    expectEvidence(await anyOpportunity())
  })

  it('streams the life of an opportunity from detected to expired and measured, with evidence that holds', async () => {
    const reader = await StreamReader.open(`${stack.edge_url}/v1/stream`)
    const lives = () => {
      const lives = new Map<string, string[]>()
      for (const { type, data } of reader.events().filter(isAboutOpportunity)) {
        lives.set(data.id, [...(lives.get(data.id) ?? []), type])
      }
      return [...lives.values()].map((types) =>
        types.filter((type) => type !== 'opportunity.updated').toSorted(),
      )
    }
    try {
      const whole = ['opportunity.detected', 'opportunity.expired', 'opportunity.measured']
      await expect.poll(lives, { timeout: 60_000, interval: 200 }).toContainEqual(whole)
      for (const { data } of reader.events().filter(isAboutOpportunity)) expectEvidence(data)
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
      expect(await queue.getFailedCount()).toBe(0)
    } finally {
      await queue.close()
    }
  })

  it('delivers what was subscribed to through the API, signed, and tells what became of it', async () => {
    const { stdout } = await run(
      process.execPath,
      ['workers/keys.ts', 'create', '--name', 'desk', '--scopes', 'read,webhooks'],
      { cwd: PROJECT_DIR, env: environment({ DATA_DIR: stack.data_dir, DATABASE_URL: undefined }) },
    )
    const headers = { authorization: `Bearer ${stdout.trim()}`, 'content-type': 'application/json' }
    const receiver = await startReceiver()
    try {
      const body = JSON.stringify({ url: `${receiver.url}/desk` })
      const subscribed = { method: 'POST', headers, body }
      const response = await fetch(`${stack.edge_url}/v1/webhooks`, subscribed)
      expect(response.status).toBe(201)
      const { id, secret } = MadeWebhook.parse(await response.json())
      await expect.poll(() => receiver.received.length, { timeout: 60_000 }).toBeGreaterThan(0)
      const [first] = receiver.received
      const signed = first!.headers as Record<string, string>
      expect(new Verifier(secret).verify(first!.body, signed)).toMatchObject({
        id: signed['webhook-id'],
        type: 'opportunity.detected',
      })
      const results = async () => {
        const attempts = await fetch(`${stack.edge_url}/v1/webhooks/${id}/attempts`, { headers })
        const { data } = (await attempts.json()) as { data: { result: string }[] }
        return data.map(({ result }) => result)
      }
      await expect.poll(results, SOON).toContain('success')
      await fetch(`${stack.edge_url}/v1/webhooks/${id}`, { method: 'DELETE', headers })
    } finally {
      await receiver.stop()
    }
  })

  it('shows live opportunities and the exchanges in a browser', async () => {
    const browser = await openBrowser()
    try {
      const page = await browser.newPage()
      const errors: string[] = []
      page.on('pageerror', (error) => errors.push(error.message))
      page.on('console', (message) => {
        if (message.type() === 'error') errors.push(message.text())
      })
      await page.goto(stack.edge_url)
      await page.getByTestId('simulated').waitFor()
      await page.getByTestId('exchange').nth(3).waitFor()
      await page.getByTestId('row').first().waitFor({ timeout: 60_000 })
      expect(errors).toEqual([])
    } finally {
      await browser.close()
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
    const still_live = (await stack.list('/v1/opportunities')).map(({ id }) => id)
    for (const { id } of live) expect(still_live).not.toContain(id)
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
    await expectNothingLive()
  })
})

/** Looks into what Redis kept on disk. */
async function expectNothingLive(): Promise<void> {
  const kept = await startRedis({ data_dir: join(stack.data_dir, 'redis') })
  const client = new Redis(kept.url)
  try {
    expect(await client.exists(KEYS.events)).toBe(1)
    expect(await client.hgetall(KEYS.live)).toEqual({})
  } finally {
    client.disconnect()
    await kept.stop()
  }
}

async function workerProcess() {
  const all = await descendants(stack.child.pid)
  const worker = all.find(({ command }) => command.includes('workers/main.ts'))
  expect(worker).toBeDefined()
  return worker!
}
