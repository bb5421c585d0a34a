/**
 * Who got what: events as they stand in the stream against what a reader or a subscriber was given.
 * An id is one event, however often it came; what a reader missed under a reset was made up for by
 * the live set. It compares and says in words what does not agree.
 */
import type { ToldEvent } from '../../../bench/failover/story.ts'
import { compareEventIds } from '../../../shared/event.ts'

/** One event given to somebody. */
export interface Receipt {
  readonly id: string
  readonly at_ms: number
}

export interface Comparison {
  /** told and never received */
  readonly missing: readonly ToldEvent[]
  /** received once more than needed */
  readonly repeated: number
  /** received and never told, or out of order, in words */
  readonly wrong: readonly string[]
}

/** A subscriber to everything: order is not promised to it. */
export function compareAny(
  told: readonly ToldEvent[],
  receipts: readonly Receipt[],
): Pick<Comparison, 'missing' | 'repeated'> {
  const ids = new Set(receipts.map(({ id }) => id))
  const missing = told.filter(({ id }) => !ids.has(id))
  return { missing, repeated: receipts.length - ids.size }
}

/** A reader of the stream: once each and in order, but for what a reset made up for. */
export function compareInOrder(
  told: readonly ToldEvent[],
  receipts: readonly Receipt[],
  resets: readonly number[],
): Comparison {
  const { missing, repeated } = compareAny(told, receipts)
  const spans = resets.map((at) => [receipts[at - 1]?.id, receipts[at]?.id] as const)
  const isMadeUp = ({ id }: ToldEvent) =>
    spans.some(
      ([before = '0-0', after]) =>
        compareEventIds(id, before) > 0 && (after === undefined || compareEventIds(id, after) < 0),
    )
  const known = new Set(told.map(({ id }) => id))
  const wrong: string[] = []
  let newest = '0-0'
  for (const { id } of new Map(receipts.map((one) => [one.id, one])).values()) {
    if (!known.has(id)) wrong.push(`${id} was read and is not in the stream`)
    if (compareEventIds(id, newest) < 0) wrong.push(`${id} was read after ${newest}`)
    newest = id
  }
  return { missing: missing.filter((event) => !isMadeUp(event)), repeated, wrong }
}
