/**
 * When a new link takes over from an old one, and with which markets. Most join by a change or a
 * snapshot that fits the book; a quiet one sends neither for minutes and is not wrong for that. It
 * only judges: links are opened and ended by their connection.
 */
import type { Continuity } from '../book/sequencer.ts'
import type { Lane } from './lane.ts'
import type { Line } from './line.ts'
import { groupsOf } from './link.ts'

/** the quiet ones are not waited for any longer */
const LIMIT_MS = 10_000
/** unless nothing at all came: then nothing shows that the subscriptions are there */
const SILENT_LIMIT_MS = 60_000
/** what the old link had on its way when the new subscriptions began has arrived by then */
const SETTLED_MS = 1_000

/** Whether `line`, open for so long, should be the one that counts. */
export function isComplete(lanes: readonly Lane[], line: Line, open_ms: number): boolean {
  const joined = lanes.filter(({ carrier }) => carrier === line).length
  if (joined === lanes.length) return true
  return open_ms > (joined > 0 ? LIMIT_MS : SILENT_LIMIT_MS)
}

/**
 * The markets that `line` may go on with though nothing of theirs came on it: the exchange serves
 * the request that subscribed them, for others of it have joined, so every change from then on comes
 * here, and the next one shows by its ids whether any was missed. Not those whose changes came here
 * and did not fit: the old link owes them something. `lanes` in the order of the
 * requests.
 */
export function quietMarkets(
  lanes: readonly Lane[],
  line: Line,
  open_ms: number,
  plan: { readonly continuity: Continuity; readonly markets_per_frame: number },
): Lane[] {
  if (plan.continuity !== 'range' || open_ms < SETTLED_MS) return []
  return groupsOf(lanes, plan.markets_per_frame)
    .filter((group) => group.some(({ carrier }) => carrier === line))
    .flatMap((group) => group.filter((lane) => lane.carrier !== line && lane.isQuiet(line)))
}
