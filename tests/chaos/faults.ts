/** Every fault of the matrix, in its order; those of one rig beside each other, so that it starts once. */
import type { Fault } from './fault.ts'

export const FAULTS: readonly Fault[] = []
