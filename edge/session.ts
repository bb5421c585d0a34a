/**
 * One reader's SSE body: frames, a heartbeat while nothing else is sent, a polite end. It is pulled:
 * a reader that does not read stops the reading upstream, so nothing piles up here.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import type { Clock } from '../shared/clock.ts'
import type { Log } from '../shared/log.ts'
import type { Selection } from './selection.ts'
import { sleep } from './time.ts'
import type { Item } from './upstream.ts'

export interface SessionOptions {
  readonly items: AsyncIterator<Item, void>
  readonly selection: Selection
  /** where the reader stands before the first frame */
  readonly position: string
  readonly heartbeat_ms: number
  /** after this the reader is asked to come back: a Worker's request has a budget of subrequests */
  readonly life_ms: number
  readonly clock: Clock
  readonly log: Log
  /** ends what feeds `items` */
  readonly stop: () => void
}

const RETRY_MS = 3_000
const encoder = new TextEncoder()

export function sessionBody(options: SessionOptions): ReadableStream<Uint8Array> {
  const session = new Session(options)
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const frame = await session.next()
        if (frame === null) controller.close()
        else controller.enqueue(encoder.encode(frame))
      },
      cancel: () => session.stop(),
    },
    { highWaterMark: 0 },
  )
}

class Session {
  private readonly options: SessionOptions
  private readonly ends_at_ms: number
  private sent_at_ms: number
  /** of the last event read, wanted or not */
  private position: string
  /** the last id that the reader was given */
  private given: string | null = null
  private pending: Promise<IteratorResult<Item, void>> | null = null
  private ended = false

  constructor(options: SessionOptions) {
    this.options = options
    this.position = options.position
    this.sent_at_ms = options.clock.monotonic_ms()
    this.ends_at_ms = this.sent_at_ms + options.life_ms
  }

  /** The next text to send, or null at the end. */
  async next(): Promise<string | null> {
    if (this.ended) return null
    const { clock, heartbeat_ms, log } = this.options
    // An id without data moves the reader's Last-Event-ID and dispatches nothing.
    if (this.given === null) return this.sent(`retry: ${RETRY_MS}\n${this.movedId()}`)
    try {
      for (;;) {
        const now_ms = clock.monotonic_ms()
        if (now_ms >= this.ends_at_ms) return this.end(': reconnect to go on\n')
        const beat_at_ms = this.sent_at_ms + heartbeat_ms
        if (now_ms >= beat_at_ms) return this.sent(`: heartbeat\n${this.movedId()}`)
        const item = await this.item(Math.min(beat_at_ms, this.ends_at_ms) - now_ms)
        if (item === null) continue
        if (item.done === true) return this.end('')
        const frame = this.frame(item.value)
        if (frame !== null) return this.sent(frame)
      }
    } catch (error) {
      log.error('an event stream broke', { error: String(error) })
      return this.end('')
    }
  }

  stop(): void {
    this.ended = true
    this.options.stop()
  }

  private end(farewell: string): string | null {
    this.stop()
    return farewell === '' ? null : `${farewell}${this.movedId()}\n`
  }

  private sent(text: string): string {
    this.sent_at_ms = this.options.clock.monotonic_ms()
    return `${text}\n`
  }

  /** The id line that brings the reader past events it did not want; nothing when it is there. */
  private movedId(): string {
    if (this.given === this.position) return ''
    this.given = this.position
    return `id: ${this.position}\n`
  }

  private async item(within_ms: number): Promise<IteratorResult<Item, void> | null> {
    this.pending ??= this.options.items.next()
    const waiting = new AbortController()
    const timeout = sleep(within_ms, waiting.signal).then(() => null)
    const item = await Promise.race([this.pending, timeout])
    waiting.abort()
    if (item !== null) this.pending = null
    return item
  }

  private frame(item: Item): string | null {
    const { selection } = this.options
    if (item.kind === 'reset') {
      this.position = item.position
      this.given = item.position
      return frame(item.position, 'reset', { data: selection.snapshot(item.opportunities) })
    }
    const { event } = item
    this.position = event.id
    if (!selection.wants(event)) return null
    this.given = event.id
    return frame(event.id, event.type, event)
  }
}

function frame(id: string, event: string, data: unknown): string {
  return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n`
}
