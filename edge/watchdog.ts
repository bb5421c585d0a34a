/**
 * Once a minute, from outside: does the worker still send heartbeats? An operator's address is told
 * when it stops, once, and when it is back. While Redis is away nothing can be said of the worker,
 * and nothing is. What was told is remembered only after it was accepted, so it is told at least once.
 */
import { type Clock, timestamp } from '../shared/clock.ts'
import { HEARTBEAT_DEAD_AFTER_MS } from '../shared/health.ts'
import type { Log } from '../shared/log.ts'
import { sign, signingKey } from '../shared/signature.ts'
import type { Live } from './store/live.ts'
import type { Memory, WorkerState } from './store/memory.ts'

export interface WatchdogOptions {
  readonly live: Pick<Live, 'heartbeat'>
  readonly memory: Memory
  readonly clock: Clock
  readonly log: Log
  /** who is told; undefined: the log alone */
  readonly alert_url: string | undefined
  /** whsec_…; undefined: messages are not signed */
  readonly alert_secret: string | undefined
}

const ANSWER_WITHIN_MS = 10_000

export async function watchWorker(options: WatchdogOptions): Promise<void> {
  const { live, memory, clock, log } = options
  const [beat, told] = await Promise.all([live.heartbeat(), memory.workerState()])
  if (!beat.ok || !told.ok) return log.error('the watchdog cannot see the worker: redis is away')
  const now_ms = clock.wall_ms()
  const sent_ms = beat.value === null ? null : Date.parse(beat.value.sent_at)
  const alive = sent_ms !== null && now_ms - sent_ms <= HEARTBEAT_DEAD_AFTER_MS
  // before anything was told, a living worker is no news
  const before = told.value ?? { state: 'alive', since: timestamp(now_ms) }
  const state = alive ? 'alive' : 'dead'
  if (before.state === state) return
  const news: WorkerState = { state, since: timestamp(now_ms) }
  const data = {
    worker_id: beat.value?.worker_id ?? null,
    heartbeat_age_ms: sent_ms === null ? null : Math.max(0, now_ms - sent_ms),
    before,
  }
  log.error(`the worker is ${state}`, data)
  const body = JSON.stringify({ type: `worker.${state}`, timestamp: news.since, data })
  if (!(await tell(options, news, body))) return
  await memory.setWorkerState(news)
}

/** Whether it may be remembered as told. */
async function tell(options: WatchdogOptions, news: WorkerState, body: string): Promise<boolean> {
  const { alert_url, alert_secret, clock, log } = options
  if (alert_url === undefined) return true
  const id = `worker_${news.state}_${Date.parse(news.since)}`
  const at = String(Math.floor(clock.wall_ms() / 1_000))
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': at,
  }
  if (alert_secret !== undefined) {
    const key = await signingKey(alert_secret)
    headers['webhook-signature'] = await sign(key, { id, timestamp: at, body })
  }
  try {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS)
    const request = { method: 'POST', headers, body, signal, redirect: 'manual' } as const
    const { ok, status } = await fetch(alert_url, request)
    if (!ok) log.error('the operator could not be told of the worker', { status })
    return ok
  } catch (error) {
    // the address may hold a token: only what went wrong is said
    log.error('the operator could not be told of the worker', { error: (error as Error).name })
    return false
  }
}
