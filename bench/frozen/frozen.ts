/**
 * Thousands of readers that never read, beside a few that do: what the healthy ones notice, what
 * workerd holds for the others, and what is left once the ring has passed them.
 */
import type { Redis } from 'ioredis'
import { openConnections, queuedBytes, residentBytes } from '../edge/process.ts'
import type { Workerd } from '../edge/workerd.ts'
import { leases, untilNoLease } from './caps.ts'
import { addressOf, FrozenReader } from './readers.ts'
import { type Delays, Tape } from './tape.ts'

export interface Frozen {
  readonly readers: number
  readonly full: number
  readonly refused: number
  readonly open_seconds: number
  readonly leases_most: number
  /** of the healthy readers, before there were others and beside them */
  readonly alone: Delays
  /** while the buffers of the frozen ones fill, and when they are full */
  readonly filling: Delays
  readonly beside: Delays
  readonly events: number
  /** pairs of an event and a healthy reader that did not meet, or met again */
  readonly lost: number
  readonly repeated: number
  readonly rss_before_mb: number
  readonly rss_opened_mb: number
  readonly rss_filled_mb: number
  readonly rss_most_mb: number
  readonly rss_after_mb: number
  readonly kb_a_reader_opened: number
  /** besides, of those whose windows are shut: in workerd, and in the system's own buffers */
  readonly kb_a_full_reader: number
  readonly kb_a_full_reader_system: number
  /** connections that workerd cut by itself: it cannot while an answer waits to be read */
  readonly cut: number
  readonly leases_after: number
  /** once the clients closed what was left */
  readonly leases_gone_ms: number | null
}

export interface FrozenOptions {
  readonly readers: number
  /** so many of them are sent everything until their windows shut; the others ask for little */
  readonly full: number
  /** of one address */
  readonly an_address: number
  readonly onPhase: (phase: string) => void
}

const HEALTHY = 5
const ALONE = { count: 200, per_second: 50 }
/** the system takes some megabytes for each before its window is shut; a few large events are quicker */
const FILL = { count: 150, legs_factor: 40 }
/** more than the ring keeps: whoever has not read by then is let go */
const PASS = { count: 4_300, per_second: 50 }
/** large events that workerd is asked to hand out a second, counted once a reader: it can do more */
const HANDED_PER_SECOND = 2_000
const OPEN_AT_ONCE = 100
/** after the last event: who is to be let go has been by then */
const SETTLE_MS = 15_000
const SAMPLE_EVERY_MS = 500

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export async function frozen(
  workerd: Workerd,
  redis: Redis,
  options: FrozenOptions,
): Promise<Frozen> {
  const { readers: count, full, onPhase } = options
  const port = Number(new URL(workerd.url).port)
  const tape = new Tape(redis, port, HEALTHY)
  await tape.open()
  onPhase('healthy readers alone')
  const alone = await tape.play(ALONE)
  const before = await residentBytes(workerd.pid)

  onPhase(`${count} readers open a stream and stop reading`)
  const began_ms = performance.now()
  const readers: FrozenReader[] = []
  while (readers.length < count) {
    const more = Math.min(OPEN_AT_ONCE, count - readers.length)
    const opening = Array.from({ length: more }, (_, i) =>
      openOne(port, readers.length + i, options),
    )
    readers.push(...(await Promise.all(opening)))
  }
  const open_seconds = (performance.now() - began_ms) / 1_000
  await sleep(SETTLE_MS)
  const [opened, leases_most] = [await residentBytes(workerd.pid), await leases(redis)]

  onPhase('their windows shut')
  let most = opened
  const sampling = setInterval(async () => {
    most = Math.max(most, await residentBytes(workerd.pid).catch(() => 0))
  }, SAMPLE_EVERY_MS)
  const filling = await tape.play({ ...FILL, per_second: HANDED_PER_SECOND / full })
  const filled = await residentBytes(workerd.pid)
  const kernel_bytes = await queuedBytes(port)
  onPhase(`${PASS.count} events pass them`)
  const beside = await tape.play(PASS)
  await sleep(SETTLE_MS)
  clearInterval(sampling)
  const [after, leases_after] = [await residentBytes(workerd.pid), await leases(redis)]
  // a socket that is not read does not notice its end
  const open = (await openConnections(port)) - HEALTHY
  for (const reader of readers) reader.close()
  tape.close()
  const leases_gone_ms = await untilNoLease(redis)
  return {
    readers: count,
    refused: readers.filter(({ status }) => status !== 200).length,
    open_seconds,
    leases_most,
    alone,
    filling,
    beside,
    events: ALONE.count + FILL.count + PASS.count,
    full,
    kb_a_full_reader_system: kernel_bytes / 1_024 / full,
    ...tape.missed(),
    rss_before_mb: before / 1e6,
    rss_opened_mb: opened / 1e6,
    rss_filled_mb: filled / 1e6,
    rss_most_mb: most / 1e6,
    rss_after_mb: after / 1e6,
    kb_a_reader_opened: (opened - before) / 1_024 / count,
    kb_a_full_reader: (filled - opened) / 1_024 / full,
    cut: count - open,
    leases_after,
    leases_gone_ms,
  }
}

function openOne(port: number, index: number, { full, an_address }: FrozenOptions) {
  const query = index < full ? '' : '?types=exchange.status'
  return FrozenReader.open(port, addressOf(index, an_address), query)
}
