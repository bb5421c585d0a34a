/** The two stores as the backup tools reach them: each for one run, with words for the operator. */
import { Redis } from 'ioredis'
import { Client } from 'pg'
import type { StoreAddresses } from '../config.ts'
import { BackupError } from './file.ts'

export interface Stores {
  readonly redis: Redis
  readonly postgres: Client
}

const CONNECT_TIMEOUT_MS = 10_000

/**
 * Connects, hands the stores over, and closes them in any case.
 * @throws BackupError when one of them does not answer
 */
export async function withStores<T>(
  { redis_url, database_url }: StoreAddresses,
  work: (stores: Stores) => Promise<T>,
): Promise<T> {
  const redis = new Redis(redis_url, {
    connectionName: 'spreadwire-backup',
    family: 0,
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: () => null,
  })
  redis.on('error', () => {}) // the rejection says the same
  const postgres = new Client({
    connectionString: database_url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'spreadwire-backup',
  })
  postgres.on('error', () => {})
  try {
    await connect('Redis', () => redis.connect())
    await connect('PostgreSQL', () => postgres.connect())
    return await work({ redis, postgres })
  } finally {
    redis.disconnect()
    await postgres.end().catch(() => {})
  }
}

async function connect(store: string, open: () => Promise<unknown>): Promise<void> {
  try {
    await open()
  } catch (error) {
    throw new BackupError(`${store} does not answer: ${reasonOf(error)}`)
  }
}

/** Of a connection that was tried at several addresses, or our own. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}
