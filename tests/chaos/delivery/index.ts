/** What is done to alerts on their way, and to readers of the stream. */
import type { Fault } from '../fault.ts'
import { badReceivers } from './bad-receivers.ts'
import { frozenReaders } from './frozen-readers.ts'
import { privateAddresses } from './private-addresses.ts'
import { stalledJob } from './stalled-job.ts'

export const DELIVERY_FAULTS: readonly Fault[] = [
  badReceivers,
  privateAddresses,
  stalledJob,
  frozenReaders,
]
