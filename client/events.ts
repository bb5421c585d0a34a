/**
 * The event stream as an async iterator. It resumes by itself; a program that is slow to take what
 * it asked for slows the reading down, so nothing piles up and nothing is lost.
 */
import type { Event } from '../shared/event.ts'
import type { Opportunity } from '../shared/opportunity.ts'
import { openStream, type StreamOptions } from './stream.ts'

/** `reset`: events in between are gone, and this is everything that is live now. */
export type Message = Event | { readonly type: 'reset'; readonly data: Opportunity[] }

type Connection = Pick<
  StreamOptions,
  'url' | 'headers' | 'last_event_id' | 'clock' | 'random' | 'fetch' | 'onLost'
>

/** Ends when `signal` aborts or the loop is left. @throws Refused when the request itself is refused */
export async function* events(
  connection: Connection,
  signal: AbortSignal | undefined,
): AsyncGenerator<Message, void> {
  const handed = new Handover<Message>()
  const stream = openStream({
    ...connection,
    onEvent: (event) => handed.give(event),
    onReset: (data) => handed.give({ type: 'reset', data }),
    onRefused: (refused) => handed.fail(refused),
  })
  const stop = () => handed.end()
  signal?.addEventListener('abort', stop)
  if (signal?.aborted) stop()
  try {
    for (;;) {
      const message = await handed.take()
      if (message === null) return
      yield message
    }
  } finally {
    signal?.removeEventListener('abort', stop)
    stop()
    stream.close()
  }
}

/** One value at a time from a giver to a taker, each of whom waits for the other. */
class Handover<T> {
  private value: T | null = null
  private error: Error | null = null
  private ended = false
  private onValue = () => {}
  private onTaken = () => {}

  /** Resolves when the value is taken. */
  give(value: T): Promise<void> {
    if (this.ended) return Promise.resolve()
    return new Promise((resolve) => {
      this.onTaken = resolve
      this.value = value
      this.onValue()
    })
  }

  fail(error: Error): void {
    this.error = error
    this.end()
  }

  end(): void {
    this.ended = true
    this.onTaken()
    this.onValue()
  }

  /** Null at the end. */
  async take(): Promise<T | null> {
    while (this.value === null) {
      if (this.error !== null) throw this.error
      if (this.ended) return null
      await new Promise<void>((resolve) => {
        this.onValue = resolve
      })
    }
    const taken = this.value
    this.value = null
    this.onTaken()
    return taken
  }
}
