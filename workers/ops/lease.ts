/**
 * Leadership: of each shard one worker publishes at a time. The lease is a key with a time to live;
 * the fence is a number that grows with every new term and that every write carries, so that a leader
 * that was asleep cannot write with an old one. Losing Redis is not losing the term: the fence
 * decides that. The rules of who leads what are in lease-script.ts.
 */
import type { Redis } from 'ioredis'
import type { Clock } from '../../shared/clock.ts'
import { KEYS, shardKey } from '../../shared/keys.ts'
import type { Log } from '../../shared/log.ts'
import { ACQUIRE, RELEASE } from './lease-script.ts'

/**
 * A dead leader's lease runs out after this; then a standby takes over. It outlasts what a healthy
 * leader may miss: a loop that is blocked for two seconds, a Redis that writes its disk.
 */
export const LEASE_TTL_MS = 4_000
/** How often a leader renews and a standby asks. */
const LEASE_EVERY_MS = 500
/**
 * After an outage of Redis every lease has run out, or is gone with all else that Redis held. So long,
 * in lives of a lease, everybody leaves them to those who held them: they have in their outboxes what
 * happened meanwhile, and know what is open.
 */
const PATIENCE_TTLS = 2

/**
 * `new`: somebody may have led in between. `restored`: Redis came back empty, nobody else led.
 */
export type TermKind = 'new' | 'restored'

export interface LeaseOptions {
  /** a `command` connection */
  readonly redis: Redis
  readonly clock: Clock
  readonly worker_id: string
  readonly shard_count: number
  readonly log: Log
  /** how much of what is to be watched can be used now, percent: the unready leave it to others */
  readonly readiness: () => number
  readonly onLead: (shard: number, token: number, kind: TermKind) => void
  readonly onLose: (shard: number) => void
  /** another worker should lead this shard: end in order and call `give` */
  readonly onExcess: (shard: number) => void
  readonly ttl_ms?: number
  readonly every_ms?: number
}

type Kind = TermKind | 'kept' | 'excess' | 'standby' | 'unled' | 'lost'

interface Commands {
  arbLeaseAcquire(keys: number, ...args: (string | number)[]): Promise<(number | Kind)[]>
  arbLeaseRelease(keys: number, ...args: (string | number)[]): Promise<number>
}

export class Lease {
  private readonly options: LeaseOptions
  private readonly commands: Commands
  private readonly shards: readonly number[]
  private readonly held = new Map<number, number>()
  /** shards that somebody led when this was asked last */
  private readonly led = new Set<number>()
  private readonly ttl_ms: number
  private others = 0
  private timer: NodeJS.Timeout | undefined
  private asking: Promise<void> | null = null
  private stopped = false
  private leaving = false
  private was_away = false
  /** what was another's is not taken before, monotonic ms */
  private take_from_ms = Number.NEGATIVE_INFINITY

  constructor(options: LeaseOptions) {
    this.options = options
    this.ttl_ms = options.ttl_ms ?? LEASE_TTL_MS
    this.shards = Array.from({ length: options.shard_count }, (_, shard) => shard)
    options.redis.defineCommand('arbLeaseAcquire', { lua: ACQUIRE })
    options.redis.defineCommand('arbLeaseRelease', { lua: RELEASE })
    this.commands = options.redis as unknown as Commands
  }

  /**
   * The fencing tokens, by shard, of what this worker leads as far as it knows. In the order of the
   * shards, whenever each came: what a leader tells of all that it sees it tells under its first.
   */
  get tokens(): ReadonlyMap<number, number> {
    return new Map([...this.held].sort(([a], [b]) => a - b))
  }

  /** Whether another worker could go on with what this one leads, as of the last answer. */
  get has_successor(): boolean {
    return this.others > 0
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

  /** Says that this worker is about to leave, so that nobody leaves anything to it. */
  async announceLeave(): Promise<void> {
    this.leaving = true
    await this.asking
    await this.ask()
  }

  /** Ends one term, so that whoever should lead the shard need not wait for the lease to run out. */
  async give(shard: number): Promise<void> {
    await this.asking
    if (!this.held.delete(shard)) return
    await this.giveBack([shard], false)
  }

  /** Ends every term and asks for none again. */
  async release(): Promise<void> {
    this.stopped = true
    clearTimeout(this.timer)
    await this.asking
    this.held.clear()
    await this.giveBack(this.shards, true)
  }

  private async giveBack(shards: readonly number[], leaves: boolean): Promise<void> {
    const { worker_id, log } = this.options
    const keys = [KEYS.members, ...shards.map((shard) => shardKey('lease', shard))]
    try {
      const args = [worker_id, leaves ? '1' : '0', this.ttl_ms]
      await this.commands.arbLeaseRelease(keys.length, ...keys, ...args)
    } catch (error) {
      log.warn('the lease was not released: it will run out', { error })
    }
  }

  private async acquire(): Promise<void> {
    const { worker_id, readiness, clock, log } = this.options
    const keys = this.shards.flatMap((shard) => [
      shardKey('lease', shard),
      shardKey('fence', shard),
    ])
    const may_take = !this.was_away && clock.monotonic_ms() >= this.take_from_ms
    const percent = this.leaving ? -1 : Math.floor(readiness())
    const held = this.shards.map(
      (shard) => this.held.get(shard) ?? (this.led.has(shard) ? '?' : ''),
    )
    const args = [worker_id, this.ttl_ms, percent, may_take ? '1' : '0', ...held]
    const answer = await this.commands
      .arbLeaseAcquire(2 + keys.length, KEYS.members, KEYS.shards, ...keys, ...args)
      // Redis is away: nobody can take the lease there, and the fence settles what is unclear.
      .catch((error: Error) => {
        // A Redis that answers, but not this (it is full, or a replica), told nobody else.
        const level = error.name === 'ReplyError' && !this.was_away ? 'warn' : 'debug'
        log[level]('asking for the lease failed', { error })
        this.was_away = true
        return null
      })
    if (answer === null || this.stopped) return
    if (this.was_away) this.take_from_ms = clock.monotonic_ms() + PATIENCE_TTLS * this.ttl_ms
    this.was_away = false
    this.noteOthers(Number(answer[0]))
    for (const shard of this.shards) {
      this.settle(shard, Number(answer[1 + 2 * shard]), answer[2 + 2 * shard] as Kind)
    }
  }

  private noteOthers(others: number): void {
    const is_foreign = others < 0
    if (is_foreign && this.others >= 0) {
      this.options.log.error('other workers run with another SHARD_COUNT: waiting until they end', {
        shard_count: this.options.shard_count,
      })
    }
    this.others = others
  }

  private settle(shard: number, token: number, kind: Kind): void {
    const { log, clock, onLead, onLose, onExcess } = this.options
    if (kind === 'unled' || kind === 'lost') this.led.delete(shard)
    else this.led.add(shard)
    // as after an outage, which was too short for this worker to see
    if (kind === 'lost') this.take_from_ms = clock.monotonic_ms() + PATIENCE_TTLS * this.ttl_ms
    // who leaves gives everything away anyhow
    if (kind === 'kept' || (kind === 'excess' && this.leaving)) return
    if (kind === 'excess') onExcess(shard)
    else if (kind === 'standby' || kind === 'unled' || kind === 'lost') {
      if (!this.held.delete(shard)) return
      log.warn('leadership lost', { shard })
      onLose(shard)
    } else {
      this.held.set(shard, token)
      log.info('leading', { shard, fence: token, term: kind })
      onLead(shard, token, kind)
    }
  }
}
