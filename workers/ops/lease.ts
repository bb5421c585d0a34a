/**
 * Leadership: one worker publishes at a time. The lease is a key with a time to live; the fence is
 * a number that grows with every new term and that every write carries, so that a leader that was
 * asleep cannot write with an old one. Losing Redis is not losing the term: the fence decides that.
 */
import type { Redis } from 'ioredis'
import { KEYS } from '../../shared/keys.ts'
import type { Log } from '../../shared/log.ts'

/** A dead leader's lease runs out after this; then a standby takes over. */
const LEASE_TTL_MS = 6_000
/** How often a leader renews and a standby asks. */
const LEASE_EVERY_MS = 1_000

/**
 * `new`: somebody may have led in between. `restored`: Redis came back empty, nobody else led.
 */
export type TermKind = 'new' | 'restored'

export interface LeaseOptions {
  /** a `command` connection */
  readonly redis: Redis
  readonly worker_id: string
  readonly log: Log
  readonly onLead: (token: number, kind: TermKind) => void
  readonly onLose: () => void
  readonly ttl_ms?: number
  readonly every_ms?: number
}

const ACQUIRE = `
--[[
  Takes, keeps or takes back the leadership.

  KEYS[1] arb:lease  string with TTL, id of the leading worker
  KEYS[2] arb:fence  integer, the token of the present term

  ARGV[1] the caller's worker id
  ARGV[2] time to live of the lease, ms
  ARGV[3] the token that the caller held last, or ''

  Output: {token, kind}; kind is 'kept', 'restored' or 'new'; token 0 and 'standby' when
          another worker leads.
]]
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return {0, 'standby'} end
local fence = redis.call('GET', KEYS[2])
local kind = 'new'
if fence and fence == ARGV[3] then
  kind = 'kept'
elseif not fence and ARGV[3] ~= '' then
  kind = 'restored'
  redis.call('SET', KEYS[2], ARGV[3])
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if kind == 'kept' then return {tonumber(fence), kind} end
return {redis.call('INCR', KEYS[2]), kind}
`

const RELEASE = `
--[[
  Gives the leadership back.
  KEYS[1] arb:lease   ARGV[1] the caller's worker id   Output: 1 when the lease was the caller's
]]
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`

interface Commands {
  arbLeaseAcquire(
    keys: number,
    lease: string,
    fence: string,
    worker_id: string,
    ttl_ms: number,
    token: number | '',
  ): Promise<[number, 'kept' | TermKind | 'standby']>
  arbLeaseRelease(keys: number, lease: string, worker_id: string): Promise<number>
}

export class Lease {
  private readonly options: LeaseOptions
  private readonly commands: Commands
  private held: number | null = null
  private timer: NodeJS.Timeout | undefined
  private asking: Promise<void> | null = null
  private stopped = false

  constructor(options: LeaseOptions) {
    this.options = options
    options.redis.defineCommand('arbLeaseAcquire', { lua: ACQUIRE })
    options.redis.defineCommand('arbLeaseRelease', { lua: RELEASE })
    this.commands = options.redis as unknown as Commands
  }

  /** The fencing token while this worker leads as far as it knows; null on standby. */
  get token(): number | null {
    return this.held
  }

  start(): void {
    const { redis } = this.options
    // The moment Redis is there, or there again, is the moment to settle who leads.
    redis.on('ready', () => void this.ask())
    if (redis.status === 'ready') void this.ask()
  }

  /** Asks at once, for instance because a write was refused. */
  ask(): Promise<void> {
    if (this.stopped) return Promise.resolve()
    this.asking ??= this.acquire().finally(() => {
      this.asking = null
      if (this.stopped) return
      clearTimeout(this.timer)
      this.timer = setTimeout(() => void this.ask(), this.options.every_ms ?? LEASE_EVERY_MS)
    })
    return this.asking
  }

  /** Ends the term, so that a standby need not wait for the lease to run out. */
  async release(): Promise<void> {
    this.stopped = true
    clearTimeout(this.timer)
    await this.asking
    this.held = null
    try {
      await this.commands.arbLeaseRelease(1, KEYS.lease, this.options.worker_id)
    } catch (error) {
      this.options.log.warn('the lease was not released: it will run out', { error })
    }
  }

  private async acquire(): Promise<void> {
    const { worker_id, ttl_ms = LEASE_TTL_MS, log, onLead, onLose } = this.options
    const [token, kind] = await this.commands
      .arbLeaseAcquire(2, KEYS.lease, KEYS.fence, worker_id, ttl_ms, this.held ?? '')
      // Redis is away: nobody can take the lease there, and the fence settles what is unclear.
      .catch((error: Error) => {
        log.debug('asking for the lease failed', { error })
        return [this.held ?? 0, 'unknown'] as const
      })
    if (this.stopped || kind === 'unknown' || kind === 'kept') return
    if (kind === 'standby') {
      if (this.held === null) return
      this.held = null
      log.warn('leadership lost')
      onLose()
      return
    }
    this.held = token
    log.info('leading', { fence: token, term: kind })
    onLead(token, kind)
  }
}
