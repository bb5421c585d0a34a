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
  /** once it is full the newest takes the place of the oldest */
  private events: Event[] = []
  /** where the oldest is */
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
    this.last = event.id
    if (this.events.length < this.capacity) {
      this.events.push(event)
      return
    }
    this.from = this.at(0).id
    this.events[this.head] = event
    this.head = (this.head + 1) % this.capacity
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
    if (this.events.length === 0 || compareEventIds(this.last, position) <= 0) return null
    let [low, high] = [0, this.events.length - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareEventIds(this.at(middle).id, position) > 0) high = middle
      else low = middle + 1
    }
    return this.at(low)
  }

  /** By age, the oldest first. */
  private at(index: number): Event {
    return this.events[(this.head + index) % this.events.length] as Event
  }
}
