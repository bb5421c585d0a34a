/**
 * Whether a store answers, measured by a real round trip at a steady pace. Whoever asks gets the
 * last measurement at once, so that no endpoint ever waits for a store that is away.
 */
import type { Clock } from '../../shared/clock.ts'
import type { StoreHealth } from '../../shared/health.ts'
import { redactText } from '../../shared/redact.ts'

export interface Probe {
  readonly latest: () => StoreHealth
  /** Measures now. Never rejects. */
  readonly measure: () => Promise<StoreHealth>
}

const TIMEOUT_MS = 2_000

/** `attempt` resolves when the store did what the worker needs of it. */
export function createProbe(clock: Clock, attempt: () => Promise<unknown>): Probe {
  let latest: StoreHealth = { ok: false, latency_ms: null, error: 'not asked yet' }
  const measure = async (): Promise<StoreHealth> => {
    const started_ms = clock.monotonic_ms()
    try {
      await withTimeout(attempt())
      const latency_ms = Math.round((clock.monotonic_ms() - started_ms) * 100) / 100
      latest = { ok: true, latency_ms, error: null }
    } catch (error) {
      latest = { ok: false, latency_ms: null, error: redactText(messageOf(error)) }
    }
    return latest
  }
  return { latest: () => latest, measure }
}

function withTimeout(work: Promise<unknown>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`no answer within ${TIMEOUT_MS} ms`)),
      TIMEOUT_MS,
    )
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** A refused connection to two addresses is an AggregateError without words of its own. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}
