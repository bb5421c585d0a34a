/**
 * Loaded into the worker before itself: at every SIGHUP its wall clock is set, half a minute ahead,
 * half a minute behind, right again. The worker reads it in one place and knows nothing of this.
 */
import { STEPS_MS } from './steps.ts'

const now = Date.now.bind(Date)
let turn = 0

Date.now = () => now() + (STEPS_MS[turn % STEPS_MS.length] ?? 0)
process.on('SIGHUP', () => turn++)
