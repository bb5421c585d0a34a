/**
 * The newest events in their order and without a hole: all that came after `from`. It forgets the
 * oldest when it is full, and never what a reader still needs on purpose: who falls behind it is
 * told elsewhere.
 */
import { compareEventIds, type Event } from './event.ts'

export class Ring {
  /** every event after this one is here */
  from: string
  /** the newest event, or `from` */
  last: string
  private readonly capacity: number
  private events: Event[] = []
  /** events before this index are forgotten */
  private head = 0

  constructor(from: string, capacity: number) {
    this.from = from
    this.last = from
    this.capacity = capacity
  }

  /** @throws RangeError when the event is not newer than the last: order is the caller's promise */
  push(event: Event): void {
    if (compareEventIds(event.id, this.last) <= 0) {
      throw new RangeError(`${event.id} does not come after ${this.last}`)
    }
    this.events.push(event)
    this.last = event.id
    if (this.events.length - this.head <= this.capacity) return
    this.from = (this.events[this.head] as Event).id
    this.head++
    if (this.head >= this.capacity) {
      this.events = this.events.slice(this.head)
      this.head = 0
    }
  }

  /** Forgets everything: what comes next comes after `position`. */
  restart(position: string): void {
    this.from = position
    this.last = position
    this.events = []
    this.head = 0
  }

  /** Whether everything after the position, up to now, is here. */
  covers(position: string): boolean {
    return compareEventIds(position, this.from) >= 0 && compareEventIds(position, this.last) <= 0
  }

  /** The first event after the position, or null. */
  next(position: string): Event | null {
    const newest = this.events.at(-1)
    if (newest === undefined || compareEventIds(newest.id, position) <= 0) return null
    let [low, high] = [this.head, this.events.length - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareEventIds((this.events[middle] as Event).id, position) > 0) high = middle
      else low = middle + 1
    }
    return this.events[low] as Event
  }
}
