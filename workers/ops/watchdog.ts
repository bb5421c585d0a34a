/**
 * Ends the process when it has stopped being of use and will not mend itself, so that the platform
 * starts a new one: every exchange silent, Redis away, or the event loop frozen, each for too long.
 * The first two are looked at here; a frozen loop cannot look, so a thread of its own does.
 * It heals nothing: whoever lost a connection tries again long before.
 */
import inspector from 'node:inspector'
import { Worker } from 'node:worker_threads'
import type { Clock } from '../../shared/clock.ts'
import type { ExchangeStatus, StoreHealth } from '../../shared/health.ts'
import type { Log, LogFields } from '../../shared/log.ts'
import { saysFull } from '../../shared/redis-full.ts'
import type { ThreadData } from './watchdog-thread.mjs'

export interface WatchdogLimits {
  /** one turn of the loop; no work of ours takes seconds */
  readonly frozen_ms: number
  /** far longer than a feed takes to drop a silent socket and open another */
  readonly silent_ms: number
  /** far longer than a failover takes: what waits in the outbox is lost with the process */
  readonly redis_away_ms: number
}

const LIMITS: WatchdogLimits = { frozen_ms: 15_000, silent_ms: 180_000, redis_away_ms: 300_000 }

/** So many looks at a frozen loop in its time. */
const LOOKS = 15
const EVERY_MS = 1_000
/** Looks so far apart mean that the whole process stood still: nothing could be heard meanwhile. */
const STOOD_STILL_MS = 10_000

export interface WatchdogOptions {
  readonly clock: Clock
  readonly log: Log
  readonly exchanges: () => readonly Pick<ExchangeStatus, 'state' | 'last_message_age_ms'>[]
  /** as the last write found it */
  readonly redis: () => Pick<StoreHealth, 'ok' | 'error'>
  /** logs why, and ends the process with code 1 */
  readonly giveUp: (why: string, fields: LogFields) => void
  /** where a frozen loop is told too; null: on standard output only */
  readonly error_log_file: string | null
  readonly limits?: Partial<WatchdogLimits>
}

/** The function it returns ends the watch. */
export function startWatchdog(options: WatchdogOptions): () => Promise<void> {
  const limits = { ...LIMITS, ...options.limits }
  const look = createLook(options, limits)
  const timer = setInterval(look, EVERY_MS)
  timer.unref()
  const stopThread = watchLoop(limits.frozen_ms, options)
  return async () => {
    clearInterval(timer)
    await stopThread()
  }
}

/** One look at the exchanges and at Redis; to be called about once a second. */
export function createLook(
  { clock, exchanges, redis, giveUp }: Omit<WatchdogOptions, 'log' | 'error_log_file'>,
  limits: WatchdogLimits,
): () => void {
  let looked_ms = clock.monotonic_ms()
  let heard_ms = looked_ms
  let redis_ms = looked_ms
  return () => {
    const now_ms = clock.monotonic_ms()
    const stood_still = now_ms - looked_ms > STOOD_STILL_MS
    looked_ms = now_ms
    const age_ms = stood_still ? 0 : youngest(exchanges())
    heard_ms = Math.max(heard_ms, now_ms - age_ms)
    if (stood_still || isThere(redis())) redis_ms = now_ms
    const silent_ms = Math.round(now_ms - heard_ms)
    const redis_away_ms = Math.round(now_ms - redis_ms)
    if (silent_ms > limits.silent_ms) giveUp('every exchange is silent: exiting', { silent_ms })
    else if (redis_away_ms > limits.redis_away_ms) {
      giveUp('redis is away for too long: exiting', { redis_away_ms })
    }
  }
}

/** A full Redis is there: the next process would find it as full, and what waits here would be lost. */
function isThere({ ok, error }: ReturnType<WatchdogOptions['redis']>): boolean {
  return ok || saysFull(error ?? '')
}

/** Age of the newest frame, ms. One in maintenance, or that refuses us, owes none: 0 if none does. */
function youngest(statuses: ReturnType<WatchdogOptions['exchanges']>): number {
  const owing = statuses.filter(({ state }) => state !== 'maintenance' && state !== 'blocked')
  if (statuses.length > 0 && owing.length === 0) return 0
  return Math.min(
    Number.POSITIVE_INFINITY,
    ...owing.map(({ last_message_age_ms }) => last_message_age_ms ?? Number.POSITIVE_INFINITY),
  )
}

function watchLoop(
  frozen_ms: number,
  { log, error_log_file }: WatchdogOptions,
): () => Promise<unknown> {
  // who debugs this process holds its loop on purpose
  if (inspector.url() !== undefined) return async () => {}
  const beats = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const every_ms = frozen_ms / LOOKS
  const workerData: ThreadData = { beats, every_ms, looks: LOOKS, error_log_file }
  const thread = new Worker(new URL('./watchdog-thread.mjs', import.meta.url), {
    workerData,
    // it reads no setting, and needs no memory
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
  })
  thread.unref()
  thread.on('error', (error) => log.error('nobody watches the event loop any more', { error }))
  const beat = setInterval(() => Atomics.add(beats, 0, 1), every_ms)
  beat.unref()
  return () => {
    clearInterval(beat)
    return thread.terminate()
  }
}
