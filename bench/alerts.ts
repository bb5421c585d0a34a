/**
 * `node bench/alerts.ts`: alerts from the event stream to their receivers, by the real worker, which
 * is killed five times meanwhile. 500 subscriptions, 200 events a second for a minute. Figures go to
 * standard output as JSON lines, a table for people to standard error. Ends with 1 when a receiver
 * that works did not get an event that it wants.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import pg from 'pg'
import { opportunity } from '../edge/testing/opportunities.ts'
import { publish } from '../edge/testing/stack.ts'
import { startPostgres } from '../sandbox/postgres.ts'
import { startRedis } from '../sandbox/redis.ts'
import { ENDPOINTS, insertEndpoints, SYMBOLS, symbolOf } from './alerts/endpoints.ts'
import { judge, type Outage, type Published, quantileOf, type Verdict } from './alerts/judge.ts'
import type { Receipt } from './alerts/receivers.ts'
import { MortalWorker } from './alerts/worker.ts'

const SECONDS = 60
const EVENTS_PER_SECOND = 200
const KILLS = 5
const TICK_MS = 5
const LATE_MS = 1_000
/** The new worker's code gets warm while nothing happens. */
const SETTLE_FIRST_MS = 3_000
/** Longer than an alert lives, and than a dead worker's jobs take to be free. */
const SETTLE_MS = 20_000
/** What was under way when the worker died, and what waited when the next one came. */
const BEFORE_KILL_MS = 1_000
const AFTER_START_MS = 1_500
const GOAL = { p50_ms: 50, p99_ms: 500 }

const say = (text: string) => process.stderr.write(`${text}\n`)
const print = (figures: object) =>
  process.stdout.write(`${JSON.stringify({ bench: 'alerts', ...figures })}\n`)
const now_ms = () => performance.timeOrigin + performance.now()

async function publishAll(redis: Redis): Promise<Map<string, Published>> {
  const published = new Map<string, Published>()
  const sending: Promise<void>[] = []
  const total = SECONDS * EVENTS_PER_SECOND
  const started_ms = now_ms()
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.ceil(((now_ms() - started_ms) * EVENTS_PER_SECOND) / 1_000))
    for (; sent < due; sent++) {
      // a step that is prime to the number of symbols: each comes equally often
      const symbol = (sent * 7) % SYMBOLS
      const at_ms = now_ms()
      const timestamp = new Date(at_ms).toISOString()
      const data = opportunity({ symbol: symbolOf(symbol), detected_at: timestamp })
      const draft = { type: 'opportunity.detected', timestamp, data } as const
      sending.push(publish(redis, draft).then((id) => void published.set(id, { at_ms, symbol })))
    }
    await delay(TICK_MS)
  }
  await Promise.all(sending)
  return published
}

async function killRepeatedly(worker: MortalWorker): Promise<Outage[]> {
  const outages: Outage[] = []
  const pause_ms = (SECONDS * 1_000) / (KILLS + 1)
  const started_ms = now_ms()
  for (let i = 1; i <= KILLS; i++) {
    await delay(Math.max(0, started_ms + i * pause_ms - now_ms()))
    const from_ms = now_ms() - BEFORE_KILL_MS
    await worker.killAndStart()
    outages.push({ from_ms, to_ms: now_ms() + AFTER_START_MS })
  }
  return outages
}

async function receiptsOf(receivers: ChildProcess): Promise<Receipt[]> {
  receivers.send('tell')
  const [receipts] = (await once(receivers, 'message')) as [Receipt[]]
  return receipts
}

/** What the worker recorded of endpoints, by result. */
async function recorded(database_url: string): Promise<Record<string, number>> {
  const client = new pg.Client({ connectionString: database_url })
  await client.connect()
  const sql = 'SELECT result, count(*)::int AS count FROM webhook_attempts GROUP BY result'
  const { rows } = await client.query<{ result: string; count: number }>(sql)
  await client.end()
  return Object.fromEntries(rows.map(({ result, count }) => [result, count]))
}

function report(verdict: Verdict, outages: readonly Outage[], results: Record<string, number>) {
  const { all, steady, expected, lost, duplicates } = verdict
  const late = all.filter((ms) => ms > LATE_MS).length
  const latency = {
    p50_ms: quantileOf(steady, 0.5),
    p99_ms: quantileOf(steady, 0.99),
    with_kills_p50_ms: quantileOf(all, 0.5),
    with_kills_p99_ms: quantileOf(all, 0.99),
    with_kills_max_ms: quantileOf(all, 1),
  }
  const outage_ms = outages.map(({ from_ms, to_ms }) => to_ms - from_ms)
  print({ ...latency, goal: GOAL, expected, lost, duplicates, late, attempts: results, outage_ms })
  const row = (name: string, text: string) => say(name.padEnd(34) + text.padStart(24))
  const ms = (value: number) => `${value.toFixed(0)} ms`
  row('event → receipt, p50 / p99', `${ms(latency.p50_ms)} / ${ms(latency.p99_ms)}`)
  row('goal', `${ms(GOAL.p50_ms)} / ${ms(GOAL.p99_ms)}`)
  const { with_kills_p50_ms, with_kills_p99_ms, with_kills_max_ms } = latency
  row('with the kills, p50 / p99', `${ms(with_kills_p50_ms)} / ${ms(with_kills_p99_ms)}`)
  row('longest', ms(with_kills_max_ms))
  row('alerts that had to arrive', String(expected))
  row('lost', String(lost))
  row('arrived twice', String(duplicates))
  row(`arrived after more than ${LATE_MS / 1_000} s`, String(late))
  for (const [result, count] of Object.entries(results)) row(`attempts: ${result}`, String(count))
  if (lost > 0) process.exitCode = 1
}

const folder = await mkdtemp(join(tmpdir(), 'spreadwire-alerts-'))
const redis_server = await startRedis()
const postgres = await startPostgres({ data_dir: join(folder, 'postgres'), durable: false })
const receivers = fork(join(import.meta.dirname, 'alerts', 'receivers.ts'), {
  serialization: 'advanced',
})
const redis = new Redis(redis_server.url)
const worker = new MortalWorker(redis_server.url, postgres.url)
try {
  say(`alerts bench: ${ENDPOINTS} subscriptions, ${EVENTS_PER_SECOND} events/s, ${KILLS} kills`)
  const [port] = await once(receivers, 'message')
  await worker.migrate()
  await insertEndpoints(postgres.url, `http://127.0.0.1:${port}`)
  await worker.start()
  await delay(SETTLE_FIRST_MS)
  const [published, outages] = await Promise.all([publishAll(redis), killRepeatedly(worker)])
  await delay(SETTLE_MS)
  const verdict = judge(published, await receiptsOf(receivers), outages)
  report(verdict, outages, await recorded(postgres.url))
} finally {
  receivers.disconnect()
  await worker.stop()
  redis.disconnect()
  await Promise.all([redis_server.stop(), postgres.stop()])
  await rm(folder, { recursive: true, force: true })
}
