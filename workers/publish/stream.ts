/**
 * Carries events to Redis in the order in which they were made, one script call at a time. While
 * Redis is away they wait in the outbox. It publishes only under a fencing token; when Redis refuses
 * the token it tells, and leaves it to the lease to say whether the term is over or goes on.
 */
import type { Redis } from 'ioredis'
import type { Clock } from '../../shared/clock.ts'
import type { Draft } from '../../shared/event.ts'
import type { Log } from '../../shared/log.ts'
import { saysFull } from '../../shared/redis-full.ts'
import { Outbox, type QueuedEntry } from './outbox.ts'
import { untilReady } from './redis.ts'
import { createPublishScript, type PublishResult } from './script.ts'

export interface PublisherOptions {
  /** a `command` connection: fails fast while Redis is away */
  readonly redis: Redis
  /** whose fencing token rules */
  readonly shard: number
  readonly clock: Clock
  readonly log: Log
  /** Redis refused our token: the lease has to say who leads */
  readonly onFenced: () => void
  /** Redis is full: makes room in the stream, of what everybody has; how many entries went */
  readonly relieve: () => Promise<number>
  /** told for each event that arrived: milliseconds from `publish` to Redis's answer */
  readonly onPublished: (type: Draft['type'], waited_ms: number) => void
  readonly outbox_limit?: number
}

/** At about 3 kB each, 150 MB of the process's memory at worst. */
const OUTBOX_LIMIT = 50_000
/** One script call blocks Redis for well under a millisecond with so many. */
const BATCH = 64
const RETRY_MS = 250

export class Publisher {
  private readonly options: PublisherOptions
  private readonly outbox: Outbox
  private readonly send: ReturnType<typeof createPublishScript>
  private token: number | null = null
  private draining: Promise<void> | null = null
  private failing = false
  /** since when Redis refuses events for lack of memory, monotonic ms; null: it takes them */
  private full_since_ms: number | null = null

  constructor(options: PublisherOptions) {
    this.options = options
    this.outbox = new Outbox(options.outbox_limit ?? OUTBOX_LIMIT)
    this.send = createPublishScript(options.redis, options.shard)
  }

  get depth(): number {
    return this.outbox.depth
  }

  get dropped_total(): number {
    return this.outbox.dropped_total
  }

  /** A new term begins. What still waits from the last one is kept only if `keep` says so. */
  lead(token: number, keep: boolean): void {
    if (!keep) this.outbox.clear()
    this.token = token
    this.drain()
  }

  /** The term is over: what waits belongs to nobody. */
  resign(): void {
    this.token = null
    this.outbox.clear()
  }

  /** Opportunities whose beginning Redis has not got. */
  beginnings(): ReadonlySet<string> {
    return this.outbox.beginnings()
  }

  /** Queues events. They belong to the present term; without one they are nobody's. */
  publish(drafts: readonly Draft[]): void {
    if (this.token === null) return
    const now_ms = this.options.clock.monotonic_ms()
    for (const draft of drafts) this.outbox.push(draft, now_ms)
    if (drafts.length > 0) this.drain()
  }

  /** Waits until everything has arrived. False when that took longer than `deadline_ms`. */
  async flush(deadline_ms: number): Promise<boolean> {
    const started_ms = this.options.clock.monotonic_ms()
    while (this.draining !== null) {
      const left_ms = deadline_ms - (this.options.clock.monotonic_ms() - started_ms)
      if (left_ms <= 0) return false
      await Promise.race([this.draining, pause(left_ms)])
    }
    return this.outbox.depth === 0
  }

  private drain(): void {
    if (this.draining !== null) return
    this.draining = this.drainAll().finally(() => {
      this.draining = null
      // A publish between the last look at the outbox and now saw a drain that had already ended.
      if (this.token !== null && this.outbox.depth > 0) this.drain()
    })
  }

  private async drainAll(): Promise<void> {
    while (this.token !== null) {
      const token = this.token
      const entries = this.outbox.take(BATCH)
      if (entries.length === 0) return
      const result = await this.attempt(token, entries)
      // A new term may have begun meanwhile; then this answer is not about its outbox.
      if (token !== this.token) continue
      if (result === 'applied') this.settle(entries)
      else if (result === 'fenced') {
        this.options.onFenced()
        await pause(RETRY_MS)
      }
    }
  }

  private settle(entries: readonly QueuedEntry[]): void {
    this.outbox.settle()
    const now_ms = this.options.clock.monotonic_ms()
    for (const { draft, queued_ms } of entries) {
      this.options.onPublished(draft.type, now_ms - queued_ms)
    }
  }

  private async attempt(
    token: number,
    entries: readonly QueuedEntry[],
  ): Promise<PublishResult | 'failed'> {
    try {
      const result = await this.send(token, entries)
      this.failing = false
      this.tellRoom()
      return result
    } catch (error) {
      if (error instanceof Error && saysFull(error.message)) {
        await this.makeRoom()
        return 'failed'
      }
      if (!this.failing) this.options.log.warn('events wait in the outbox', { error })
      this.failing = true
      const { redis } = this.options
      // A connection that is ready refused the command (read only, say): wait all the same.
      await (redis.status === 'ready' ? pause(RETRY_MS) : untilReady(redis, RETRY_MS))
      return 'failed'
    }
  }

  /** The stream is cut first; only when that does not help, updates are let go and the rest waits. */
  private async makeRoom(): Promise<void> {
    const { log, clock, relieve } = this.options
    const cut = await relieve().catch(() => 0)
    if (cut > 0) {
      log.error('redis is full: the event stream was cut', { cut })
      return
    }
    if (this.full_since_ms === null) {
      this.full_since_ms = clock.monotonic_ms()
      log.error('redis is full: events wait in the outbox, updates are dropped', {
        depth: this.depth,
      })
    }
    this.outbox.shedUpdates()
    await pause(RETRY_MS)
  }

  private tellRoom(): void {
    if (this.full_since_ms === null) return
    const full_ms = Math.round(this.options.clock.monotonic_ms() - this.full_since_ms)
    this.options.log.info('redis takes events again', { full_ms, depth: this.depth })
    this.full_since_ms = null
  }
}

const pause = (duration_ms: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, duration_ms).unref()
  })
