/**
 * Turns events into alert jobs: one BullMQ job an event, however often the event is read. The job's
 * id is the event's, so a second attempt finds the first one's job and adds nothing.
 */
import type { Log } from '../../shared/log.ts'
import { eventsOf } from '../publish/entries.ts'
import type { StreamEntry } from '../publish/group.ts'
import { eventJob, type Queues } from './jobs.ts'

/** Handles batches of the `alerts` group. Waits while Redis is away. */
export function createEnqueue(
  queues: Queues,
  log: Log,
): (entries: readonly StreamEntry[]) => Promise<void> {
  return (entries) => queues.alert(eventsOf(entries, log).map(eventJob))
}
