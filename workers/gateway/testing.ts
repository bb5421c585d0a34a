/** Gateways on one Redis and one PostgreSQL, and real clients, for tests. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Redis } from 'ioredis'
import { io, type Socket } from 'socket.io-client'
import { startRedis } from '../../sandbox/redis.ts'
import { borrowDatabase } from '../../sandbox/testing-shared.ts'
import { mintKey } from '../../shared/api-key.ts'
import { systemClock } from '../../shared/clock.ts'
import type { Draft, Event } from '../../shared/event.ts'
import { KEYS } from '../../shared/keys.ts'
import { silentLog } from '../../shared/log.ts'
import type { Opportunity } from '../../shared/opportunity.ts'
import type { Problem } from '../../shared/problem.ts'
import { connectPostgres } from '../ops/postgres.ts'
import { connectRedis } from '../publish/redis.ts'
import { opportunity } from '../publish/testing.ts'
import { Gateway, type GatewayOptions } from './gateway.ts'

export type Stores = Awaited<ReturnType<typeof startStores>>

export async function startStores() {
  const server = await startRedis()
  const database = await borrowDatabase('migrated')
  const redis = connectRedis(server.url, 'patient', 'test', silentLog)
  const pool = connectPostgres(database.url, silentLog)
  return {
    redis,
    pool,
    redis_url: server.url,
    async stop() {
      redis.disconnect()
      await pool.end()
      await server.stop()
      await database.drop()
    },
  }
}

/** A worker's gateway on a port of its own. */
export async function startGateway(
  stores: Stores,
  { port: wanted = 0, ...changes }: Partial<GatewayOptions> & { port?: number } = {},
) {
  const http = createServer((_, response) => response.end('beside'))
  http.listen(wanted, '127.0.0.1')
  await once(http, 'listening')
  const redis = connectRedis(stores.redis_url, 'command', 'gateway-test', silentLog)
  await once(redis, 'ready')
  const limits = { public_read: true, anonymous_streams: 10_000, key_streams: 20 }
  const gateway = new Gateway({
    ...{ http, redis, limits, redis_url: stores.redis_url, pool: stores.pool },
    ...{ clock: systemClock, log: silentLog },
    ...changes,
  })
  const { port } = http.address() as AddressInfo
  return {
    gateway,
    port,
    url: `http://127.0.0.1:${port}`,
    async stop() {
      await gateway.close()
      redis.disconnect()
      http.closeAllConnections()
      http.close()
    },
  }
}
export type Running = Awaited<ReturnType<typeof startGateway>>

/** A client that keeps what it saw, in order. */
export class Client {
  readonly socket: Socket
  readonly events: Event[] = []
  readonly resets: { id: string; data: Opportunity[] }[] = []
  readonly problems: Problem[] = []
  readonly ends: string[] = []
  /** where it stands: what it would resume from */
  position: string | null = null

  constructor(url: string, auth: object = {}, options: object = {}) {
    this.socket = io(url, {
      transports: ['websocket'],
      reconnection: false,
      auth,
      forceNew: true,
      ...options,
    })
    this.socket.onAny((name: string, payload: Event & Problem & { data: Opportunity[] }) => {
      if (name === 'problem') this.problems.push(payload)
      else this.position = payload.id
      if (name === 'reset') this.resets.push(payload)
      if (payload.type === name) this.events.push(payload)
    })
    this.socket.on('disconnect', (reason) => this.ends.push(reason))
  }

  /** @throws the refusal */
  connected(): Promise<this> {
    return new Promise((resolve, reject) => {
      this.socket.once('subscribed', () => resolve(this))
      this.socket.once('connect_error', reject)
    })
  }

  ids(): string[] {
    return this.events.map(({ id }) => id)
  }

  leave(): void {
    this.socket.disconnect()
  }
}

/** What the gateway says to a handshake that it refuses. */
export async function refusal(url: string, auth: object): Promise<Problem> {
  const client = new Client(url, auth)
  try {
    await client.connected()
  } catch (error) {
    return (error as Error & { data: Problem }).data
  } finally {
    client.leave()
  }
  throw new Error('it was let in')
}

export async function addKey(
  { pool }: Stores,
  changes: { scopes?: string[]; streams?: number } = {},
): Promise<{ id: string; token: string }> {
  const { id, key, prefix, hash } = await mintKey()
  const { scopes = ['read'], streams = null } = changes
  await pool.query(
    'INSERT INTO api_keys (id, name, prefix, hash, scopes, streams) VALUES ($1, $2, $3, $4, $5, $6)',
    [id, 'a key', prefix, hash, JSON.stringify(scopes), streams],
  )
  return { id, token: key }
}

let count = 0

/** An event of the stream, as a worker publishes it. */
export function publish(redis: Redis, changes: Partial<Opportunity> = {}): Promise<string> {
  const data = opportunity(String(count++).padStart(26, '0'), changes)
  return add(redis, { type: 'opportunity.detected', timestamp: data.detected_at, data })
}

export async function add(redis: Redis, { type, timestamp, data }: Draft): Promise<string> {
  const fields = ['type', type, 'timestamp', timestamp, 'data', JSON.stringify(data)]
  return String(await redis.xadd(KEYS.events, '*', ...fields))
}
