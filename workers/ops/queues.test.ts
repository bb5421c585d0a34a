import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { openBrowser } from '../../edge/dashboard/testing/browser.ts'
import { type Redis as RedisServer, startRedis } from '../../sandbox/redis.ts'
import type { Health } from '../../shared/health.ts'
import { QUEUE_PREFIX, QUEUES } from '../../shared/keys.ts'
import { silentLog } from '../../shared/log.ts'
import { ManualClock, TestBooks } from '../detection/testing.ts'
import { connectRedis } from '../publish/redis.ts'
import { detected } from '../publish/testing.ts'
import { createBookView } from './books.ts'
import { Operator } from './operator.ts'
import { QueuePage } from './queues.ts'
import { type OpsServer, startOpsServer } from './server.ts'

const TOKEN = 'a-token-of-the-operator'
const BEARER = { authorization: `Bearer ${TOKEN}` }
const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})
const SECRETS = {
  url: 'https://hooks.slack.com/services/T0/B0/c3cr3tpath',
  telegram: 'see https://api.telegram.org/bot123:c3cr3tbot/sendMessage?chat_id=1, please',
  whsec: 'whsec_c3cr3tc3cr3tc3cr3t',
  authorization: 'Bearer c3cr3tbearer',
  key: `arb_c3cr3t${'x'.repeat(43)}`,
}

let redis_server: RedisServer
let redis: Redis
let server: OpsServer
let queue_page: QueuePage
let base: string
let clock: ManualClock
const queues: Queue[] = []

beforeAll(async () => {
  redis_server = await startRedis()
  redis = connectRedis(redis_server.url, 'patient', 'test', silentLog)
  for (const name of Object.values(QUEUES)) {
    const queue = new Queue(name, { connection: redis, prefix: QUEUE_PREFIX })
    queue.on('error', () => {})
    queues.push(queue)
  }
  await fill()
})

async function fill(): Promise<void> {
  const [alerts, deliveries] = queues as [Queue, Queue]
  const event = { id: '1-0', ...detected('a') }
  await alerts.add('opportunity.detected', event, { jobId: '1-0' })
  await deliveries.add('delivery', SECRETS, { jobId: 'd1', delay: 3_600_000 })
}

beforeEach(async () => {
  await server?.close()
  clock = new ManualClock()
  queue_page?.close()
  queue_page = new QueuePage({
    connect: () => connectRedis(redis_server.url, 'patient', 'queue-page', silentLog),
    log: silentLog,
  })
  server = await startOpsServer({
    port: 0,
    clock,
    log: silentLog,
    health: () => Promise.reject(new Error('nobody asks')) as unknown as Health,
    metrics: () => Promise.reject(new Error('nobody asks')),
    restricted: {
      operator: new Operator(TOKEN, clock),
      books: createBookView(new TestBooks().books, clock),
      queues: queue_page,
    },
  })
  base = `http://localhost:${server.port}`
})
afterAll(async () => {
  await server?.close()
  queue_page?.close()
  redis.disconnect()
  await redis_server.stop()
})

const get = (path: string, headers: Record<string, string> = BEARER) =>
  fetch(base + path, { headers })

