/** Every fault of the matrix, in its order; those of one rig beside each other, so that it starts once. */
import { gap, reordered, repeated, wrongLevel } from './exchanges/sequence.ts'
import type { Fault } from './fault.ts'

export const FAULTS: readonly Fault[] = [gap, repeated, reordered, wrongLevel]
