/**
 * The whole path of `npm start`: exchange sockets → books → detection → Redis, BullMQ, Postgres →
 * edge in workerd → REST, SSE, health and a page in a browser; then a dead worker; then Ctrl-C.
 */
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBrowser } from '../edge/dashboard/testing/browser.ts'
import { StreamReader } from '../edge/testing/reader.ts'
import { recomputeProfitPercent } from '../shared/evidence.ts'
import { EdgeHealth, ExchangeStatus } from '../shared/health.ts'
import { QUEUE_PREFIX, QUEUES } from '../shared/keys.ts'
import { Opportunity } from '../shared/opportunity.ts'
import { eventually, isAlive, Running } from './running.ts'

const EXCHANGES = ['binance', 'bybit', 'coinbase', 'kraken']

let system: Running
beforeAll(async () => {
  system = await Running.start(['--seed', '7'])
})
afterAll(async () => {
  await system?.stop()
  system?.clean()
})

const list = async (path: string) => {
  const { body } = await system.json<{ data: unknown[] }>(path)
  return body.data.map((one) => Opportunity.parse(one))
}
const health = async () => {
  const { status, body } = await system.json('/health')
  return { status, body: EdgeHealth.parse(body) }
}
const firstFound = () =>
  eventually(
    async () => (await list('/v1/opportunities'))[0] ?? (await list('/v1/history'))[0],
    30_000,
    'a detected opportunity',
  )

describe('a running system', () => {
  it('finds an opportunity within 30 s, and its own evidence proves it', async () => {
    const found = await firstFound()
    expect(recomputeProfitPercent(found.legs)).toBe(found.profit_percent)
    expect(Number(found.profit_percent)).toBeGreaterThanOrEqual(0.5)
    expect(Number(found.volume_usd)).toBeGreaterThanOrEqual(1_000)
    expect(found.buy_exchange).not.toBe(found.sell_exchange)
    expect(found.simulated).toBe(true)
    const { status, body } = await system.json<unknown>(`/v1/opportunities/${found.id}`)
    expect(status).toBe(200)
    expect(Opportunity.parse(body).id).toBe(found.id)
  })

  it('delivers the life of an opportunity over SSE, from detected to expired', async () => {
    const reader = await StreamReader.open(`${system.url}/v1/stream`)
    const ended = await eventually(
      async () => {
        const events = reader.events()
        const detected = events.filter(({ type }) => type === 'opportunity.detected')
        return detected
          .map(({ data }) =>
            events.filter((event) => 'legs' in event.data && event.data.id === data.id),
          )
          .find((life) => life.at(-1)?.type === 'opportunity.expired')
      },
      60_000,
      'an opportunity from detected to expired',
    )
    reader.leave()
    expect(ended[0]?.type).toBe('opportunity.detected')
    const ids = reader.events().map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('keeps every opportunity as a row in Postgres', async () => {
    const found = await firstFound()
    const client = new pg.Client({ connectionString: system.worker_variables.DATABASE_URL })
    await client.connect()
    try {
      const row = await eventually(
        async () => {
          const { rows } = await client.query('SELECT * FROM opportunities WHERE id = $1', [
            found.id,
          ])
          return rows[0]
        },
        10_000,
        'a row',
      )
      expect(row).toMatchObject({ symbol: found.symbol, buy_exchange: found.buy_exchange })
      expect(row.legs).toHaveLength(2)
    } finally {
      await client.end()
    }
  })

  it('processes one BullMQ job for every event', async () => {
    await firstFound()
    const connection = new Redis(system.worker_variables.REDIS_URL ?? '', {
      maxRetriesPerRequest: null,
    })
    const queue = new Queue(QUEUES.alerts, { connection, prefix: QUEUE_PREFIX })
    try {
      const jobs = await eventually(
        async () => {
          const completed = await queue.getCompleted()
          return completed.length > 0 ? completed : undefined
        },
        10_000,
        'a completed job',
      )
      expect(new Set(jobs.map(({ id }) => id)).size).toBe(jobs.length)
      expect(await queue.getFailedCount()).toBe(0)
    } finally {
      await queue.close()
      connection.disconnect()
    }
  })

  it('says that four exchanges are connected and whole', async () => {
    const { status, body } = await health()
    expect(status).toBe(200)
    expect(body).toMatchObject({ simulated: true, redis: { ok: true }, postgres: { ok: true } })
    expect(Object.keys(body.exchanges).sort()).toEqual(EXCHANGES)
    for (const exchange of Object.values(body.exchanges)) {
      expect(exchange).toMatchObject({ connected: true, state: 'online', checksums_failed: 0 })
      expect(exchange.books_live).toBeGreaterThan(0)
    }
    const answer = await system.json<{ data: unknown[] }>('/v1/exchanges')
    const ids = answer.body.data.map((one) => ExchangeStatus.parse(one).id)
    expect(ids.sort()).toEqual(EXCHANGES)
  })

  it('serves metrics and health from the worker itself', async () => {
    const metrics = await (await fetch(`${system.worker_url}/metrics`)).text()
    expect(metrics).toMatch(/^arb_feed_frames_total\{exchange="kraken"\} [1-9]/m)
    for (const path of ['/health', '/live', '/ready']) {
      expect((await fetch(system.worker_url + path)).status, path).toBe(200)
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
      await page.goto(system.url)
      await page.getByTestId('simulated').waitFor()
      await page.getByTestId('exchange').nth(3).waitFor()
      await page.getByTestId('row').first().waitFor({ timeout: 60_000 })
      expect(errors).toEqual([])
    } finally {
      await browser.close()
    }
  })
})

describe('a worker that dies', () => {
  it('is noticed within 15 s, recovers by itself, and its orphans expire', async () => {
    const open = await eventually(
      async () => (await list('/v1/opportunities'))[0],
      60_000,
      'an open opportunity',
    )
    system.killWorker()
    const down = await eventually(
      async () => {
        const answer = await health()
        return answer.status === 503 ? answer.body : undefined
      },
      15_000,
      '/health answers 503',
    )
    expect(down).toMatchObject({ status: 'down', worker: { alive: false } })
    const recovered = await eventually(
      async () => {
        const answer = await health()
        return answer.status === 200 ? answer.body : undefined
      },
      60_000,
      '/health answers 200 again',
    )
    expect(recovered.worker.alive).toBe(true)
    const ended = await eventually(
      async () => (await list('/v1/history?limit=500')).find(({ id }) => id === open.id),
      20_000,
      'the orphan in the history',
    )
    expect(ended.status).toBe('expired')
    expect(ended.expiry_reason).not.toBeNull()
    const live = await list('/v1/opportunities')
    expect(live.map(({ id }) => id)).not.toContain(open.id)
  })
})

describe('Ctrl-C', () => {
  it('ends with code 0 and leaves no process behind', async () => {
    const before = system.processes()
    expect(before.length).toBeGreaterThan(5)
    expect(await system.stop()).toBe(0)
    await eventually(
      async () => (before.some(({ pid }) => isAlive(pid)) ? undefined : true),
      5_000,
      `the end of ${before.map(({ args }) => args).join('; ')}`,
    )
  })
})
