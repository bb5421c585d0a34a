/**
 * `node bench/edge.ts`: the API in workerd alone. Requests per second against hello as JSON in the
 * same workerd, and the event stream under many readers. Figures go to standard output as JSON lines,
 * a table for people to standard error. Ends with 1 when a reader lost or repeated an event.
 */
import { expired, heartbeat, sample } from '../edge/testing/opportunities.ts'
import { insertHistory, setLive, startStores } from '../edge/testing/stack.ts'
import { workerKey } from '../shared/keys.ts'
import { measure, type Rate } from './edge/requests.ts'
import { fanout, reconnects } from './edge/stream.ts'
import { startWorkerd } from './edge/workerd.ts'

const SECONDS = 4
const ROUNDS = 3
const GOAL = 0.7

const say = (text: string) => process.stderr.write(`${text}\n`)
const print = (figures: object) =>
  process.stdout.write(`${JSON.stringify({ bench: 'edge', ...figures })}\n`)

const stores = await startStores()
await setLive(stores.redis, sample(10, 1))
await insertHistory(
  stores.pool,
  sample(2_000, 2).map((one) => expired(one)),
)
const beat = () => stores.redis.set(workerKey('worker-1'), JSON.stringify(heartbeat()))
await beat()
const beating = setInterval(() => void beat(), 1_000)
// what is measured is the API, not the quota of one address
const quotas = { ANONYMOUS_REQUESTS: '1000000', ANONYMOUS_STREAMS: '10000' }
const workerd = await startWorkerd({ ...stores.vars, ...quotas })
try {
  say('edge bench: requests')
  const pages = [
    ['hello', workerd.hello_url, '/'],
    ['hot list', workerd.url, '/v1/opportunities'],
    ['history', workerd.url, '/v1/history?limit=20'],
    ['health', workerd.url, '/health'],
  ] as const
  const rounds = new Map<string, Rate[]>(pages.map(([name]) => [name, []]))
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, url, path] of pages) {
      const rate = await measure(url, path, round < 0 ? 1 : SECONDS)
      if (round >= 0) rounds.get(name)?.push(rate)
    }
  }
  const median = (name: string) =>
    rounds.get(name)?.toSorted((a, b) => a.per_second - b.per_second)[ROUNDS >> 1]
  const hello = median('hello')
  say(
    `${'page'.padEnd(12)}${'requests/s'.padStart(12)}${'p99'.padStart(12)}${'of hello'.padStart(12)}`,
  )
  for (const [name] of pages) {
    const rate = median(name)
    if (rate === undefined || hello === undefined) continue
    const ratio = rate.per_second / hello.per_second
    print({ what: name, ...rate, ratio, ...(name === 'hot list' ? { goal: GOAL } : {}) })
    const cells = [rate.per_second.toFixed(0), `${rate.p99_ms.toFixed(1)} ms`, ratio.toFixed(2)]
    const failed = rate.failed > 0 ? `  ${rate.failed} failed` : ''
    say(name.padEnd(12) + cells.map((cell) => cell.padStart(12)).join('') + failed)
  }
  say('edge bench: 1,000 readers of the stream')
  const wide = await fanout(workerd, stores.redis, 1_000, 100)
  print({ what: 'fanout', ...wide })
  say(
    `publish → last reader p50 ${wide.to_last_p50_ms.toFixed(0)} ms, p99 ${wide.to_last_p99_ms.toFixed(0)} ms; ` +
      `${wide.redis_commands_per_second.toFixed(1)} Redis commands/s; ${wide.kb_per_reader.toFixed(0)} kB a reader`,
  )
  say('edge bench: 200 readers that are cut off at random')
  const cut = await reconnects(workerd, stores.redis, 200, 10_000)
  print({ what: 'reconnects', ...cut })
  say(`${cut.reconnects} reconnects, ${cut.lost} events lost, ${cut.repeated} repeated`)
  if (cut.lost + cut.repeated > 0) process.exitCode = 1
} finally {
  clearInterval(beating)
  await workerd.stop()
  await stores.stop()
}
