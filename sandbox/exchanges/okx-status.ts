/**
 * OKX's announcement of maintenance: by REST, and on the `status` channel, which greets with the
 * latest change. One entry a maintenance; it stays in the list when it is over.
 * https://www.okx.com/docs-v5/en/#status-ws-status-channel
 */
import { systemClock } from '../../shared/clock.ts'
import type { Operations } from './operations.ts'
import { Publication } from './topic.ts'

/** what the announcement says when the end is not known yet */
const EXPECTED_DURATION_MS = 3_600_000
const TRADING_SERVICE = '5'

interface Maintenance {
  readonly title: string
  readonly state: 'ongoing' | 'completed'
  /** milliseconds, as text */
  readonly begin: string
  readonly end: string
  readonly serviceType: string
}

export class OkxStatus {
  readonly publication = new Publication(() => this.latest())
  private readonly operations: Operations
  private readonly past: Maintenance[] = []

  constructor(operations: Operations) {
    this.operations = operations
    operations.onChange(() => this.note())
  }

  /** newest first */
  get entries(): readonly object[] {
    return this.past.map((entry) => ({ ...entry, ...CONSTANT }))
  }

  private note(): void {
    const [last] = this.past
    const was = last?.state === 'ongoing'
    if (was === this.operations.maintenance) return
    const now_ms = Math.floor(systemClock.wall_ms())
    if (was) this.past[0] = { ...last, state: 'completed', end: String(now_ms) }
    else this.past.unshift(begun(now_ms))
    const frame = this.latest()
    if (frame !== undefined) this.publication.publish(frame)
  }

  private latest(): string | undefined {
    const [entry] = this.entries
    if (entry === undefined) return undefined
    const ts = String(Math.floor(systemClock.wall_ms()))
    return JSON.stringify({ arg: { channel: 'status' }, data: [{ ...entry, ts }] })
  }
}

const CONSTANT = {
  ...{ href: '', preOpenBegin: '', scheDesc: '', system: 'unified', maintType: '1', env: '1' },
}

function begun(now_ms: number): Maintenance {
  return {
    title: 'Trading service upgrade',
    state: 'ongoing',
    begin: String(now_ms),
    end: String(now_ms + EXPECTED_DURATION_MS),
    serviceType: TRADING_SERVICE,
  }
}
