/**
 * The event stream under many readers: how long an event takes to the last of them, what Redis and
 * memory pay, and whether anybody who is cut off again and again loses or repeats one.
 */
import type { Redis } from 'ioredis'
import { opportunity } from '../../edge/testing/opportunities.ts'
import { publish } from '../../edge/testing/stack.ts'
import { residentBytes } from './process.ts'
import { StreamReader } from './readers.ts'
import type { Workerd } from './workerd.ts'

export interface Fanout {
  readonly readers: number
  readonly events: number
  readonly to_last_p50_ms: number
  readonly to_last_p99_ms: number
  readonly redis_commands_per_second: number
  readonly kb_per_reader: number
}

export interface Reconnects {
  readonly readers: number
  readonly events: number
  readonly reconnects: number
  readonly lost: number
  readonly repeated: number
}

const ARRIVES_WITHIN_MS = 30_000
const CONNECT_AT_ONCE = 50
const STALLED_MS = 10_000
const CUTTERS = 20
const BATCH = 10
const BATCH_EVERY_MS = 50
const OURS = ['eval', 'evalsha', 'xadd', 'publish', 'info']

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** One event; with a multiple of its usual legs it is as much larger. */
export function send(redis: Redis, sequence: number, legs_factor = 1): Promise<string> {
  const { legs } = opportunity()
  const many = Array.from({ length: legs_factor }, () => legs).flat()
  const data = opportunity({ id: `opp_bench${sequence}`, legs: many })
  return publish(redis, { type: 'opportunity.detected', timestamp: data.detected_at, data })
}

export async function fanout(
  { url, pid }: Workerd,
  redis: Redis,
  count: number,
  events: number,
): Promise<Fanout> {
  const port = Number(new URL(url).port)
  const arrived = new Int32Array(events)
  const last_ms = new Float64Array(events)
  const onEvent = (sequence: number) => {
    arrived[sequence] = (arrived[sequence] ?? 0) + 1
    last_ms[sequence] = performance.now()
  }
  // a reader of its own keeps the hub awake while memory is looked at
  const first = new StreamReader(port, () => {})
  await first.open()
  const before = await residentBytes(pid)
  const readers = Array.from({ length: count }, () => new StreamReader(port, onEvent))
  for (let i = 0; i < count; i += CONNECT_AT_ONCE) {
    await Promise.all(readers.slice(i, i + CONNECT_AT_ONCE).map((reader) => reader.open()))
  }
  const [asked, began_ms] = [await commands(redis), performance.now()]
  const took_ms: number[] = []
  for (let i = 0; i < events; i++) {
    const sent_ms = performance.now()
    await send(redis, i)
    const deadline_ms = sent_ms + ARRIVES_WITHIN_MS
    while (arrived[i] !== count && performance.now() < deadline_ms) await sleep(1)
    took_ms.push(arrived[i] === count ? (last_ms[i] ?? 0) - sent_ms : Number.POSITIVE_INFINITY)
    await sleep(20)
  }
  const elapsed_s = (performance.now() - began_ms) / 1_000
  const of_hub = (await commands(redis)) - asked
  const after = await residentBytes(pid)
  for (const reader of [first, ...readers]) reader.close()
  took_ms.sort((a, b) => a - b)
  return {
    readers: count,
    events,
    to_last_p50_ms: took_ms[Math.floor(events * 0.5)] ?? Number.NaN,
    to_last_p99_ms: took_ms[Math.floor(events * 0.99)] ?? Number.NaN,
    redis_commands_per_second: of_hub / elapsed_s,
    kb_per_reader: (after - before) / 1_024 / count,
  }
}

export async function reconnects(
  { url }: Workerd,
  redis: Redis,
  count: number,
  events: number,
): Promise<Reconnects> {
  const port = Number(new URL(url).port)
  const readers = Array.from({ length: count }, () => new StreamReader(port, () => {}))
  for (let i = 0; i < count; i += CONNECT_AT_ONCE) {
    await Promise.all(readers.slice(i, i + CONNECT_AT_ONCE).map((reader) => reader.open()))
  }
  let publishing = true
  let cuts = 0
  const cutting = Array.from({ length: CUTTERS }, async (_, first) => {
    while (publishing) {
      // each has readers of its own, so that nobody is cut off twice at a time
      const reader = readers[first + CUTTERS * Math.floor(Math.random() * (count / CUTTERS))]
      reader?.close()
      await sleep(2)
      await reader?.open()
      cuts++
    }
  })
  for (let i = 0; i < events; i += BATCH) {
    await Promise.all(Array.from({ length: BATCH }, (_, k) => send(redis, i + k)))
    await sleep(BATCH_EVERY_MS)
  }
  publishing = false
  await Promise.all(cutting)
  const total = () => readers.reduce((sum, { seen }) => sum + seen.length, 0)
  // on a busy machine the last readers take long: they are waited for while anything still comes
  for (let before = -1; total() > before && total() < count * events; ) {
    before = total()
    await sleep(STALLED_MS)
  }
  for (const reader of readers) reader.close()
  const kept = readers.map(({ seen }) => ({ all: seen.length, different: new Set(seen).size }))
  return {
    readers: count,
    events,
    reconnects: cuts,
    lost: kept.reduce((sum, { different }) => sum + events - different, 0),
    repeated: kept.reduce((sum, { all, different }) => sum + all - different, 0),
  }
}

/** Commands so far, without those of the publisher and of this question. */
async function commands(redis: Redis): Promise<number> {
  const all = (await redis.info('commandstats')).matchAll(/cmdstat_(\S+?):calls=(\d+)/g)
  return [...all]
    .filter(([, name = '']) => !OURS.includes(name))
    .reduce((sum, [, , calls]) => sum + Number(calls), 0)
}
