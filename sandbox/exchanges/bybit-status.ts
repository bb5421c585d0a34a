/**
 * Bybit's announcement of maintenance: by REST `/v5/system/status`, and as topic `system.status` of
 * its own stream. One entry a maintenance; it stays in the list when it is over.
 * https://bybit-exchange.github.io/docs/v5/system-status
 */
import { systemClock } from '../../shared/clock.ts'
import type { Operations } from './operations.ts'
import { Publication } from './topic.ts'

export const SYSTEM_STATUS = 'system.status'
/** what the announcement says when the end is not known yet */
const EXPECTED_DURATION_MS = 3_600_000

interface Maintenance {
  readonly id: string
  readonly title: string
  state: 'ongoing' | 'completed'
  /** milliseconds, as text */
  readonly begin: string
  end: string
  readonly href: string
  /** trading, over HTTP, over WebSocket, private and market data streams */
  readonly serviceTypes: readonly number[]
  /** 2: spot */
  readonly product: readonly number[]
  readonly uidSuffix: readonly number[]
  /** 2: temporary */
  readonly maintainType: number
  readonly env: number
}

export class SystemStatus {
  readonly publication = new Publication(() => undefined)
  private readonly entries: Maintenance[] = []
  private readonly operations: Operations

  constructor(operations: Operations) {
    this.operations = operations
    operations.onChange(() => this.note())
  }

  /** newest first */
  get list(): readonly object[] {
    return this.entries
  }

  private note(): void {
    const [last] = this.entries
    const ongoing = last?.state === 'ongoing'
    if (ongoing === this.operations.maintenance) return
    const now_ms = Math.floor(systemClock.wall_ms())
    const entry =
      last !== undefined && ongoing ? over(last, now_ms) : begun(this.entries.length, now_ms)
    if (!ongoing) this.entries.unshift(entry)
    this.publication.publish(JSON.stringify({ topic: SYSTEM_STATUS, ts: now_ms, data: [entry] }))
  }
}

function begun(earlier: number, now_ms: number): Maintenance {
  return {
    id: `4d95b2a0-587f-11f0-bcc9-${earlier.toString(16).padStart(12, '0')}`,
    title: 'Spot maintenance',
    state: 'ongoing',
    begin: String(now_ms),
    end: String(now_ms + EXPECTED_DURATION_MS),
    href: '',
    serviceTypes: [1, 2, 3, 4, 5],
    product: [2],
    uidSuffix: [],
    maintainType: 2,
    env: 1,
  }
}

function over(entry: Maintenance, now_ms: number): Maintenance {
  entry.state = 'completed'
  entry.end = String(now_ms)
  return entry
}
