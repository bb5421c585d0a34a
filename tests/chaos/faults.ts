/** Every fault of the matrix, in its order; those of one rig beside each other, so that it starts once. */
import { DELIVERY_FAULTS } from './delivery/index.ts'
import type { Fault } from './fault.ts'
import { SERVICE_FAULTS } from './service/index.ts'

export const FAULTS: readonly Fault[] = [...SERVICE_FAULTS, ...DELIVERY_FAULTS]
