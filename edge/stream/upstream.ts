/**
 * The event stream as one endless, gapless sequence: it subscribes first, then replays what came
 * after a position, then drops what it has already seen. A lost subscription is taken up again from
 * the same position; where SUBSCRIBE is refused the stream is polled. It knows no reader, no filter
 * and no SSE.
 */
import { compareEventIds, type Event, Event as EventSchema } from '../../shared/event.ts'
import { KEYS } from '../../shared/keys.ts'
import type { Log } from '../../shared/log.ts'
import type { Opportunity } from '../../shared/opportunity.ts'
import type { Live, StreamBounds } from '../store/live.ts'
import { jittered, sleep } from '../time.ts'
import { type Subscribe, SubscriptionRefused } from './subscription.ts'

/** The position before every event. */
export const BEGINNING = '0-0'

/** Events between were trimmed: this is everything that is live at `position`. */
export interface Reset {
  readonly kind: 'reset'
  readonly position: string
  readonly opportunities: readonly Opportunity[]
}

export type Item = { readonly kind: 'event'; readonly event: Event } | Reset

/** What came after a position, oldest first; `more`: there is yet more after the new position. */
interface Page {
  readonly kind: 'page'
  readonly events: readonly Event[]
  readonly position: string
  readonly more: boolean
}
export type Replay = Page | Reset

export interface Source {
  readonly live: Live
  readonly subscribe: Subscribe
  readonly log: Log
}

const PAGE = 200
const POLL_EVERY_MS = 1_000
/** A silent subscription is checked against the stream: PUBLISH promises no delivery. */
const CHECK_AFTER_MS = 15_000
const RETRY_FIRST_MS = 250
const RETRY_LAST_MS = 5_000

/** What the stream holds after the position, up to a page of it; null when Redis does not answer. */
export async function replay(live: Live, position: string): Promise<Replay | null> {
  const page = await live.eventsAfter(position, PAGE)
  if (!page.ok) return null
  return isLost(position, page.value.bounds) ? resetNow(live) : { kind: 'page', ...page.value }
}

/** The position is read before the live set: an event twice is harmless, a missing one is not. */
async function resetNow(live: Live): Promise<Reset | null> {
  const bounds = await live.streamBounds()
  const set = await live.opportunities()
  if (!bounds.ok || !set.ok) return null
  const position = bounds.value?.last ?? BEGINNING
  return { kind: 'reset', position, opportunities: set.value.opportunities }
}

/** Events after `start`, until `signal` aborts. Stores that are away are waited for. */
export async function* follow(
  source: Source,
  start: string,
  signal: AbortSignal,
): AsyncGenerator<Item, void> {
  const reader = new PositionedReader(source, start)
  let retry_ms = RETRY_FIRST_MS
  while (!signal.aborted) {
    const progress = reader.position
    try {
      const messages = await source.subscribe(KEYS.channel, signal)
      try {
        yield* reader.catchUp()
        yield* reader.listen(messages, signal)
      } finally {
        messages.close()
      }
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof SubscriptionRefused) {
        source.log.warn('subscriptions are refused: polling instead', { reason: error.message })
        yield* reader.poll(signal)
        return
      }
    }
    if (reader.position !== progress) retry_ms = RETRY_FIRST_MS
    await sleep(jittered(retry_ms, 0.5), signal)
    retry_ms = Math.min(retry_ms * 2, RETRY_LAST_MS)
  }
}

class StoreAway extends Error {}

/** Owns the position: everything after it is still to be delivered, nothing before it is again. */
class PositionedReader {
  position: string
  private readonly source: Source

  constructor(source: Source, position: string) {
    this.source = source
    this.position = position
  }

  /** What the stream holds after the position. @throws StoreAway */
  async *catchUp(): AsyncGenerator<Item, void> {
    for (let more = true; more; ) {
      const page = await replay(this.source.live, this.position)
      if (page === null) throw new StoreAway()
      if (page.kind === 'reset') {
        this.position = page.position
        yield page
        continue
      }
      for (const event of page.events) {
        this.position = event.id
        yield { kind: 'event', event }
      }
      this.position = page.position
      more = page.more
    }
  }

  /** Live messages, until the subscription ends or turns out to have missed something. */
  async *listen(messages: AsyncIterator<string>, signal: AbortSignal): AsyncGenerator<Item, void> {
    const pull = () => {
      const message = messages.next()
      // It may be left behind when the subscription is closed; whoever awaits it still hears of it.
      message.catch(() => undefined)
      return message
    }
    let next = pull()
    while (!signal.aborted) {
      const message = await soonest(next, CHECK_AFTER_MS, signal)
      if (message === null) {
        const checked = this.position
        yield* this.catchUp()
        if (this.position !== checked) return
        continue
      }
      if (message.done === true) return
      next = pull()
      const event = this.read(message.value)
      if (event === null || compareEventIds(event.id, this.position) <= 0) continue
      this.position = event.id
      yield { kind: 'event', event }
    }
  }

  async *poll(signal: AbortSignal): AsyncGenerator<Item, void> {
    while (!signal.aborted) {
      try {
        yield* this.catchUp()
      } catch (error) {
        if (!(error instanceof StoreAway)) throw error
      }
      await sleep(POLL_EVERY_MS, signal)
    }
  }

  private read(text: string): Event | null {
    try {
      return EventSchema.parse(JSON.parse(text))
    } catch {
      this.source.log.error('an unreadable event was left out', { channel: KEYS.channel })
      return null
    }
  }
}

/** Trimmed away, or from before the stream was lost. The beginning is never lost. */
function isLost(position: string, bounds: StreamBounds): boolean {
  if (position === BEGINNING) return false
  if (bounds === null) return true
  return compareEventIds(position, bounds.first) < 0 || compareEventIds(position, bounds.last) > 0
}

/**
 * Null when it takes longer, or the signal aborts. This runs for every event, so it makes no signal
 * of its own: workerd's garbage collector sees little of what each of them holds.
 */
function soonest<T>(
  promise: Promise<T>,
  within_ms: number,
  signal: AbortSignal,
): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(giveUp, within_ms)
    signal.addEventListener('abort', giveUp)
    function giveUp() {
      end()
      resolve(null)
    }
    function end() {
      clearTimeout(timer)
      signal.removeEventListener('abort', giveUp)
    }
    promise.finally(end).then(resolve, reject)
  })
}
