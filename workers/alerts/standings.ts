/**
 * How endpoints stand: since when each has done nothing but fail. The moment is kept in memory and
 * written to PostgreSQL when it changes, at most once a second; while PostgreSQL is away it waits.
 * After five days of nothing but failures it asks for the endpoint to be switched off, and again
 * every hour, because whether that is fair only the recorded attempts can tell (disable.ts).
 */
import type { Pool } from 'pg'
import type { Clock } from '../../shared/clock.ts'
import { timestamp } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import type { Endpoint } from './endpoint.ts'

export interface StandingsOptions {
  readonly pool: Pool
  readonly clock: Clock
  readonly log: Log
  /** it has failed for so long that it should be switched off */
  readonly onHopeless: (endpoint: Endpoint) => Promise<void>
  readonly write_every_ms?: number
}

export interface Standings {
  succeeded(endpoint: Endpoint): void
  failed(endpoint: Endpoint): Promise<void>
  stop(): Promise<void>
}

export const HOPELESS_AFTER_MS = 5 * 86_400_000
const ASK_EVERY_MS = 3_600_000
const WRITE_EVERY_MS = 1_000

const UPDATE = `
  UPDATE webhook_endpoints AS e SET failing_since = v.failing_since
  FROM json_to_recordset($1) AS v(id text, failing_since timestamptz)
  WHERE e.id = v.id AND e.failing_since IS DISTINCT FROM v.failing_since`

export function createStandings({
  pool,
  clock,
  log,
  onHopeless,
  write_every_ms = WRITE_EVERY_MS,
}: StandingsOptions): Standings {
  /** what PostgreSQL has not been told yet; for all others the endpoint's own row is right */
  const changed = new Map<string, number | null>()
  const asked = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()
  let stopped = false

  const failingSince = ({ id, failing_since }: Endpoint) => {
    const change = changed.get(id)
    return change === undefined ? failing_since : change
  }
  const write = async (): Promise<void> => {
    const rows = [...changed].map(([id, since_ms]) => ({
      id,
      failing_since: since_ms === null ? null : timestamp(since_ms),
      since_ms,
    }))
    try {
      await pool.query(UPDATE, [JSON.stringify(rows)])
      for (const { id, since_ms } of rows) if (changed.get(id) === since_ms) changed.delete(id)
    } catch (error) {
      log.debug('how endpoints stand was not written', { error })
    }
  }
  const change = (id: string, since_ms: number | null): void => {
    changed.set(id, since_ms)
    plan()
  }
  const plan = (): void => {
    if (timer !== undefined || stopped) return
    timer = setTimeout(() => {
      writing = write().finally(() => {
        timer = undefined
        if (changed.size > 0) plan()
      })
    }, write_every_ms)
    timer.unref()
  }

  return {
    succeeded(endpoint) {
      asked.delete(endpoint.id)
      if (failingSince(endpoint) !== null) change(endpoint.id, null)
    },
    async failed(endpoint) {
      const now_ms = clock.wall_ms()
      const since_ms = failingSince(endpoint)
      if (since_ms === null) return change(endpoint.id, now_ms)
      if (now_ms - since_ms < HOPELESS_AFTER_MS) return
      const asked_ms = asked.get(endpoint.id) ?? Number.NEGATIVE_INFINITY
      if (now_ms - asked_ms < ASK_EVERY_MS) return
      asked.set(endpoint.id, now_ms)
      await onHopeless(endpoint)
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      await writing
      if (changed.size > 0) await write()
    },
  }
}
