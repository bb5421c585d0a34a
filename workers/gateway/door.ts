/**
 * Who may open a socket, and how many: a key with the scope read, or anybody where reading is public.
 * Guessing is refused by address. A refusal says what is wrong and never repeats a token.
 */
import type { Redis } from 'ioredis'
import type { Pool } from 'pg'
import { addressBehind } from '../../shared/address.ts'
import { Attempts } from '../../shared/attempts.ts'
import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import { type Problem, type ProblemType, problem } from '../../shared/problem.ts'
import { LEASE_MS } from '../../shared/stream-lease.ts'
import type { Caller, Connection } from './connection.ts'
import { Keys } from './keys.ts'
import { Leases } from './leases.ts'
import { Handshake, PATH, read } from './wish.ts'

export interface DoorOptions {
  readonly redis: Redis
  readonly pool: Pool
  readonly clock: Clock
  readonly log: Log
  /** unique among all that hold streams */
  readonly holder: string
  readonly limits: SocketLimits
  /** makes sure that the stream is followed */
  readonly follow: () => Promise<void>
}

interface SocketLimits {
  /** whether reading needs no key */
  readonly public_read: boolean
  /** open streams of each address without a key, and of each key without a limit of its own */
  readonly anonymous_streams: number
  readonly key_streams: number
}

/** So many sockets cost more than the detection beside them can spare. */
const SOCKETS_MAX = 5_000
const START_WITHIN_MS = 3_000

export class Door {
  private readonly options: DoorOptions
  private readonly keys: Keys
  private readonly leases: Leases
  private readonly attempts: Attempts
  /** open sockets of each key */
  private readonly open = new Map<string, number>()
  private sockets = 0
  private is_closed = false

  constructor(options: DoorOptions) {
    const { pool, clock, log } = options
    this.options = options
    this.keys = new Keys(pool, clock, log)
    this.leases = new Leases(options)
    this.attempts = new Attempts(clock)
  }

  /** Null: it may come in, and its `data` says as whom. Its place is kept until its connection ends. */
  async admit(socket: Connection): Promise<Problem | null> {
    if (this.is_closed) return refuse('unavailable', 'this worker is shutting down; try again')
    if (this.sockets >= SOCKETS_MAX) return refuse('unavailable', 'this worker is full; try again')
    const asked = read(Handshake, socket.handshake.auth)
    if (!asked.ok) return asked.problem
    const { token, ...wish } = asked.value
    const caller = await this.callerOf(socket, token ?? null)
    if ('status' in caller) return caller
    if (!(await this.isFollowing())) return refuse('unavailable', 'redis: no answer; try again')
    const release = await this.leases.take(caller.id, caller.streams)
    if (release === null) {
      const detail = `streams: at most ${caller.streams} at once; close one, or try again in ${LEASE_MS / 1_000} s`
      return refuse('rate_limited', detail)
    }
    this.hold(socket, caller, release)
    socket.data.caller = caller
    socket.data.wish = wish
    return null
  }

  /** The keys of open sockets that may no longer read. */
  async ended(): Promise<readonly string[]> {
    const ids = [...this.open.keys()]
    return ids.length === 0 ? [] : this.keys.ended(ids)
  }

  close(): void {
    this.is_closed = true
  }

  /** Gives all places back. */
  settled(): Promise<void> {
    return this.leases.end()
  }

  private async callerOf(socket: Connection, token: string | null): Promise<Caller | Problem> {
    const { public_read, anonymous_streams, key_streams } = this.options.limits
    const address = addressOf(socket)
    if (token === null) {
      if (public_read) return { kind: 'anonymous', id: address, streams: anonymous_streams }
      return refuse('unauthorized', "reading needs a key: auth: { token: 'arb_…' }")
    }
    const wait_s = this.attempts.wait_s(address)
    if (wait_s !== null && !(await this.keys.knows(token))) {
      return refuse('rate_limited', `too many wrong keys; try again in ${wait_s} s`)
    }
    const found = await this.keys.find(token)
    if (found.kind === 'away') {
      return refuse('unavailable', 'postgres: not reachable; the key cannot be checked')
    }
    if (found.kind === 'refused') {
      this.attempts.count(address)
      return refuse(
        'unauthorized',
        `${found.reason}; expected arb_… as it was shown when it was made`,
      )
    }
    const { id, scopes, streams } = found.key
    if (scopes.includes('read')) return { kind: 'key', id, streams: streams ?? key_streams }
    return refuse('forbidden', `sockets need the scope read; this key has ${scopes.join(', ')}`)
  }

  private async isFollowing(): Promise<boolean> {
    const late = new Promise<false>((resolve) => {
      setTimeout(() => resolve(false), START_WITHIN_MS).unref()
    })
    const started = this.options.follow().then(
      () => true,
      () => false,
    )
    return Promise.race([started, late])
  }

  private hold({ conn }: Connection, { kind, id }: Caller, release: () => void): void {
    this.sockets++
    if (kind === 'key') this.open.set(id, (this.open.get(id) ?? 0) + 1)
    const leave = () => {
      this.sockets--
      release()
      const left = (this.open.get(id) ?? 0) - 1
      if (left > 0) this.open.set(id, left)
      else this.open.delete(id)
    }
    if (conn.readyState === 'open') conn.once('close', leave)
    else leave()
  }
}

function addressOf({ handshake, conn }: Connection): string {
  return addressBehind(conn.remoteAddress, (name) => {
    const value = handshake.headers[name]
    return Array.isArray(value) ? value.at(-1) : value
  })
}

function refuse(type: ProblemType, detail: string): Problem {
  return problem(type, detail, PATH)
}
