/**
 * `node bench/edge.ts [requests] [fanout] [reconnects]`: the API in workerd alone, all of it or only
 * what is named. Requests per second against hello as JSON in the same workerd, and the event stream
 * under many readers. Figures go to standard output as JSON lines, a table for people to standard
 * error. Ends with 1 when a reader lost or repeated an event.
 */
import { parseArgs } from 'node:util'
import { expired, heartbeat, sample } from '../edge/testing/opportunities.ts'
import { insertHistory, type Stores, setLive, startStores } from '../edge/testing/stack.ts'
import { workerKey } from '../shared/keys.ts'
import { HOT_LIST, pageRates } from './edge/pages.ts'
import { fanout, reconnects } from './edge/stream.ts'
import { startWorkerd, type Workerd } from './edge/workerd.ts'

const HOT_LIST_GOAL = 0.7

const SECTIONS: Readonly<Record<string, (workerd: Workerd, stores: Stores) => Promise<void>>> = {
  async requests(workerd) {
    say(
      ['page', 'requests/s', 'p99', 'of hello', 'CPU µs', 'of hello']
        .map((cell) => cell.padStart(12))
        .join(''),
    )
    for (const rate of await pageRates(workerd)) {
      const { page, ...figures } = rate
      const { per_second, p99_ms, failed, ratio, cpu_us, cpu_ratio } = figures
      print({ what: page, ...figures, ...(page === HOT_LIST ? { goal: HOT_LIST_GOAL } : {}) })
      const speed = [per_second.toFixed(0), `${p99_ms.toFixed(1)} ms`, ratio.toFixed(2)]
      const cells = [page, ...speed, cpu_us.toFixed(0), cpu_ratio.toFixed(2)]
      const failures = failed > 0 ? `  ${failed} failed` : ''
      say(cells.map((cell) => cell.padStart(12)).join('') + failures)
    }
  },
  async fanout(workerd, { redis }) {
    const wide = await fanout(workerd, redis, 1_000, 100)
    print({ what: 'fanout', ...wide })
    say(
      `1,000 readers: publish → last reader p50 ${wide.to_last_p50_ms.toFixed(0)} ms, ` +
        `p99 ${wide.to_last_p99_ms.toFixed(0)} ms; ` +
        `${wide.redis_commands_per_second.toFixed(1)} Redis commands/s; ` +
        `${wide.kb_per_reader.toFixed(0)} kB a reader`,
    )
  },
  async reconnects(workerd, { redis }) {
    const cut = await reconnects(workerd, redis, 200, 10_000)
    print({ what: 'reconnects', ...cut })
    say(
      `200 readers that are cut off at random: ${cut.reconnects} reconnects, ` +
        `${cut.lost} events lost, ${cut.repeated} repeated`,
    )
    if (cut.lost + cut.repeated > 0) process.exitCode = 1
  },
}

const say = (text: string) => process.stderr.write(`${text}\n`)
const print = (figures: object) =>
  process.stdout.write(`${JSON.stringify({ bench: 'edge', ...figures })}\n`)

const { positionals } = parseArgs({ allowPositionals: true })
const unknown = positionals.filter((name) => !(name in SECTIONS))
if (unknown.length > 0) {
  throw new Error(`no section ${unknown.join(', ')}: ${Object.keys(SECTIONS).join(', ')}`)
}

const stores = await startStores()
await setLive(stores.redis, sample(10, 1))
await insertHistory(
  stores.pool,
  sample(2_000, 2).map((one) => ({ ...expired(one), status: 'expired' as const })),
)
const beat = () => stores.redis.set(workerKey('worker-1'), JSON.stringify(heartbeat()))
await beat()
const beating = setInterval(() => void beat(), 1_000)
// what is measured is the API, not the quota of one address
const quotas = { ANONYMOUS_REQUESTS: '1000000', ANONYMOUS_STREAMS: '10000' }
const workerd = await startWorkerd({ ...stores.vars, ...quotas })
try {
  for (const [name, run] of Object.entries(SECTIONS)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue
    say(`edge bench: ${name}`)
    await run(workerd, stores)
  }
} finally {
  clearInterval(beating)
  await workerd.stop()
  await stores.stop()
}
