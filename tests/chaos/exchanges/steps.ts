/** By how much the worker's wall clock is wrong, step by step, and how to see it in what it wrote. */
import type { Event } from '../../../shared/event.ts'

export const STEP_MS = 30_000
export const STEPS_MS = [0, STEP_MS, -STEP_MS] as const

/** The event as a right clock would have dated it: Redis, whose clock is right, made its id just then. */
export function rightlyDated(event: Event): Event {
  const wrote_ms = Number(event.id.split('-')[0])
  const dated_ms = Date.parse(event.timestamp)
  const wrong_ms = Math.round((dated_ms - wrote_ms) / STEP_MS) * STEP_MS
  if (wrong_ms === 0) return event
  return { ...event, timestamp: new Date(dated_ms - wrong_ms).toISOString() }
}
