/**
 * One reading of the stream for all readers of this worker: it keeps the newest events, hands each to
 * those who are ready for it, and brings the others up. It knows readers by name and no socket.
 */
import type { Redis } from 'ioredis'
import type { Event } from '../../shared/event.ts'
import type { Log } from '../../shared/log.ts'
import { Ring } from '../../shared/ring.ts'
import type { Selection } from '../../shared/selection.ts'
import { Reader, type ReaderOptions } from './reader.ts'
import { BEGINNING, type Replay, type Reset, replay } from './replay.ts'
import { Tail } from './tail.ts'

export interface FanOutOptions {
  /** makes a `patient` connection */
  readonly connect: () => Redis
  /** a `command` connection */
  readonly redis: Redis
  readonly log: Log
  /** the same event to many at once, so that it is encoded once */
  readonly send: (names: string[], event: Event) => void
}

/** At some kilobytes each; a reader that falls further behind is let go. */
const RING_EVENTS = 2_000
/** How long the stream is followed after the last reader has left: longer than a handshake takes. */
const LINGER_MS = 15_000

export class FanOut {
  private readonly options: FanOutOptions
  private readonly readers = new Map<string, Reader>()
  private readonly ring = new Ring(BEGINNING, RING_EVENTS)
  private readonly tail: Tail
  /** pages that are being asked for, so that readers cut off together ask once */
  private readonly pages = new Map<string, Promise<Replay>>()
  private lingering: NodeJS.Timeout | undefined

  constructor(options: FanOutOptions) {
    this.options = options
    this.tail = new Tail({
      connect: options.connect,
      log: options.log,
      onStart: (position) => this.ring.restart(position),
      onEvents: (events) => this.take(events),
      onReset: (reset) => this.reset(reset),
    })
  }

  get size(): number {
    return this.readers.size
  }

  /** Resolves when no event is missed from now on. */
  follow(): Promise<void> {
    this.linger()
    return this.tail.start()
  }

  /** Call `wake` on the reader when it may begin. `position` null: with what happens from now on. */
  join(
    name: string,
    selection: Selection,
    position: string | null,
    line: Pick<ReaderOptions, 'send' | 'has_room' | 'letGo'>,
  ): Reader {
    clearTimeout(this.lingering)
    const options = { ...line, ring: this.ring, replay: (from: string) => this.page(from) }
    const reader = new Reader(options, selection, position ?? this.ring.last)
    this.readers.set(name, reader)
    return reader
  }

  leave(name: string): void {
    this.readers.get(name)?.end()
    this.readers.delete(name)
    if (this.readers.size === 0) this.linger()
  }

  tellPositions(): void {
    for (const reader of this.readers.values()) reader.tellPosition()
  }

  end(): void {
    clearTimeout(this.lingering)
    this.tail.stop()
  }

  private linger(): void {
    clearTimeout(this.lingering)
    this.lingering = setTimeout(() => {
      if (this.readers.size > 0) return
      this.tail.stop()
      this.ring.restart(BEGINNING)
    }, LINGER_MS)
  }

  private take(events: readonly Event[]): void {
    for (const event of events) {
      const previous = this.ring.last
      this.ring.push(event)
      const wanting: string[] = []
      for (const [name, reader] of this.readers) {
        if (reader.offer(event, previous) === 'wanted') wanting.push(name)
      }
      if (wanting.length > 0) this.options.send(wanting, event)
    }
    for (const reader of this.readers.values()) {
      if (reader.position !== this.ring.last) reader.wake()
    }
  }

  private reset(reset: Reset): void {
    this.ring.restart(reset.position)
    for (const reader of this.readers.values()) reader.reset(reset)
  }

  private page(position: string): Promise<Replay> {
    const asked = this.pages.get(position)
    if (asked !== undefined) return asked
    const { redis, log } = this.options
    const page = replay(redis, position, log).finally(() => this.pages.delete(position))
    this.pages.set(position, page)
    return page
  }
}
