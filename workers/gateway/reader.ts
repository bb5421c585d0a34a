/**
 * Where one socket stands in the stream. Behind the ring it is brought up from Redis page by page; from
 * then on it takes each event as it comes. It never has more than a few events under way: one that does
 * not read is let go as soon as the ring forgets what it needs, comes back and continues there.
 */
import { compareEventIds, type Event } from '../../shared/event.ts'
import type { Ring } from '../../shared/ring.ts'
import type { Selection } from '../../shared/selection.ts'
import type { Replay, Reset } from './replay.ts'

export interface ReaderOptions {
  readonly ring: Ring
  /** @throws while Redis does not answer */
  readonly replay: (position: string) => Promise<Replay>
  readonly send: (name: string, payload: unknown) => void
  /** whether the socket has taken most of what it was sent */
  readonly has_room: () => boolean
  /** it cannot go on here; it may come back and continue */
  readonly letGo: (why: 'slow' | 'away') => void
}

export class Reader {
  private readonly options: ReaderOptions
  private selection: Selection
  /** of the last event that passed, wanted or not */
  position: string
  /** the last id that the socket was told */
  private told: string
  /** everything that is still to be sent is in the ring, or not yet published */
  private is_level: boolean
  private is_busy = false
  private has_ended = false

  constructor(options: ReaderOptions, selection: Selection, position: string) {
    this.options = options
    this.selection = selection
    this.position = position
    this.told = position
    this.is_level = options.ring.covers(position)
  }

  /** Other wishes from here on, or from an earlier event. */
  change(selection: Selection, position: string): void {
    this.selection = selection
    this.position = position
    this.told = position
    this.is_level = this.options.ring.covers(position)
  }

  end(): void {
    this.has_ended = true
  }

  /** Whether it takes the event now that comes right after `previous`; if so, whether it wants it. */
  offer(event: Event, previous: string): 'wanted' | 'unwanted' | 'later' {
    const is_next = this.is_level && !this.is_busy && this.position === previous
    if (this.has_ended || !is_next || !this.options.has_room()) return 'later'
    return this.take(event) ? 'wanted' : 'unwanted'
  }

  /** Goes on with what it has not been sent: the ring has grown, or the socket has room again. */
  wake(): void {
    if (this.has_ended || this.is_busy) return
    if (!this.is_level) void this.catchUp()
    else if (compareEventIds(this.position, this.options.ring.from) >= 0) this.drain()
    else this.options.letGo('slow')
  }

  /** Everything that is live, instead of the events before it. */
  reset({ position, opportunities }: Reset): void {
    if (this.has_ended) return
    this.position = position
    this.told = position
    this.is_level = this.options.ring.covers(position)
    const data = this.selection.snapshot(opportunities)
    this.options.send('reset', { id: position, data })
  }

  /** Tells how far it is, where events passed that were not wanted: a place to come back to. */
  tellPosition(): void {
    if (this.has_ended || this.told === this.position || !this.options.has_room()) return
    this.told = this.position
    this.options.send('position', { id: this.position })
  }

  private take(event: Event): boolean {
    this.position = event.id
    const is_wanted = this.selection.wants(event)
    if (is_wanted) this.told = event.id
    return is_wanted
  }

  private drain(): void {
    const { ring, has_room, send } = this.options
    this.is_busy = true
    while (!this.has_ended && has_room()) {
      const event = ring.next(this.position)
      if (event === null) break
      if (this.take(event)) send(event.type, event)
    }
    this.is_busy = false
  }

  private async catchUp(): Promise<void> {
    this.is_busy = true
    try {
      while (!this.has_ended && !this.is_level && this.options.has_room()) await this.replayPage()
    } catch {
      if (!this.has_ended) this.options.letGo('away')
    } finally {
      this.is_busy = false
    }
    if (this.is_level) this.wake()
  }

  private async replayPage(): Promise<void> {
    const { ring } = this.options
    const [asked, selection] = [this.position, this.selection]
    const page = await this.options.replay(asked)
    // ended, reset or changed while the page was on its way
    const is_other = this.position !== asked || this.selection !== selection
    if (this.has_ended || this.is_level || is_other) return
    if (page.kind === 'reset') return this.reset(page)
    for (const event of page.events) {
      if (this.take(event)) this.options.send(event.type, event)
    }
    this.position = page.position
    const in_ring = compareEventIds(page.position, ring.from) >= 0
    this.is_level = in_ring && (!page.more || ring.covers(page.position))
  }
}
