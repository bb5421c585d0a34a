/**
 * The smoke test of a deployment, against one: the edge as a container runs it, beside real stores, and
 * a worker whose heartbeat comes and stays away.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { heartbeat } from '../edge/testing/opportunities.ts'
import { environment, PROJECT_DIR } from '../sandbox/environment.ts'
import { freePort } from '../sandbox/ports.ts'
import { type Postgres, startPostgres } from '../sandbox/postgres.ts'
import { type Child, startChild } from '../sandbox/process.ts'
import { type Redis as RedisServer, startRedis } from '../sandbox/redis.ts'
import { run } from '../sandbox/run.ts'
import { KEYS, workerKey } from '../shared/keys.ts'
import { exchangeStatus } from '../workers/publish/testing.ts'

let folder: string
let redis_server: RedisServer
let postgres: Postgres
let redis: Redis
let edge: Child
let url: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spreadwire-smoke-'))
  redis_server = await startRedis()
  postgres = await startPostgres({ data_dir: join(folder, 'postgres'), durable: false })
  redis = new Redis(redis_server.url)
  const stores = { REDIS_URL: redis_server.url, DATABASE_URL: postgres.url }
  const env = environment({ ...stores, EDGE_PORT: String(await freePort()) })
  const migrated = await run(process.execPath, [join(PROJECT_DIR, 'workers/migrate.ts')], { env })
  expect(migrated.ok).toBe(true)
  edge = startChild({
    name: 'serve-edge',
    command: process.execPath,
    args: [join(PROJECT_DIR, 'sandbox/serve-edge.ts')],
    env,
  })
  url = await edge.ready((line) => /^ready (\S+)$/.exec(line)?.[1], 60_000)
  url = url.replace('0.0.0.0', '127.0.0.1')
})
afterAll(async () => {
  redis?.disconnect()
  await edge?.stop()
  await redis_server?.stop()
  await postgres?.stop()
  await rm(folder, { recursive: true, force: true })
})

const smoke = (...args: string[]) =>
  run(process.execPath, [join(PROJECT_DIR, '.ci/smoke.ts'), ...args])

it('passes a deployment whose worker lives', async () => {
  await redis.set(workerKey('w'), JSON.stringify(heartbeat({ sent_at: new Date().toISOString() })))
  await redis.hset(KEYS.exchanges, 'kraken', JSON.stringify(exchangeStatus('kraken', true).data))
  const { ok, output } = await smoke(url, '8')
  expect(output).not.toContain('FAILED')
  expect(output.match(/ ok /g)).toHaveLength(7)
  expect(ok).toBe(true)
})

it('says what is wrong when the worker is dead, and goes on asking the rest', async () => {
  await redis.flushall()
  // health is looked at once a second
  await vi.waitUntil(async () => (await fetch(`${url}/health`)).status === 503)
  const { ok, output } = await smoke(url, '2')
  expect(ok).toBe(false)
  expect(output).toMatch(/FAILED the worker lives/)
  expect(output).toMatch(/ok {5}the dashboard is there/)
})

it('fails where nothing answers, and says how it is called', async () => {
  const [nowhere, nothing] = await Promise.all([smoke('http://127.0.0.1:1', '1'), smoke()])
  expect(nowhere.ok).toBe(false)
  expect(nowhere.output.match(/FAILED/g)).toHaveLength(7)
  expect(nothing).toMatchObject({
    ok: false,
    output: expect.stringContaining('usage: npm run smoke'),
  })
})

it('leaves nothing behind when it is told to end', async () => {
  process.kill(edge.pid, 'SIGTERM')
  expect(await edge.exited).toEqual({ code: 0, signal: null })
  await expect(fetch(url)).rejects.toThrow()
})
