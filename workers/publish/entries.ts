/** Stream entries as events. What is not an event is poison: it is told once and never retried. */
import { type Event, eventFromStream } from '../../shared/event.ts'
import type { Log } from '../../shared/log.ts'
import type { StreamEntry } from './group.ts'

/** The events among the entries, in their order; the others are logged and left out. */
export function eventsOf(entries: readonly StreamEntry[], log: Log): Event[] {
  return entries.flatMap(({ id, fields }) => {
    try {
      return [eventFromStream(id, fields)]
    } catch (error) {
      log.error('the stream held an entry that is not an event: skipped', { id, error })
      return []
    }
  })
}
