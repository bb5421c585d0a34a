/**
 * The edge app in workerd beside a Redis and a PostgreSQL that run already, with the gateways that
 * its clients need in front of them: one process for a container (compose.yaml). It starts no store
 * and no worker. REDIS_URL and DATABASE_URL say where they are, EDGE_PORT where it listens.
 */
import { randomBytes } from 'node:crypto'
import { givenEdgeVariables, startEdge } from './edge.ts'
import { variable } from './environment.ts'
import { reasonOf, SetupError } from './failure.ts'
import { startNeonGateway } from './neon.ts'
import { Stops } from './stops.ts'
import { startUpstashGateway } from './upstash.ts'

const PORT = '8787'
/** In a container all addresses are the container's own. */
const EVERYWHERE = '0.0.0.0'

function required(name: string): string {
  const value = variable(name)
  if (value === undefined) throw new SetupError(`${name} is not set`)
  return value
}

async function main(stops: Stops): Promise<void> {
  const redis_url = required('REDIS_URL')
  const database_url = required('DATABASE_URL')
  const port = Number(variable('EDGE_PORT') ?? PORT)
  const token = randomBytes(24).toString('base64url')
  const upstash = await startUpstashGateway({ redis_url, token })
  stops.add('gateways', () => upstash.close())
  const neon = await startNeonGateway({ database_url })
  stops.add('gateways', () => neon.close())
  const edge = await startEdge({
    port,
    host: EVERYWHERE,
    vars: {
      ...givenEdgeVariables(),
      UPSTASH_REDIS_REST_URL: upstash.url,
      UPSTASH_REDIS_REST_TOKEN: token,
      DATABASE_URL: database_url,
      NEON_FETCH_ENDPOINT: `${neon.url}/sql`,
    },
    on_line: (line) => process.stdout.write(`${line}\n`),
  })
  stops.add('servers', () => edge.stop())
  process.stdout.write(`ready ${edge.url}\n`)
}

const stops = new Stops()
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void stops.run().finally(() => process.exit(0)))
}
try {
  await main(stops)
} catch (error) {
  process.stderr.write(`${reasonOf(error)}\n`)
  await stops.run()
  process.exit(1)
}
