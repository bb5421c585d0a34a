/**
 * One reading of Redis for any number of readers. It follows the stream while somebody listens,
 * keeps the newest events for those who come back, and brings everybody else up from Redis. It is a
 * cache: all it knows can be read again, so it may end at any moment. It knows no HTTP.
 */
import type { Clock } from '../../shared/clock.ts'
import { Ring } from '../../shared/ring.ts'
import type { Selection } from '../../shared/selection.ts'
import type { Answer } from '../store/answer.ts'
import { jittered } from '../time.ts'
import { Frames } from './frames.ts'
import { Reader } from './reader.ts'
import { BEGINNING, follow, type Replay, replay, type Source } from './upstream.ts'

export interface HubOptions {
  readonly source: Source
  readonly clock: Clock
  /** newest events to begin with, for readers that come back after the hub itself was away */
  readonly preload: number
  /** how long the stream is followed after the last reader has left */
  readonly linger_ms: number
}

export interface Wish {
  readonly selection: Selection
  /** the last event that the reader has; null: it begins with what happens from now on */
  readonly position: string | null
}

const HEARTBEAT_MS = 15_000
const LIFE_MS = 15 * 60_000
const LIFE_JITTER = 0.1
const TICK_MS = 500
/** At some kilobytes each this stays far below the 128 MB of a Durable Object. */
const RING_EVENTS = 4_000

export class Hub {
  private readonly options: HubOptions
  private readonly readers = new Set<Reader>()
  private readonly ring = new Ring(BEGINNING, RING_EVENTS)
  /** pages that are being asked for, so that readers cut off together ask once */
  private readonly pages = new Map<string, Promise<Replay | null>>()
  private upstream: AbortController | null = null
  private starting: Promise<Answer<null>> | null = null
  private ticking: ReturnType<typeof setInterval> | null = null
  private lingering: ReturnType<typeof setTimeout> | null = null

  constructor(options: HubOptions) {
    this.options = options
  }

  /** The body of one reader's answer; refused only while Redis has never answered. */
  async open({ selection, position }: Wish): Promise<Answer<ReadableStream<Uint8Array>>> {
    clearTimeout(this.lingering)
    const started = await this.started()
    if (!started.ok) return started
    const reader = new Reader({
      frames: new Frames(selection, position ?? this.ring.last),
      ring: this.ring,
      replay: (from) => this.page(from),
      clock: this.options.clock,
      heartbeat_ms: HEARTBEAT_MS,
      life_ms: jittered(LIFE_MS, LIFE_JITTER),
      onEnd: (ended) => this.leave(ended),
    })
    clearTimeout(this.lingering)
    this.readers.add(reader)
    this.ticking ??= setInterval(() => this.tick(), TICK_MS)
    return { ok: true, value: reader.body }
  }

  /** Ends everybody; they come back elsewhere. */
  end(): void {
    for (const reader of this.readers) reader.end()
    this.rest()
  }

  /** Resolves once the ring has its beginning and the stream is followed from there. */
  private started(): Promise<Answer<null>> {
    if (this.upstream !== null) return Promise.resolve({ ok: true, value: null })
    this.starting ??= this.start().finally(() => {
      this.starting = null
    })
    return this.starting
  }

  private async start(): Promise<Answer<null>> {
    const newest = await this.options.source.live.newestEvents(this.options.preload + 1)
    if (!newest.ok) return newest
    const [first, ...others] = newest.value
    this.ring.restart(first?.id ?? BEGINNING)
    for (const event of others) this.ring.push(event)
    const upstream = new AbortController()
    this.upstream = upstream
    void this.follow(upstream.signal)
    return { ok: true, value: null }
  }

  private async follow(signal: AbortSignal): Promise<void> {
    const { source } = this.options
    try {
      for await (const item of follow(source, this.ring.last, signal)) {
        if (item.kind === 'event') {
          const previous = this.ring.last
          this.ring.push(item.event)
          for (const reader of this.readers) reader.offer(item.event, previous)
        } else {
          this.ring.restart(item.position)
          for (const reader of this.readers) reader.reset(item)
        }
      }
    } catch (error) {
      source.log.error('the event stream broke', { error: String(error) })
      if (!signal.aborted) this.end()
    }
  }

  private page(position: string): Promise<Replay | null> {
    const asked = this.pages.get(position)
    if (asked !== undefined) return asked
    const page = replay(this.options.source.live, position).finally(() => {
      this.pages.delete(position)
    })
    this.pages.set(position, page)
    return page
  }

  private tick(): void {
    const now_ms = this.options.clock.monotonic_ms()
    for (const reader of this.readers) reader.tick(now_ms, TICK_MS)
  }

  private leave(reader: Reader): void {
    this.readers.delete(reader)
    if (this.readers.size > 0) return
    clearInterval(this.ticking)
    this.ticking = null
    clearTimeout(this.lingering)
    this.lingering = setTimeout(() => this.rest(), this.options.linger_ms)
  }

  /** Nobody listens: the next reader begins anew. */
  private rest(): void {
    if (this.readers.size > 0) return
    this.upstream?.abort()
    this.upstream = null
  }
}