describe('the page of the queues', () => {
  it('is for the operator alone, who may be a browser', async () => {
    const stranger = await get('/queues', {})
    expect(stranger.status).toBe(401)
    expect(stranger.headers.get('www-authenticate')).toBe(
      'Basic realm="Spreadwire", charset="UTF-8"',
    )
    for (const headers of [BEARER, basic('', TOKEN), basic('me', TOKEN)]) {
      const page = await get('/queues', headers)
      expect(page.status).toBe(200)
      expect(page.headers.get('content-type')).toMatch(/^text\/html/)
    }
    for (const path of ['/queues', '/queues/', '/queues/api/queues', '/queues/static/js/main.js']) {
      for (const headers of [
        basic(TOKEN, ''),
        basic('me', `${TOKEN}x`),
        { authorization: TOKEN },
      ]) {
        expect((await get(path, headers)).status).toBe(401)
      }
      // so that the next path is not refused for the guesses before it
      clock.now_ms += 60_000
    }
    expect((await get('/queuesque')).status).toBe(404)
  })

  it('refuses whoever guesses, the books included', async () => {
    for (let i = 0; i < 20; i++) {
      const path = i % 2 === 0 ? '/queues' : '/books'
      expect((await get(path, { authorization: `Bearer ${i}` })).status).toBe(401)
    }
    const refused = await get('/queues')
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toBe('60')
    expect((await get('/books')).status).toBe(429)
    clock.now_ms += 60_000
    expect((await get('/queues')).status).toBe(200)
  })

  it('shows both queues and their jobs, and no secret', async () => {
    const { queues: shown } = (await (await get('/queues/api/queues')).json()) as {
      queues: { name: string; readOnlyMode: boolean; allowRetries: boolean; counts: object }[]
    }
    expect(shown.map(({ name }) => name)).toEqual(['alerts', 'deliveries'])
    expect(shown).toMatchObject([
      { readOnlyMode: true, allowRetries: false, counts: { waiting: 1 } },
      { readOnlyMode: true, allowRetries: false, counts: { delayed: 1 } },
    ])
    for (const path of [
      '/queues/api/queues?activeQueue=deliveries',
      '/queues/api/queues/deliveries/d1',
    ]) {
      const text = await (await get(path)).text()
      expect(text).toContain('hooks.slack.com')
      expect(text).not.toContain('c3cr3t')
    }
    const alert = await (await get('/queues/api/queues/alerts/1-0')).text()
    expect(alert).toContain('"fills":[["100","10"]]')
  })

  it('changes nothing, whoever asks', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      for (const path of [
        '/queues/api/queues/pause',
        '/queues/api/queues/alerts/pause',
        '/queues/api/queues/alerts/empty',
        '/queues/api/queues/alerts/obliterate',
        '/queues/api/queues/alerts/add',
        '/queues/api/queues/alerts/1-0/clean',
        '/queues/api/queues/deliveries/d1/promote',
      ]) {
        const answer = await fetch(base + path, { method, headers: BEARER })
        expect(answer.status).toBe(405)
      }
    }
    expect(await queues[0]?.isPaused()).toBe(false)
    expect(await queues[0]?.getJobCounts('waiting')).toEqual({ waiting: 1 })
    expect(await queues[1]?.getJobCounts('delayed')).toEqual({ delayed: 1 })
  })

  it('loads nothing from elsewhere', async () => {
    const page = await get('/queues')
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self';")
    const html = await page.text()
    expect(html).not.toMatch(/(src|href)="(https?:)?\/\//)
    const assets = html.matchAll(/(?:src|href)="(static\/[^"]+)"/g).toArray()
    expect(assets.length).toBeGreaterThan(3)
    for (const [, path] of assets) {
      const asset = await get(`/queues/${path}`)
      expect(asset.status).toBe(200)
      expect((await get(`/queues/${path}`, {})).status).toBe(401)
    }
    expect((await get('/queues/static/../../../package.json')).status).toBe(404)
    expect((await get('/queues/static/%2e%2e%2f%2e%2e%2fpackage.json')).status).toBe(404)
  })

  it('says so when Redis does not answer', async () => {
    await redis_server.stop()
    const answer = await get('/queues/api/queues')
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({ type: '/problems/unavailable' })
    expect((await get('/queues')).status).toBe(200)
    redis_server = await startRedis({ port: redis_server.port })
    await fill()
    await vi.waitFor(async () => expect((await get('/queues/api/queues')).status).toBe(200), 20_000)
  })

  it('is not served where no token is set', async () => {
    const open = await startOpsServer({
      port: 0,
      clock,
      log: silentLog,
      health: () => Promise.reject(new Error('nobody asks')) as unknown as Health,
      metrics: () => Promise.reject(new Error('nobody asks')),
    })
    const answer = await fetch(`http://localhost:${open.port}/queues`, { headers: BEARER })
    expect(answer.status).toBe(404)
    await open.close()
  })
})

describe('in a browser', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await openBrowser()
  })
  afterAll(() => browser?.close())

  it('shows both queues, offers nothing that destroys, and breaks no rule of its own', async () => {
    const page = await browser.newPage({ httpCredentials: { username: 'me', password: TOKEN } })
    const complaints: string[] = []
    const foreign: string[] = []
    page.on('console', (entry) => {
      if (entry.type() === 'error') complaints.push(entry.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('request', (request) => {
      if (!request.url().startsWith(base)) foreign.push(request.url())
    })
    await page.goto(`${base}/queues`)
    await page.getByText('deliveries').first().waitFor()
    expect(await page.getByText('alerts').count()).toBeGreaterThan(0)
    await page.goto(`${base}/queues/queue/deliveries?status=delayed`)
    await page.getByText('hooks.slack.com').first().waitFor()
    const offered = page.getByRole('button', {
      name: /pause|resume|clean|empty|obliterate|delete|remove|retry|promote|add job|duplicate/i,
    })
    expect(await offered.allInnerTexts()).toEqual([])
    expect(await page.content()).not.toContain('c3cr3t')
    expect(foreign).toEqual([])
    expect(complaints).toEqual([])
  }, 60_000)
})
