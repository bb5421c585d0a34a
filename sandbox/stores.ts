/** Redis and PostgreSQL with their gateways, as the worker (TCP) and the edge (HTTP) reach them. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { environment, PROJECT_DIR } from './environment.ts'
import { SetupError } from './failure.ts'
import type { Journal } from './journal.ts'
import { startNeonGateway } from './neon.ts'
import { startPostgres } from './postgres.ts'
import { startRedis } from './redis.ts'
import { run } from './run.ts'
import type { Stops } from './stops.ts'
import { startUpstashGateway } from './upstash.ts'

export interface Store {
  /** what its users need, by the names of production */
  readonly worker_variables: Readonly<Record<string, string>>
  readonly edge_variables: Readonly<Record<string, string>>
  /** resolves when the server has ended */
  readonly ended: Promise<unknown>
}

export async function startRedisStore(
  data_dir: string,
  stops: Stops,
  journal: Journal,
): Promise<Store> {
  const redis = await startRedis({ data_dir: join(data_dir, 'redis') })
  stops.add('stores', redis.stop)
  journal.say('Redis is up')
  const token = randomBytes(24).toString('base64url')
  const gateway = await startUpstashGateway({ redis_url: redis.url, token })
  stops.add('gateways', () => gateway.close())
  return {
    worker_variables: { REDIS_URL: redis.url },
    edge_variables: { UPSTASH_REDIS_REST_URL: gateway.url, UPSTASH_REDIS_REST_TOKEN: token },
    ended: redis.ended,
  }
}

/** @throws SetupError also when the tables cannot be brought up to date */
export async function startPostgresStore(
  data_dir: string,
  stops: Stops,
  journal: Journal,
): Promise<Store> {
  const postgres = await startPostgres({ data_dir: join(data_dir, 'postgres') })
  stops.add('stores', postgres.stop)
  const DATABASE_URL = postgres.url
  const migrated = await run(process.execPath, [join(PROJECT_DIR, 'workers', 'migrate.ts')], {
    env: environment({ DATABASE_URL }),
  })
  if (!migrated.ok) throw new SetupError(`the tables could not be made:\n${migrated.output}`)
  journal.say('PostgreSQL is up, its tables are up to date')
  const gateway = await startNeonGateway({ database_url: DATABASE_URL })
  stops.add('gateways', () => gateway.close())
  return {
    worker_variables: { DATABASE_URL },
    edge_variables: { DATABASE_URL, NEON_FETCH_ENDPOINT: `${gateway.url}/sql` },
    ended: postgres.ended,
  }
}
