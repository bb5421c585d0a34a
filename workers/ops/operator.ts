/**
 * Whether a request is the operator's: it carries the operator's token, as `Authorization: Bearer …` or,
 * for browsers, as the password of HTTP Basic with any name. Guessing is refused by address.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { addressBehind } from '../../shared/address.ts'
import { Attempts } from '../../shared/attempts.ts'
import type { Clock } from '../../shared/clock.ts'

export type Refused =
  | { readonly kind: 'unauthorized' }
  | { readonly kind: 'rate_limited'; readonly wait_s: number }

export class Operator {
  private readonly expected: Buffer
  private readonly attempts: Attempts

  constructor(admin_token: string, clock: Clock) {
    this.expected = digest(admin_token)
    this.attempts = new Attempts(clock)
  }

  /** Null: it is the operator. A request without any token is refused and counts as no guess. */
  refuses(request: IncomingMessage): Refused | null {
    const address = addressOf(request)
    const wait_s = this.attempts.wait_s(address)
    if (wait_s !== null) return { kind: 'rate_limited', wait_s }
    const { authorization } = request.headers
    const token = tokenOf(authorization ?? '')
    if (timingSafeEqual(digest(token), this.expected)) return null
    if (authorization !== undefined) this.attempts.count(address)
    return { kind: 'unauthorized' }
  }
}

/** Empty when there is none. */
function tokenOf(authorization: string): string {
  const [, scheme = '', value = ''] = /^(bearer|basic) +(\S+) *$/i.exec(authorization) ?? []
  if (scheme.toLowerCase() !== 'basic') return value
  const pair = Buffer.from(value, 'base64').toString('utf8')
  return pair.includes(':') ? pair.slice(pair.indexOf(':') + 1) : ''
}

/** Of equal length whatever was sent, so that the comparison takes always the same time. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function addressOf({ socket, headers }: IncomingMessage): string {
  return addressBehind(socket.remoteAddress ?? 'unknown', (name) => {
    const value = headers[name]
    return Array.isArray(value) ? value.at(-1) : value
  })
}
