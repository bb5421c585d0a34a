/**
 * `node bench/failover.ts`: two workers under load while the leader is killed again and again, Redis
 * and PostgreSQL go away, and one ends in order. Figures go to standard output as JSON lines, a table
 * for people to standard error. Ends with 1 when anything was lost, doubled or left; no figure is
 * judged, machines differ.
 */
import { jsonLines, table } from './failover/report.ts'
import { runFailover } from './failover/run.ts'
import { numbers } from './numbers.ts'

const DEFAULTS = {
  kills: '20',
  'redis-down-seconds': '60',
  'postgres-down-seconds': '120',
  'redis-full-seconds': '10',
  symbols: '4',
  rate: '5',
  seed: '7',
}
const TEARS = 3

// a developer's own stores are not for this
process.env.REDIS_URL = ''
process.env.DATABASE_URL = ''

const number = numbers(DEFAULTS)

const result = await runFailover({
  seed: number('seed'),
  symbols: number('symbols'),
  rate: number('rate'),
  tears: TEARS,
  kills: number('kills'),
  redis_down_ms: number('redis-down-seconds') * 1_000,
  redis_full_ms: number('redis-full-seconds') * 1_000,
  postgres_down_ms: number('postgres-down-seconds') * 1_000,
  onPhase: (phase) => process.stderr.write(`failover bench: ${phase}\n`),
})
for (const line of jsonLines(result)) process.stdout.write(`${line}\n`)
process.stderr.write(`${table(result)}\n`)
process.exitCode = result.wrong.length + result.missed.length === 0 ? 0 : 1
