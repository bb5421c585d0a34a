import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { Pool } from 'pg'
import { io } from 'socket.io-client'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Child, startChild } from '../sandbox/process.ts'
import { type Redis as RedisServer, startRedis } from '../sandbox/redis.ts'
import { borrowDatabase, type Database } from '../sandbox/testing-shared.ts'
import { type Event, eventFromStream } from '../shared/event.ts'
import { ExchangeStatus, Health, Heartbeat } from '../shared/health.ts'
import { KEYS, workerKey } from '../shared/keys.ts'
import { silentLog } from '../shared/log.ts'
import { nearMissFromStream } from '../shared/near-miss.ts'
import type { Opportunity } from '../shared/opportunity.ts'
import { TopOfBook, topField } from '../shared/top.ts'
import { connectRedis } from './publish/redis.ts'
import { startExchanges, type TestExchanges } from './testing.ts'

const PATIENCE = { timeout: 60_000, interval: 50 }
vi.setConfig({ testTimeout: 120_000 })

let redis_server: RedisServer
let database: Database
let redis: Redis
let pool: Pool
let exchanges: TestExchanges
const children: Child[] = []

beforeAll(async () => {
  redis_server = await startRedis()
  database = await borrowDatabase('empty')
  redis = connectRedis(redis_server.url, 'patient', 'test', silentLog)
  pool = new Pool({ connectionString: database.url })
  pool.on('error', () => {})
  exchanges = await startExchanges()
})
afterAll(async () => {
  redis.disconnect()
  await pool.end()
  await exchanges.close()
  await redis_server.stop()
  await database.drop()
})
beforeEach(async () => {
  exchanges.closeGap()
  await redis.flushall()
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill()
})

function run(file: string, env: Record<string, string>, ...args: string[]): Child {
  const { PATH = '', HOME = '', NODE_COMPILE_CACHE = '' } = process.env
  const child = startChild({
    name: file,
    command: process.execPath,
    args: [join(import.meta.dirname, file), ...args],
    env: { PATH, HOME, NODE_COMPILE_CACHE, ...env },
  })
  children.push(child)
  return child
}

async function startWorker(changes: Record<string, string> = {}) {
  const child = run('main.ts', {
    REDIS_URL: redis_server.url,
    DATABASE_URL: database.url,
    PORT: '0',
    ...exchanges.env,
    ...changes,
  })
  const { port, worker_id } = await child.ready((line) => {
    const entry = JSON.parse(line)
    return entry.message === 'worker started'
      ? (entry as { port: number; worker_id: string })
      : undefined
  }, 30_000)
  const get = (path: string, init?: RequestInit) => fetch(`http://localhost:${port}${path}`, init)
  return {
    child,
    worker_id,
    port,
    get,
    ready: () => vi.waitUntil(async () => (await get('/ready')).ok, PATIENCE),
  }
}

async function events(): Promise<Event[]> {
  const entries = await redis.xrange(KEYS.events, '-', '+')
  return entries.map(([id, [, type, , timestamp, , data]]) =>
    eventFromStream(id, { type: type!, timestamp: timestamp!, data: data! }),
  )
}

/** The beginnings and ends of opportunities so far. */
async function lives(): Promise<{ type: string; data: Opportunity }[]> {
  return (await events()).flatMap(({ type, data }) =>
    'legs' in data && /detected|expired/.test(type) ? [{ type, data }] : [],
  )
}

const leads = (worker_id: string) =>
  vi.waitUntil(async () => (await redis.get(KEYS.lease)) === worker_id, PATIENCE)

const waitForLives = (count: number) =>
  vi.waitUntil(async () => (await lives()).length >= count, PATIENCE)

describe('the command line', () => {
  it('tells every configuration problem at once and exits with 1', async () => {
    const child = run('main.ts', { PORT: 'x', REDIS_URL: 'redis://u:hunter2@h:x' })
    expect(await child.exited).toEqual({ code: 1, signal: null })
    const tail = child.tail()
    for (const name of ['PORT', 'REDIS_URL', 'DATABASE_URL']) expect(tail).toContain(`  ${name}: `)
    expect(tail).not.toContain('hunter2')
  })

  it('only validates with --check-config', async () => {
    const env = { REDIS_URL: 'redis://127.0.0.1:1', DATABASE_URL: 'postgres://127.0.0.1:1/x' }
    expect((await run('main.ts', env, '--check-config').exited).code).toBe(0)
    expect((await run('main.ts', {}, '--check-config').exited).code).toBe(1)
  })
})

