/**
 * `node bench/hostile.ts`: requests that nobody should send, against the edge in workerd alone: far too
 * large, far too slow, in one another's way, given up. Each must be refused in words or dropped, and a
 * caller beside them must be answered all the while. Figures go to standard output as JSON lines, a
 * table for people to standard error. Ends with 1 when an answer is not as expected or workerd is gone.
 * What stands in front of it at Cloudflare (limits of header and body, timeouts) is not here.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { sample } from '../edge/testing/opportunities.ts'
import { setLive, startStores } from '../edge/testing/stack.ts'
import { residentBytes } from './edge/process.ts'
import { startWorkerd } from './edge/workerd.ts'
import { ATTACKS } from './hostile/attacks.ts'
import { HealthyCaller } from './hostile/healthy.ts'

const ADMIN_TOKEN = 'the-token-of-the-bench'
const ALONE_MS = 5_000
/** or there are too few healthy answers to speak of */
const LOOK_AT_LEAST_MS = 2_000

const say = (text: string) => process.stderr.write(`${text}\n`)
const print = (figures: object) =>
  process.stdout.write(`${JSON.stringify({ bench: 'hostile', ...figures })}\n`)
const row = (...cells: readonly string[]) =>
  say(cells.map((cell, i) => (i === 0 ? cell.padEnd(34) : cell.padStart(14))).join(''))

const stores = await startStores()
await setLive(stores.redis, sample(10, 1))
const quotas = { ANONYMOUS_REQUESTS: '1000000', ANONYMOUS_STREAMS: '10000', ADMIN_TOKEN }
const workerd = await startWorkerd({ ...stores.vars, ...quotas })
try {
  const target = { port: Number(new URL(workerd.url).port), admin_token: ADMIN_TOKEN }
  const healthy = new HealthyCaller(target.port)
  row('', 'healthy p50', 'p99', 'failed', 'workerd RSS', 'answers')
  const tell = async (what: string, answers: string) => {
    const { p50_ms, p99_ms, failed } = healthy.since()
    const rss_mb = (await residentBytes(workerd.pid)) / 1e6
    print({ what, healthy_p50_ms: p50_ms, healthy_p99_ms: p99_ms, failed, rss_mb, answers })
    const figures = [`${p50_ms.toFixed(1)} ms`, `${p99_ms.toFixed(1)} ms`, String(failed)]
    row(what, ...figures, `${rss_mb.toFixed(0)} MB`, `  ${answers}`)
    if (failed > 0) process.exitCode = 1
  }
  await sleep(ALONE_MS)
  await tell('nobody', '')
  for (const { what, attack, expected } of ATTACKS) {
    const [answers] = await Promise.all([attack(target), sleep(LOOK_AT_LEAST_MS)])
    const is_expected = expected.test(answers)
    await tell(what, is_expected ? answers : `${answers}, expected ${expected.source}`)
    if (!is_expected) process.exitCode = 1
  }
  healthy.stop()
} finally {
  await workerd.stop()
  await stores.stop()
}
