/**
 * What one reader of the stream is sent, as Server-Sent Events: it turns events into frames and
 * remembers where the reader stands. It sends nothing and waits for nothing.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import type { Event } from '../../shared/event.ts'
import type { Selection } from '../../shared/selection.ts'
import type { Reset } from './upstream.ts'

const RETRY_MS = 3_000
const encoder = new TextEncoder()

/** All readers who want an event, or all of a reset, are sent the same bytes: they are made once. */
const made = new WeakMap<Event | Reset, Uint8Array>()

export class Frames {
  /** of the last event that passed, wanted or not */
  position: string
  private readonly selection: Selection
  /** the last id that the reader was given */
  private given: string | null = null

  constructor(selection: Selection, position: string) {
    this.selection = selection
    this.position = position
  }

  /** How long to wait before coming back, and the place from which to go on. */
  hello(): Uint8Array {
    return encoder.encode(`retry: ${RETRY_MS}\n${this.movedId()}\n`)
  }

  /** An id without data moves the reader's Last-Event-ID and dispatches nothing. */
  heartbeat(): Uint8Array {
    return encoder.encode(`: heartbeat\n${this.movedId()}\n`)
  }

  farewell(): Uint8Array {
    return encoder.encode(`: reconnect to go on\n${this.movedId()}\n`)
  }

  /** Null when the reader does not want it. Call in order. */
  event(event: Event): Uint8Array | null {
    this.position = event.id
    if (!this.selection.wants(event)) return null
    this.given = event.id
    return once(event, () => frame(event.id, event.type, event))
  }

  /** Everything that is live at `position`, instead of the events before it. */
  reset(reset: Reset): Uint8Array {
    const { position, opportunities } = reset
    this.position = position
    this.given = position
    const data = this.selection.snapshot(opportunities)
    const make = () => frame(position, 'reset', { data })
    return data.length === opportunities.length ? once(reset, make) : make()
  }

  /** The id line that brings the reader past events it did not want; nothing when it is there. */
  private movedId(): string {
    if (this.given === this.position) return ''
    this.given = this.position
    return `id: ${this.position}\n`
  }
}

function once(what: Event | Reset, make: () => Uint8Array): Uint8Array {
  const held = made.get(what)
  if (held !== undefined) return held
  const bytes = make()
  made.set(what, bytes)
  return bytes
}

function frame(id: string, event: string, data: unknown): Uint8Array {
  return encoder.encode(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
}
