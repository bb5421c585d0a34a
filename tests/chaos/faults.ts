/**
 * Every fault of the matrix. Those of one rig stand beside each other, so that it starts once, and
 * between those that break connections others give them time to be old again. Faults in a list of
 * their own spend their time waiting, on different exchanges: they run side by side.
 */
import { DELIVERY_FAULTS } from './delivery/index.ts'
import { burst } from './exchanges/burst.ts'
import { corrupt, ended, halfOpen } from './exchanges/connections.ts'
import { garbage } from './exchanges/garbage.ts'
import { refusedAll, refusedMarket, refusedSnapshots } from './exchanges/refusals.ts'
import { gap, reordered, repeated, wrongLevel } from './exchanges/sequence.ts'
import { silence } from './exchanges/silence.ts'
import { delayed, stopped, wrongClock } from './exchanges/time.ts'
import { crossed, halted } from './exchanges/trading.ts'
import type { Fault } from './fault.ts'
import { SERVICE_FAULTS } from './service/index.ts'

/** One, or several side by side. */
export type Turn = Fault | readonly Fault[]

export const TURNS: readonly Turn[] = [
  corrupt,
  ...[gap, repeated, reordered, crossed, halted],
  halfOpen,
  [wrongLevel, silence],
  ended,
  ...[delayed, wrongClock, stopped, refusedSnapshots],
  ...[refusedMarket, refusedAll, garbage],
  burst,
  ...SERVICE_FAULTS,
  ...DELIVERY_FAULTS,
]

export const FAULTS: readonly Fault[] = TURNS.flat()
