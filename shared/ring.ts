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
  /** all events are numbered: the n-th is at n modulo the capacity, until another takes its place */
  private slots: Event[] = []
  private oldest = 0
  private end = 0

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
    if (this.end - this.oldest === this.capacity) {
      this.from = this.at(this.oldest).id
      this.oldest++
    }
    this.slots[this.end % this.capacity] = event
    this.end++
    this.last = event.id
  }

  /** Forgets everything: what comes next comes after `position`. */
  restart(position: string): void {
    this.from = position
    this.last = position
    this.slots = []
    this.oldest = 0
    this.end = 0
  }

  /** Whether everything after the position, up to now, is here. */
  covers(position: string): boolean {
    return compareEventIds(position, this.from) >= 0 && compareEventIds(position, this.last) <= 0
  }

  /** The first event after the position, or null. */
  next(position: string): Event | null {
    if (this.end === this.oldest || compareEventIds(this.last, position) <= 0) return null
    let [low, high] = [this.oldest, this.end - 1]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (compareEventIds(this.at(middle).id, position) > 0) high = middle
      else low = middle + 1
    }
    return this.at(low)
  }

  /** Of a number from the oldest to the end. */
  private at(number: number): Event {
    return this.slots[number % this.capacity] as Event
  }
}
