/**
 * One reader of the stream and its body. Behind the ring it is brought up from Redis page by page;
 * from then on it is sent each event as it comes. One that does not read what it is sent is cut off
 * as soon as the ring forgets what it still needs, or when its life is over: it comes back and
 * continues where it was.
 */
import type { Clock } from '../../shared/clock.ts'
import { compareEventIds, type Event } from '../../shared/event.ts'
import type { Ring } from '../../shared/ring.ts'
import type { Frames } from './frames.ts'
import type { Replay, Reset } from './upstream.ts'

export interface ReaderOptions {
  readonly frames: Frames
  readonly ring: Ring
  /** events after a position, from Redis; null: Redis does not answer */
  readonly replay: (position: string) => Promise<Replay | null>
  readonly clock: Clock
  readonly heartbeat_ms: number
  /** after this the reader is asked to come back: a Worker's request has a budget of subrequests */
  readonly life_ms: number
  readonly onEnd: (reader: Reader) => void
}

/** What may wait to be read before nothing more is added to it. */
const BUFFER_BYTES = 64 * 1_024

export class Reader {
  readonly body: ReadableStream<Uint8Array>
  private readonly options: ReaderOptions
  /** null only until the body has started, which it does while it is made */
  private controller: ReadableStreamDefaultController<Uint8Array> | null = null
  private readonly ends_at_ms: number
  private sent_at_ms: number
  /** everything that is still to be sent is in the ring, or not yet published */
  private level: boolean
  private busy = false
  private ended = false

  constructor(options: ReaderOptions) {
    this.options = options
    this.sent_at_ms = options.clock.monotonic_ms()
    this.ends_at_ms = this.sent_at_ms + options.life_ms
    this.level = options.ring.covers(options.frames.position)
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.controller = controller
          controller.enqueue(options.frames.hello())
        },
        // workerd calls it before the constructor of the stream has returned
        pull: () => this.fill(),
        cancel: () => this.end(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: BUFFER_BYTES }),
    )
  }

  /** The ring has grown by this event, which came right after `previous`: most readers stand there. */
  offer(event: Event, previous: string): void {
    const is_next = this.level && !this.busy && this.options.frames.position === previous
    if (is_next && !this.ended && this.has_room) this.take(event)
    else this.wake()
  }

  /** The ring has grown, or there is room again. One that does not read costs this look alone. */
  wake(): void {
    if (this.ended || !this.level || this.busy || !this.has_room) return
    if (this.in_ring) this.drain()
    else this.cut('it fell behind')
  }

  /** What time brings: the end of a long life or of one left behind, or a sign of life in silence. */
  tick(now_ms: number, until_next_ms: number): void {
    if (this.ended) return
    const is_over = now_ms >= this.ends_at_ms
    if (!this.has_room) {
      if (now_ms >= this.ends_at_ms + this.options.heartbeat_ms) this.cut('it does not read')
      else if (this.level && !this.busy && !this.in_ring) this.cut('it fell behind')
    } else if (is_over) {
      this.send(this.options.frames.farewell())
      this.end()
    } else if (now_ms + until_next_ms > this.sent_at_ms + this.options.heartbeat_ms) {
      this.send(this.options.frames.heartbeat())
    }
  }

  /** The ring begins anew. Whoever has not read yet what waits for it is told when it comes back. */
  reset(reset: Reset): void {
    if (this.ended) return
    if (this.has_room) {
      this.send(this.options.frames.reset(reset))
      this.level = true
    } else {
      this.cut('it fell behind')
    }
  }

  end(): void {
    if (this.ended) return
    this.ended = true
    this.options.onEnd(this)
    try {
      this.controller?.close()
    } catch {
      // it was closed from the other side
    }
  }

  /** Ends one that does not read: what waits for it is thrown away instead of kept until it reads. */
  private cut(why: string): void {
    if (this.ended) return
    this.ended = true
    this.options.onEnd(this)
    this.controller?.error(new Error(`the reader is let go: ${why}`))
  }

  private get has_room(): boolean {
    return (this.controller?.desiredSize ?? 0) > 0
  }

  private get in_ring(): boolean {
    const { frames, ring } = this.options
    return compareEventIds(frames.position, ring.from) >= 0
  }

  private async fill(): Promise<void> {
    if (this.busy) return
    this.busy = true
    try {
      while (!this.ended && !this.level && this.has_room) await this.replayPage()
    } finally {
      this.busy = false
    }
    this.wake()
  }

  private drain(): void {
    const { frames, ring } = this.options
    while (this.has_room) {
      const event = ring.next(frames.position)
      if (event === null) return
      this.take(event)
    }
  }

  private async replayPage(): Promise<void> {
    const { frames, replay } = this.options
    const asked = frames.position
    const page = await replay(asked)
    // ended, or reset, while the page was on its way
    if (this.ended || frames.position !== asked || this.level) return
    if (page === null) return this.end()
    if (page.kind === 'reset') {
      this.send(frames.reset(page))
    } else {
      for (const event of page.events) this.take(event)
      frames.position = page.position
    }
    const complete = page.kind === 'reset' || !page.more
    this.level = this.in_ring && (complete || this.options.ring.covers(frames.position))
  }

  private take(event: Event): void {
    const bytes = this.options.frames.event(event)
    if (bytes !== null) this.send(bytes)
  }

  private send(bytes: Uint8Array): void {
    this.sent_at_ms = this.options.clock.monotonic_ms()
    this.controller?.enqueue(bytes)
  }
}
