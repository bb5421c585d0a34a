/**
 * Reads a stream through a consumer group: every entry is handled at least once by some worker of
 * the group, whatever dies in between. An entry is acknowledged only after its handler succeeded;
 * entries that a dead consumer left pending are claimed. It knows no event, only entries.
 */
import type { Redis } from 'ioredis'
import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'

export interface StreamEntry {
  readonly id: string
  readonly fields: Readonly<Record<string, string>>
}

export interface GroupOptions {
  /** a `patient` connection, of this consumer only */
  readonly redis: Redis
  readonly stream: string
  readonly group: string
  /** unique among all workers */
  readonly consumer: string
  readonly clock: Clock
  readonly log: Log
  /** Resolves when the entries are safe. A rejection is retried with the same entries. */
  readonly handle: (entries: readonly StreamEntry[]) => Promise<void>
  /** a pending entry untouched for so long belongs to a dead consumer */
  readonly claim_after_ms?: number
  /** takes what was handled out of the stream: nobody else reads it */
  readonly remove?: boolean
}

/** Entries that one call of the handler gets at most. */
const BATCH = 200
const BLOCK_MS = 1_000
const CLAIM_AFTER_MS = 15_000
const RETRY_FIRST_MS = 100
const RETRY_MAX_MS = 5_000
/** A consumer name without work for so long is of a process that ended. */
const FORGET_AFTER_MS = 3_600_000

type RawEntry = [id: string, fields: string[] | null]

export class GroupConsumer {
  private readonly options: GroupOptions
  private readonly abort = new AbortController()
  private running: Promise<void> = Promise.resolve()

  constructor(options: GroupOptions) {
    this.options = options
  }

  start(): void {
    this.running = this.run()
  }

  /** Finishes the batch at hand within `deadline_ms`; what is left stays pending for others. */
  async stop(deadline_ms: number): Promise<void> {
    this.abort.abort()
    await Promise.race([this.running, pause(deadline_ms)])
    this.options.redis.disconnect()
  }

  private get stopping(): boolean {
    return this.abort.signal.aborted
  }

  private async run(): Promise<void> {
    const { claim_after_ms = CLAIM_AFTER_MS, clock } = this.options
    let claimed_ms = Number.NEGATIVE_INFINITY
    let retry_ms = RETRY_FIRST_MS
    while (!this.stopping) {
      try {
        if (clock.monotonic_ms() - claimed_ms >= claim_after_ms) {
          await this.claim(claim_after_ms)
          claimed_ms = clock.monotonic_ms()
        }
        await this.process(await this.read())
        retry_ms = RETRY_FIRST_MS
      } catch (error) {
        if (this.stopping) return
        if (isMissingGroup(error)) await this.createGroup()
        else {
          this.options.log.warn('reading a stream failed', { ...this.names, error })
          await pause(retry_ms, this.abort.signal)
          retry_ms = Math.min(retry_ms * 2, RETRY_MAX_MS)
        }
      }
    }
  }

  private get names() {
    const { stream, group, consumer } = this.options
    return { stream, group, consumer }
  }

  private async createGroup(): Promise<void> {
    const { redis, stream, group, log } = this.options
    try {
      // From the beginning: what is in the stream already has not been handled by this group.
      await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM')
    } catch (error) {
      const exists = error instanceof Error && error.message.startsWith('BUSYGROUP')
      if (!exists && !this.stopping) log.warn('creating the group failed', { ...this.names, error })
      if (!exists) await pause(RETRY_FIRST_MS, this.abort.signal)
    }
  }

  private async read(): Promise<RawEntry[]> {
    const { redis, stream, group, consumer } = this.options
    const replies = (await redis.xreadgroup(
      'GROUP',
      group,
      consumer,
      'COUNT',
      BATCH,
      'BLOCK',
      BLOCK_MS,
      'STREAMS',
      stream,
      '>',
    )) as [string, RawEntry[]][] | null
    return replies?.[0]?.[1] ?? []
  }

  private async claim(idle_ms: number): Promise<void> {
    const { redis, stream, group, consumer } = this.options
    let cursor = '0-0'
    do {
      const [next, entries] = (await redis.xautoclaim(
        stream,
        group,
        consumer,
        idle_ms,
        cursor,
        'COUNT',
        BATCH,
      )) as [string, RawEntry[]]
      await this.process(entries)
      cursor = next
    } while (cursor !== '0-0' && !this.stopping)
    await this.forgetConsumers()
  }

  private async forgetConsumers(): Promise<void> {
    const { redis, stream, group, consumer } = this.options
    const replies = (await redis.xinfo('CONSUMERS', stream, group)) as (string | number)[][]
    for (const reply of replies) {
      const { name, pending, idle } = fieldsOf(reply)
      if (name === consumer || pending !== 0 || Number(idle) < FORGET_AFTER_MS) continue
      await redis.xgroup('DELCONSUMER', stream, group, String(name))
    }
  }

  /** Hands entries over until the handler succeeds, then acknowledges them. */
  private async process(raw: readonly RawEntry[]): Promise<void> {
    const { handle, log } = this.options
    const entries = raw.flatMap(([id, fields]) =>
      // Trimmed from the stream before anybody handled it: nothing is left but its id.
      fields === null ? [] : [{ id, fields: fieldsOf(fields) as Record<string, string> }],
    )
    let retry_ms = RETRY_FIRST_MS
    while (entries.length > 0) {
      try {
        await handle(entries)
        break
      } catch (error) {
        if (this.stopping) throw error
        log.warn('handling stream entries failed: trying again', { ...this.names, retry_ms, error })
        await pause(retry_ms, this.abort.signal)
        retry_ms = Math.min(retry_ms * 2, RETRY_MAX_MS)
      }
    }
    await this.acknowledge(raw.map(([id]) => id))
  }

  private async acknowledge(ids: readonly string[]): Promise<void> {
    const { redis, stream, group, remove = false } = this.options
    if (ids.length === 0) return
    await redis.xack(stream, group, ...ids)
    if (remove) await redis.xdel(stream, ...ids)
  }
}

function isMissingGroup(error: unknown): boolean {
  return error instanceof Error && error.message.includes('NOGROUP')
}

/** [name, value, name, value, …] as an object. */
function fieldsOf<T extends string | number>(flat: readonly T[]): Record<string, T> {
  const fields: Record<string, T> = {}
  for (let i = 0; i + 1 < flat.length; i += 2) fields[String(flat[i])] = flat[i + 1] as T
  return fields
}

/** Ends early, without an error, when the signal aborts. */
function pause(duration_ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const timer = setTimeout(resolve, duration_ms)
    timer.unref()
    signal?.addEventListener('abort', () => resolve(), { once: true })
  })
}