describe('the migration command', () => {
  it('brings the tables up to date once, however often and from how many places it runs', async () => {
    const env = { DATABASE_URL: database.url }
    const runs = [run('migrate.ts', env), run('migrate.ts', env), run('migrate.ts', env)]
    for (const { exited } of runs) expect((await exited).code).toBe(0)
    const applied = runs.map((child) => JSON.parse(child.tail()).applied_now as number)
    const folder = new URL('../shared/database/migrations', import.meta.url)
    const files = readdirSync(folder).filter((name) => name.endsWith('.sql'))
    expect(applied.toSorted()).toEqual([0, 0, files.length])
    const { rows } = await pool.query('SELECT count(*) FROM opportunities')
    expect(rows[0]).toEqual({ count: '0' })
  })

  it('exits with 1 when it cannot reach the database, without telling the password', async () => {
    const child = run('migrate.ts', { DATABASE_URL: 'postgres://u:hunter2@127.0.0.1:1/x' })
    expect((await child.exited).code).toBe(1)
    expect(child.tail()).toContain('migration failed')
    expect(child.tail()).not.toContain('hunter2')
  })
})

describe('the worker', () => {
  beforeAll(async () => {
    expect((await run('migrate.ts', { DATABASE_URL: database.url }).exited).code).toBe(0)
  })

  it('carries a gap from two exchanges to the stream, the history and the alerts', async () => {
    const { get, ready, worker_id } = await startWorker()
    await ready()
    exchanges.openGap()
    await waitForLives(1)
    const [detected] = await lives()
    expect(detected).toMatchObject({
      type: 'opportunity.detected',
      data: { symbol: 'BTC/USDT', buy_exchange: 'bybit', sell_exchange: 'kraken', simulated: true },
    })
    expect(Number(detected!.data.profit_percent)).toBeGreaterThan(1)
    expect(await redis.hkeys(KEYS.live)).toEqual([detected!.data.id])

    const health = Health.parse(await (await get('/health')).json())
    expect(health).toMatchObject({ status: 'ok', simulated: true })
    expect(health.exchanges.kraken).toMatchObject({ connected: true, books_live: 2 })
    const heartbeat = async () =>
      Heartbeat.parse(JSON.parse((await redis.get(workerKey(worker_id))) ?? 'null'))
    await vi.waitUntil(async () => (await heartbeat()).leader, PATIENCE)
    expect(await heartbeat()).toMatchObject({
      fence: expect.any(Number),
      health: { redis: { ok: true } },
    })
    // the first writing may be from before the books were live
    await vi.waitUntil(async () => {
      const kraken = await redis.hget(KEYS.exchanges, 'kraken')
      return kraken !== null && ExchangeStatus.parse(JSON.parse(kraken)).books_live === 2
    }, PATIENCE)
    expect((await redis.hkeys(KEYS.exchanges)).toSorted()).toEqual(['bybit', 'kraken'])

    await vi.waitUntil(async () => {
      const top = await redis.hget(KEYS.top, topField('kraken', 'USDT/USD'))
      return top !== null && TopOfBook.parse(JSON.parse(top)).state === 'live'
    }, PATIENCE)
    expect(await redis.hlen(KEYS.top)).toBe(3)

    exchanges.closeGap()
    await waitForLives(2)
    const expired = (await lives())[1]!
    expect(expired).toMatchObject({ data: { id: detected!.data.id, expiry_reason: 'closed' } })
    expect(await redis.hlen(KEYS.live)).toBe(0)
    await vi.waitUntil(async () => {
      const { rows } = await pool.query('SELECT status FROM opportunities WHERE id = $1', [
        detected!.data.id,
      ])
      return rows[0]?.status === 'expired'
    }, PATIENCE)

    const measured = async () =>
      (await events()).filter(({ type }) => type === 'opportunity.measured').length
    await vi.waitUntil(async () => (await measured()) === 1, PATIENCE)
    await vi.waitUntil(async () => {
      const sql = 'SELECT status, markouts FROM opportunities WHERE id = $1'
      const { rows } = await pool.query(sql, [detected!.data.id])
      return rows[0].status === 'expired' && rows[0].markouts.length === 5
    }, PATIENCE)
    expect(await redis.hlen(KEYS.live)).toBe(0)

    const metric = async (line: string) => (await (await get('/metrics')).text()).includes(line)
    await vi.waitUntil(
      () => metric('arb_alerts_dispatched_total{type="opportunity.expired"} 1'),
      PATIENCE,
    )
    expect(await metric('arb_opportunities_total{kind="detected"} 1')).toBe(true)
    // The first one may have waited for its books to be trusted, which is no latency of a frame.
    exchanges.openGap()
    await waitForLives(3)
    expect(await metric('arb_tick_to_signal_seconds_count 0')).toBe(false)
    expect(await metric('arb_book_state{exchange="kraken",state="live"} 2')).toBe(true)
    // acknowledgements at least are read as JSON
    expect(await metric('arb_feed_slow_path_total{exchange="kraken"} 0')).toBe(false)
    expect(await metric('arb_feed_slow_path_total{exchange="kraken"} ')).toBe(true)
    const states = (await events()).filter(({ type }) => type === 'exchange.status')
    expect(states.map(({ data }) => data.id)).toEqual(expect.arrayContaining(['bybit', 'kraken']))
  })

  it('tells sockets what it finds, and the operator what is queued', async () => {
    const admin_token = 'a-token-of-the-operator'
    const { get, ready, port, child } = await startWorker({ ADMIN_TOKEN: admin_token })
    await ready()
    const socket = io(`http://localhost:${port}`, { transports: ['websocket'] })
    const heard: Event[] = []
    const gone = new Promise((resolve) => socket.once('disconnect', resolve))
    socket.onAny((name: string, event: Event) => name === event.type && heard.push(event))
    await new Promise((resolve) => socket.once('subscribed', resolve))
    exchanges.openGap()
    const found = () => heard.find(({ type }) => type === 'opportunity.detected')
    await vi.waitUntil(found, PATIENCE)
    expect((await events()).find(({ id }) => id === found()?.id)).toEqual(found())

    expect((await get('/queues/api/queues')).status).toBe(401)
    const authorization = `Bearer ${admin_token}`
    const asked = () => get('/queues/api/queues?activeQueue=alerts', { headers: { authorization } })
    await vi.waitUntil(async () => (await (await asked()).text()).includes(found()!.id), PATIENCE)

    process.kill(child.pid, 'SIGTERM')
    expect(await gone).toBe('transport close')
    socket.disconnect()
    expect(await child.exited).toEqual({ code: 0, signal: null })
  })

  it('keeps why there is nothing, and counts it', async () => {
    const { get, ready } = await startWorker({ MAX_ARBITRAGE_PERCENT: '1' })
    await ready()
    exchanges.openGap()
    const refused = async () => {
      const entries = await redis.xrange(KEYS.near_misses, '-', '+')
      return entries
        .map(([id, [name, text]]) => nearMissFromStream(id, { [name!]: text! }))
        .find(({ guard }) => guard === 'implausible')
    }
    await vi.waitUntil(async () => (await refused()) !== undefined, PATIENCE)
    expect(await refused()).toMatchObject({
      type: 'cross_exchange',
      buy_exchange: 'bybit',
      sell_exchange: 'kraken',
      why: expect.stringContaining('is above 1 %'),
      simulated: true,
    })
    const metrics = await (await get('/metrics')).text()
    expect(metrics).toMatch(/arb_candidates_rejected_total\{guard="implausible"\} [1-9]/)
    expect(metrics).toContain('arb_candidates_rejected_total{guard="leveraged"} 0')
    expect(metrics).toMatch(/arb_near_misses_total\{result="stored"\} [1-9]/)
    expect(await lives()).toEqual([])
  })

  it('ends in order on SIGTERM: everything open expires, nothing is left behind', async () => {
    const { child, ready, worker_id } = await startWorker()
    await ready()
    exchanges.openGap()
    await waitForLives(1)
    process.kill(child.pid, 'SIGUSR2')
    await vi.waitUntil(() => child.tail().includes('"from":"info","to":"debug"'), PATIENCE)
    process.kill(child.pid, 'SIGTERM')
    expect(await child.exited).toEqual({ code: 0, signal: null })
    expect((await lives()).at(-1)).toMatchObject({
      type: 'opportunity.expired',
      data: { expiry_reason: 'shutdown' },
    })
    expect(await redis.exists(KEYS.live, KEYS.lease, KEYS.members, workerKey(worker_id))).toBe(0)
  })

  it('is replaced by a standby when it is killed, and what lives goes on under its id', async () => {
    const first = await startWorker()
    await first.ready()
    exchanges.openGap()
    await waitForLives(1)
    const second = await startWorker()
    await second.ready()
    process.kill(first.child.pid, 'SIGKILL')
    await leads(second.worker_id)
    exchanges.closeGap()
    await waitForLives(2)
    exchanges.openGap()
    await waitForLives(3)
    const [one, ended, next] = await lives()
    expect(ended!.data).toMatchObject({ id: one!.data.id, expiry_reason: 'closed' })
    expect(next!.data.id).not.toBe(one!.data.id)
    expect(await redis.hkeys(KEYS.live)).toEqual([next!.data.id])
  })

  it('hands over to a standby when it ends in order, and nobody hears of it', async () => {
    const [first, second] = [await startWorker(), await startWorker()]
    await first.ready()
    await second.ready()
    const [leader, standby] =
      (await redis.get(KEYS.lease)) === first.worker_id ? [first, second] : [second, first]
    exchanges.openGap()
    await waitForLives(1)
    // both must have said that they are there and what they see
    await vi.waitUntil(async () => {
      const members = Object.values(await redis.hgetall(KEYS.members))
      return members.filter((member) => member.endsWith(' 100')).length === 2
    }, PATIENCE)
    await vi.waitUntil(async () => leader.child.tail().includes('leading'), PATIENCE)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    process.kill(leader.child.pid, 'SIGTERM')
    expect(await leader.child.exited).toEqual({ code: 0, signal: null })
    await leads(standby.worker_id)
    exchanges.closeGap()
    await waitForLives(2)
    const [one, ended] = await lives()
    expect(ended!.data).toMatchObject({ id: one!.data.id, expiry_reason: 'closed' })
  })

  it('ends everything when the last two end together, whoever is first', async () => {
    const [first, second] = [await startWorker(), await startWorker()]
    await first.ready()
    await second.ready()
    exchanges.openGap()
    await waitForLives(1)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    for (const { child } of [first, second]) process.kill(child.pid, 'SIGTERM')
    for (const { child } of [first, second]) expect((await child.exited).code).toBe(0)
    expect((await lives()).map(({ type }) => type)).toEqual([
      'opportunity.detected',
      'opportunity.expired',
    ])
    expect(await redis.exists(KEYS.live, KEYS.members)).toBe(0)
  })

  it('writes nothing after a sleep in which another took over, notices, and stands by', async () => {
    const first = await startWorker()
    await first.ready()
    await leads(first.worker_id)
    const second = await startWorker()
    await second.ready()
    process.kill(first.child.pid, 'SIGSTOP')
    await leads(second.worker_id)
    exchanges.openGap()
    await waitForLives(1)
    process.kill(first.child.pid, 'SIGCONT')
    await vi.waitUntil(() => first.child.tail().includes('leadership lost'), PATIENCE)
    await vi.waitUntil(
      async () => (await (await first.get('/metrics')).text()).includes('arb_leader{shard="0"} 0'),
      PATIENCE,
    )
    exchanges.closeGap()
    await waitForLives(2)
    const told = await lives()
    expect(told.map(({ type }) => type)).toEqual(['opportunity.detected', 'opportunity.expired'])
    const statuses = (await events()).filter(({ type }) => type === 'exchange.status')
    const ids = statuses.map(({ data }) =>
      'connected' in data ? `${data.id} ${data.connected}` : '',
    )
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('watches the exchanges that answer while another does not', async () => {
    const { get, ready } = await startWorker({ KRAKEN_REST_URL: 'http://127.0.0.1:9' })
    await ready()
    const health = Health.parse(await (await get('/health')).json())
    expect(health.status).toBe('degraded')
    expect(health.exchanges.bybit).toMatchObject({ connected: true, books_live: 1 })
    expect(health.exchanges.kraken).toMatchObject({ connected: false, state: 'down' })
    expect(health.exchanges.kraken!.reason).toContain('kraken')
  })

  it('listens, and says that it is down, while both stores are away; and still ends', async () => {
    const { child, get } = await startWorker({
      REDIS_URL: 'redis://127.0.0.1:1',
      DATABASE_URL: 'postgres://127.0.0.1:1/x',
    })
    await vi.waitUntil(async () => {
      const health = Health.parse(await (await get('/health')).json())
      return health.redis.error !== 'not asked yet' && health.exchanges.bybit?.books_live === 1
    }, PATIENCE)
    const health = Health.parse(await (await get('/health')).json())
    expect(health).toMatchObject({ status: 'down', redis: { ok: false }, postgres: { ok: false } })
    expect((await get('/live')).status).toBe(200)
    const response = await get('/ready')
    expect(response.status).toBe(503)
    expect(await response.json()).toEqual({ ready: false, missing: ['redis'] })
    process.kill(child.pid, 'SIGTERM')
    expect((await child.exited).code).toBe(0)
  })

  it('exits at once on the second signal', async () => {
    const own_redis = await startRedis()
    const { child, ready, get } = await startWorker({ REDIS_URL: own_redis.url })
    await ready()
    await vi.waitUntil(
      async () => (await (await get('/metrics')).text()).includes('arb_leader{shard="0"} 1'),
      PATIENCE,
    )
    await own_redis.stop()
    exchanges.openGap()
    const depth = async () =>
      /arb_outbox_depth (\d+)/.exec(await (await get('/metrics')).text())?.[1]
    await vi.waitUntil(async () => Number(await depth()) > 0, PATIENCE)
    process.kill(child.pid, 'SIGTERM')
    await vi.waitUntil(() => child.tail().includes('shutting down'), PATIENCE)
    process.kill(child.pid, 'SIGINT')
    expect(await child.exited).toEqual({ code: 1, signal: null })
    expect(child.tail()).not.toContain('"shut down"')
  })
})
