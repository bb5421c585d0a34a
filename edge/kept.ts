/**
 * The edge's own memory of answers that anybody may keep, until they are too old to be given again.
 * A private answer never gets in here, nor does a refusal.
 */
import { systemClock } from '../shared/clock.ts'
import { BoundedMap } from './bounded.ts'

export interface Kept {
  readonly status: number
  /** as its endpoint wrote them, with the entity tag */
  readonly headers: readonly (readonly [string, string])[]
  readonly body: ArrayBuffer
  /** null: it has none */
  readonly tag: string | null
  readonly until_ms: number
  /** as it left for a caller without credentials: by status, for it may be answered by 304 */
  readonly left: Map<number, Left>
}

/** All headers of an answer on its way out. Only what is said of the caller's rate differs. */
interface Left {
  readonly headers: Headers
  readonly is_metered: boolean
}

/** Together at most 32 MB, and seldom more than a few: an isolate has 128. */
const ANSWERS_MAX = 64
export const BODY_MAX = 512 * 1_024

const answers = new BoundedMap<Kept>(ANSWERS_MAX)

/** What was kept for this address, unless it is older than it may be by more than `late_ms`. */
export function keptFor(url: string, late_ms: number): Kept | undefined {
  const kept = answers.get(url)
  return kept !== undefined && isFresh(kept, late_ms) ? kept : undefined
}

export function keep(url: string, made: Kept): void {
  if (isFresh(made, 0)) answers.set(url, made)
}

function isFresh({ until_ms }: Kept, late_ms: number): boolean {
  return systemClock.wall_ms() < until_ms + late_ms
}
