/**
 * The edge as its users meet it, for tests: the app in real workerd, its unmodified clients, and
 * behind the gateways a real Redis and a real PostgreSQL that the test writes to directly.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { drizzle } from 'drizzle-orm/node-postgres'
import { Redis } from 'ioredis'
import pg from 'pg'
import { startEdge } from '../../sandbox/edge.ts'
import { startNeonGateway } from '../../sandbox/neon.ts'
import { startRedis } from '../../sandbox/redis.ts'
import { borrowBundle, borrowDatabase } from '../../sandbox/testing-shared.ts'
import { startUpstashGateway } from '../../sandbox/upstash.ts'
import { startWorkerd } from '../../sandbox/workerd.ts'
import { opportunities } from '../../shared/database/schema.ts'
import type { Draft } from '../../shared/event.ts'
import { KEYS } from '../../shared/keys.ts'
import type { Opportunity } from '../../shared/opportunity.ts'

const TOKEN = 'the-token-of-the-tests'

/** Every test has the same address and wants what is true now; tests of limits set their own. */
const UNLIMITED = {
  ANONYMOUS_REQUESTS: '1000000',
  ANONYMOUS_STREAMS: '10000',
  ANSWER_CACHE_MS: '0',
}

export const INDEX_HTML = '<!doctype html><title>the dashboard</title>'

/** The stores and their gateways; each can be taken away and brought back. */
export async function startStores() {
  const folder = await mkdtemp(join(tmpdir(), 'spreadwire-edge-'))
  const redis_server = await startRedis()
  const database = await borrowDatabase('migrated')
  const database_url = database.url
  const redis = new Redis(redis_server.url)
  const pool = new pg.Pool({ connectionString: database_url })
  pool.on('error', () => {})
  let upstash = await startUpstashGateway({ redis_url: redis_server.url, token: TOKEN })
  let neon = await startNeonGateway({ database_url })
  const upstash_port = Number(new URL(upstash.url).port)
  const neon_port = Number(new URL(neon.url).port)

  return {
    folder,
    redis,
    pool,
    vars: {
      UPSTASH_REDIS_REST_URL: upstash.url,
      UPSTASH_REDIS_REST_TOKEN: TOKEN,
      DATABASE_URL: database_url,
      NEON_FETCH_ENDPOINT: `${neon.url}/sql`,
    },
    closeUpstash: () => upstash.close(),
    async openUpstash() {
      const options = { redis_url: redis_server.url, token: TOKEN, port: upstash_port }
      upstash = await startUpstashGateway(options)
    },
    closeNeon: () => neon.close(),
    async openNeon() {
      neon = await startNeonGateway({ database_url, port: neon_port })
    },
    async stop() {
      await Promise.allSettled([upstash.close(), neon.close()])
      redis.disconnect()
      await pool.end()
      await Promise.all([redis_server.stop(), database.drop()])
      await rm(folder, { recursive: true, force: true })
    },
  }
}
export type Stores = Awaited<ReturnType<typeof startStores>>

/** The app in workerd alone; the dashboard is a bare page. */
export async function startStack(changes: Record<string, string> = {}, entry_file?: string) {
  const stores = await startStores()
  const lines: string[] = []
  const { url, urls, stop } = await startWorkerd(await borrowBundle(entry_file), {
    vars: { ...stores.vars, ...UNLIMITED, ...changes },
    beside: { clock: CLOCK },
    on_line: (line) => lines.push(line),
  })
  return {
    ...stores,
    url,
    /** what the app logged */
    lines,
    /** What the cron trigger does once a minute. @throws when it ends badly */
    async minute() {
      const response = await fetch(urls.clock)
      if (!response.ok) throw new Error(`the cron trigger ended badly: ${await response.text()}`)
    },
    async stop() {
      await stop()
      await stores.stop()
    },
  }
}
export type Stack = Awaited<ReturnType<typeof startStack>>

/** Fires the cron trigger, as Cloudflare does. */
const CLOCK = `export default {
  async fetch(_, { EDGE }) {
    const { outcome } = await EDGE.scheduled({ cron: '* * * * *' })
    return new Response(outcome, { status: outcome === 'ok' ? 200 : 500 })
  },
}`

/** The app with the files of a dashboard, behind wrangler's own proxies, as `npm start` runs it. */
export async function startStackWithFiles() {
  const stores = await startStores()
  const assets_dir = await mkdtemp(join(stores.folder, 'dashboard-'))
  await writeFile(join(assets_dir, 'index.html'), INDEX_HTML)
  const { url, stop } = await startEdge({
    port: 0,
    vars: { ...stores.vars, ...UNLIMITED },
    assets_dir,
  })
  return {
    ...stores,
    url,
    async stop() {
      await stop()
      await stores.stop()
    },
  }
}

/** Rows as the worker's archive writes them. */
export async function insertHistory(pool: pg.Pool, rows: readonly Opportunity[]): Promise<void> {
  const values = rows.map((row) => ({ ...row, last_event_id: '1-0' }))
  for (let i = 0; i < values.length; i += 100) {
    await drizzle(pool)
      .insert(opportunities)
      .values(values.slice(i, i + 100))
  }
}

export async function setLive(redis: Redis, live: readonly Opportunity[]): Promise<void> {
  await redis.del(KEYS.live)
  for (const one of live) await redis.hset(KEYS.live, one.id, JSON.stringify(one))
}

/** As the worker publishes: the stream and the channel in one step, so that order equals id. */
export async function publish(redis: Redis, draft: Draft): Promise<string> {
  const script = `
    local id = redis.call('XADD', KEYS[1], '*', 'type', ARGV[2], 'timestamp', ARGV[3], 'data', ARGV[4])
    redis.call('PUBLISH', ARGV[1], '{"id":"' .. id .. '","type":"' .. ARGV[2] ..
      '","timestamp":"' .. ARGV[3] .. '","data":' .. ARGV[4] .. '}')
    return id`
  const { type, timestamp, data } = draft
  const text = JSON.stringify(data)
  return String(await redis.eval(script, 1, KEYS.events, KEYS.channel, type, timestamp, text))
}
