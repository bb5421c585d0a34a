/**
 * Waits until the whole path works: the edge answers /health, it sees a living worker, and every
 * exchange of the worker has live books. While it waits it says from time to time what is missing.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../shared/clock.ts'
import { EdgeHealth } from '../shared/health.ts'
import { reasonOf, SetupError } from './failure.ts'
import type { Journal } from './journal.ts'

const POLL_MS = 250
const REPORT_EVERY_MS = 10_000
const REQUEST_TIMEOUT_MS = 5_000
/** Nothing here can change that an exchange is closed to us, and the others are worth having. */
const REFUSED = new Set(['blocked', 'maintenance'])

export interface ReadinessOptions {
  readonly edge_url: string
  /** the exchanges that must be live; undefined: real ones, all that do not refuse us */
  readonly exchange_ids: readonly string[] | undefined
  /** undefined: the world outside may take its time */
  readonly within_ms: number | undefined
  readonly journal: Journal
  readonly signal: AbortSignal
}

/** @throws SetupError that says what is missing when time is up; the signal's reason when aborted */
export async function waitUntilReady(options: ReadinessOptions): Promise<void> {
  const { within_ms, journal, signal } = options
  const started_ms = systemClock.monotonic_ms()
  let reported_ms = started_ms
  for (;;) {
    const missing = await whatIsMissing(options)
    signal.throwIfAborted()
    if (missing === undefined) return
    const now_ms = systemClock.monotonic_ms()
    if (within_ms !== undefined && now_ms - started_ms > within_ms) {
      throw new SetupError(`not ready after ${within_ms / 1_000} s: ${missing}`)
    }
    if (now_ms - reported_ms > REPORT_EVERY_MS) {
      reported_ms = now_ms
      journal.say(`still waiting: ${missing}`)
    }
    await delay(POLL_MS)
  }
}

async function whatIsMissing(options: ReadinessOptions): Promise<string | undefined> {
  try {
    const response = await fetch(`${options.edge_url}/health`, {
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    })
    const health = EdgeHealth.safeParse(await response.json())
    if (health.success) return missingIn(health.data, options.exchange_ids)
    return `the edge answers ${response.status} without the worker's health`
  } catch (error) {
    return `the edge does not answer (${reasonOf(error)})`
  }
}

function missingIn(
  { worker, exchanges }: EdgeHealth,
  exchange_ids: readonly string[] | undefined,
): string | undefined {
  if (!worker.alive) return 'the worker has not reported yet'
  const needed =
    exchange_ids ?? Object.keys(exchanges).filter((id) => !REFUSED.has(exchanges[id]?.state ?? ''))
  if (needed.length === 0) return 'no exchange can be reached'
  const missing = needed.filter((id) => (exchanges[id]?.books_live ?? 0) === 0)
  if (missing.length === 0) return undefined
  const reasons = missing.map((id) => {
    const exchange = exchanges[id]
    return `${id} has no live book (${exchange?.reason ?? exchange?.state ?? 'not reported yet'})`
  })
  return reasons.join('; ')
}
