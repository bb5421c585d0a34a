/**
 * One reading of the event stream for all sockets of this worker, from the first socket until the last
 * has left: without sockets it asks Redis for nothing. It tells of every event once, in order, and when
 * events are gone that nobody has seen. It knows no socket.
 */
import type { Redis } from 'ioredis'
import type { Event } from '../../shared/event.ts'
import { KEYS } from '../../shared/keys.ts'
import type { Log } from '../../shared/log.ts'
import { eventsOf } from '../publish/entries.ts'
import { type RawEntry, streamEntry } from './entry.ts'
import { newestId, type Reset, replay } from './replay.ts'

export interface TailOptions {
  /** makes a `patient` connection of its own: reading blocks it */
  readonly connect: () => Redis
  readonly log: Log
  readonly onStart: (position: string) => void
  readonly onEvents: (events: readonly Event[]) => void
  readonly onReset: (reset: Reset) => void
}

const BATCH = 200
const BLOCK_MS = 1_000
const RETRY_MS = 250

export class Tail {
  private readonly options: TailOptions
  private redis: Redis | null = null
  private starting: Promise<void> | null = null
  private position = ''
  /** the connection is another than the one that read last: entries may have been trimmed between */
  private is_doubtful = false

  constructor(options: TailOptions) {
    this.options = options
  }

  /** Resolves when every event from now on will be told. Waits while Redis is away. */
  start(): Promise<void> {
    this.starting ??= this.begin()
    return this.starting
  }

  stop(): void {
    this.redis?.disconnect()
    this.redis = null
    this.starting = null
  }

  private async begin(): Promise<void> {
    const redis = this.options.connect()
    this.redis = redis
    try {
      this.position = await newestId(redis)
    } catch (error) {
      if (this.redis === redis) this.stop()
      throw error
    }
    if (this.redis !== redis) return
    this.is_doubtful = false
    redis.on('ready', () => {
      this.is_doubtful = true
    })
    this.options.onStart(this.position)
    void this.follow(redis)
  }

  private async follow(redis: Redis): Promise<void> {
    while (this.redis === redis) {
      try {
        const entries = this.is_doubtful ? await this.reassure(redis) : await this.read(redis)
        if (this.redis !== redis) return
        const last = entries.at(-1)
        if (last === undefined) continue
        this.position = last[0]
        this.options.onEvents(eventsOf(entries.map(streamEntry), this.options.log))
      } catch (error) {
        if (this.redis !== redis) return
        this.options.log.warn('following the event stream failed', { error })
        this.is_doubtful = true
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
  }

  private async read(redis: Redis): Promise<RawEntry[]> {
    const reply = (await redis.xread(
      'COUNT',
      BATCH,
      'BLOCK',
      BLOCK_MS,
      'STREAMS',
      KEYS.events,
      this.position,
    )) as [string, RawEntry[]][] | null
    // a reply that came over a new connection proves nothing about what was trimmed before it
    return this.is_doubtful ? [] : (reply?.[0]?.[1] ?? [])
  }

  /** Whether what we have is still joined to what the stream holds. */
  private async reassure(redis: Redis): Promise<RawEntry[]> {
    this.is_doubtful = false
    const found = await replay(redis, this.position, this.options.log)
    if (found.kind === 'reset' && this.redis === redis) {
      this.position = found.position
      this.options.onReset(found)
    }
    return []
  }
}
