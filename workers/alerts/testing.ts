/**
 * The room as it runs, for tests: a real Redis and PostgreSQL, endpoints as rows, and receivers that
 * answer what they are told to.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate } from 'drizzle-orm/node-postgres/migrator'
import { Redis } from 'ioredis'
import type { Pool } from 'pg'
import { vi } from 'vitest'
import { startPostgres } from '../../sandbox/postgres.ts'
import { startRedis } from '../../sandbox/redis.ts'
import { systemClock } from '../../shared/clock.ts'
import type { Draft } from '../../shared/event.ts'
import { KEYS } from '../../shared/keys.ts'
import { silentLog } from '../../shared/log.ts'
import {
  type AttemptResult,
  newWebhookId,
  newWebhookSecret,
  type WebhookCommand,
} from '../../shared/webhook.ts'
import { connectPostgres } from '../ops/postgres.ts'
import { connectRedis } from '../publish/redis.ts'
import { type Alerts, type AlertsOptions, startAlerts } from './alerts.ts'
import type { Endpoint } from './endpoint.ts'

const MIGRATIONS = join(import.meta.dirname, '../../shared/database/migrations')

export interface AttemptRow {
  endpoint_id: string
  message_id: string
  attempt: number
  result: AttemptResult
  response_status: number | null
  response_body: string | null
  error: string | null
  duration_ms: number | null
}

async function startPostgresWithTables() {
  const folder = await mkdtemp(join(tmpdir(), 'spreadwire-alerts-'))
  const data_dir = join(folder, 'postgres')
  let server = await startPostgres({ data_dir, durable: false })
  const { url } = server
  const port = Number(new URL(url).port)
  const pool: Pool = connectPostgres(url, silentLog)
  await migrate(drizzle(pool), { migrationsFolder: MIGRATIONS })
  return {
    url,
    pool,
    take: () => server.stop(),
    async giveBack() {
      server = await startPostgres({ data_dir, port, durable: false })
    },
    async stop() {
      await pool.end()
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A row; null in `key_id` is the operator's own. */
export async function insertEndpoint(
  pool: Pool,
  changes: Partial<Omit<Endpoint, 'previous_secret_until' | 'failing_since'>> & {
    previous_secret_until?: Date
    failing_since?: Date
  },
): Promise<{ id: string; secret: string }> {
  const row = {
    id: newWebhookId(),
    key_id: null,
    url: 'https://example.com/hooks',
    event_types: ['opportunity.detected'],
    filters: {},
    format: 'standard',
    min_interval_ms: 0,
    enabled: true,
    secret: newWebhookSecret(),
    ...changes,
  }
  const names = Object.keys(row)
  await pool.query(
    `INSERT INTO webhook_endpoints (${names.join(', ')}) VALUES (${names.map((_, i) => `$${i + 1}`).join(', ')})`,
    Object.values(row).map((value) =>
      typeof value === 'object' && value !== null && !(value instanceof Date)
        ? JSON.stringify(value)
        : value,
    ),
  )
  return row
}

export async function startRoom() {
  const postgres = await startPostgresWithTables()
  let server = await startRedis()
  const { url, port } = server
  const redis = new Redis(url, { maxRetriesPerRequest: null })
  redis.on('error', () => {})
  const running: Alerts[] = []
  const connections: Redis[] = []
  const results: [AttemptResult, number | null][] = []
  const { pool } = postgres

  return {
    redis,
    redis_url: url,
    pool,
    postgres,
    /** what workers told of results */
    results,
    worker(changes: Partial<AlertsOptions> = {}): Alerts {
      const alerts = startAlerts({
        connect: (name) => {
          const connection = connectRedis(url, 'patient', name, silentLog)
          connections.push(connection)
          return connection
        },
        database_url: postgres.url,
        pool,
        worker_id: `worker-${running.length}`,
        clock: systemClock,
        log: silentLog,
        random: () => 0.5,
        egress: { allow_local: true, timeout_ms: 1_000 },
        dashboard_url: null,
        onDispatched: () => {},
        onResult: (result, latency_ms) => results.push([result, latency_ms]),
        ...changes,
      })
      running.push(alerts)
      return alerts
    },
    /** As the publisher does, happening now. */
    async publish({ type, data }: Draft, timestamp = new Date().toISOString()): Promise<string> {
      const fields = ['type', type, 'timestamp', timestamp, 'data', JSON.stringify(data)]
      return String(await redis.xadd(KEYS.events, '*', ...fields))
    },
    command(command: WebhookCommand) {
      return redis.xadd(KEYS.webhook_commands, '*', 'data', JSON.stringify(command))
    },
    endpoint: (changes: Parameters<typeof insertEndpoint>[1]) => insertEndpoint(pool, changes),
    async attempts(endpoint_id: string): Promise<AttemptRow[]> {
      const sql = 'SELECT * FROM webhook_attempts WHERE endpoint_id = $1 ORDER BY id'
      return (await pool.query<AttemptRow>(sql, [endpoint_id])).rows
    },
    /** Waits until the endpoint has so many attempts on record. */
    async recorded(endpoint_id: string, count: number): Promise<AttemptRow[]> {
      let rows: AttemptRow[] = []
      await vi.waitUntil(
        async () => {
          rows = await this.attempts(endpoint_id)
          return rows.length >= count
        },
        { timeout: 15_000, interval: 25 },
      )
      return rows
    },
    /** Redis is gone with everything in it, and comes back empty. */
    async restartRedis(away_ms = 0) {
      await server.stop()
      await new Promise((resolve) => setTimeout(resolve, away_ms))
      server = await startRedis({ port })
    },
    async stopWorkers() {
      await Promise.all(running.splice(0).map((alerts) => alerts.stop(2_000)))
      for (const connection of connections.splice(0)) connection.disconnect()
    },
    async stop() {
      await this.stopWorkers()
      redis.disconnect()
      await Promise.all([server.stop(), postgres.stop()])
    },
  }
}
export type Room = Awaited<ReturnType<typeof startRoom>>

export interface Received {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly at_ms: number
}

export type Behaviour = (response: ServerResponse, received: Received) => void

const ok: Behaviour = (response) => response.end('thanks')
export const status =
  (code: number, headers: Record<string, string> = {}): Behaviour =>
  (response) =>
    response.writeHead(code, headers).end(`said ${code}`)
export const hang: Behaviour = () => {}
export const reset: Behaviour = (response) => response.destroy()

/** Answers on loopback; each path behaves as it was told to, and well by default. */
export async function startReceiver() {
  const received: Received[] = []
  const behaviours = new Map<string, Behaviour>()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const path = request.url ?? ''
      const body = Buffer.concat(chunks).toString()
      const one = { path, headers: request.headers, body, at_ms: Date.now() }
      received.push(one)
      const behave = behaviours.get(path) ?? ok
      behave(response, one)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    forget(path: string) {
      for (let i = received.length - 1; i >= 0; i--) {
        if (received[i]?.path === path) received.splice(i, 1)
      }
    },
    at: (path: string) => received.filter((one) => one.path === path),
    behave: (path: string, behaviour: Behaviour) => behaviours.set(path, behaviour),
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
export type Receiver = Awaited<ReturnType<typeof startReceiver>>
