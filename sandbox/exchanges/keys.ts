/**
 * The API keys of the sandbox, and the check that a request was signed with one: the signature, the
 * time it carries and the window in which it is good, as Binance and Bybit both define them.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { systemClock } from '../../shared/clock.ts'

interface SandboxKey {
  readonly id: string
  readonly secret: string
  /** it may trade and withdraw: nobody should give it to a program that only watches */
  readonly powerful: boolean
}

const KEYS: readonly SandboxKey[] = [
  { id: 'sandbox-reader', secret: 'sandbox-reader-secret', powerful: false },
  { id: 'sandbox-trader', secret: 'sandbox-trader-secret', powerful: true },
]

export interface SignedRequest {
  readonly key_id: string | undefined
  /** the text that is signed */
  readonly payload: string
  /** lower-case hex */
  readonly signature: string
  readonly timestamp: number
  readonly window_ms: number
}

export type Refusal = 'unknown key' | 'bad signature' | 'bad time'

/** "timestamp < serverTime + 1000 && serverTime - timestamp <= recvWindow" */
export function admit(request: SignedRequest): SandboxKey | Refusal {
  const key = KEYS.find(({ id }) => id === request.key_id)
  if (key === undefined) return 'unknown key'
  const expected = createHmac('sha256', key.secret).update(request.payload).digest()
  const given = Buffer.from(request.signature, 'hex')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return 'bad signature'
  const age_ms = systemClock.wall_ms() - request.timestamp
  return age_ms > -1_000 && age_ms <= request.window_ms ? key : 'bad time'
}
