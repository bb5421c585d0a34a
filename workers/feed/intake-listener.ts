/**
 * What the intake of an exchange tells its owner: the things that it cannot do itself, for it has
 * neither socket nor timer. Calls may come at any frame and at any sweep.
 */
import type { FrameError } from '../exchanges/exchange.ts'
import type { Lane } from './lane.ts'
import type { Line } from './line.ts'

/** Why a market's thread was lost. */
export type LossCause = 'sequence' | 'checksum' | 'frame' | 'crossed' | 'quiet' | 'audit'

export interface IntakeListener {
  /** the thread is lost and the book is stale */
  lost(lane: Lane, cause: LossCause): void
  /** only a new snapshot brings the market back: subscribe again, or fetch it by REST */
  needsSnapshot(lane: Lane): void
  synced(lane: Lane): void
  subscribed(market: string): void
  refused(line: Line, market: string | null, reason: string): void
  closing(line: Line, reason: string): void
  system(state: 'online' | 'maintenance', reason: string): void
  /** a SequenceError leaves nothing of the line's that could be trusted */
  badFrame(error: FrameError, line: Line): void
}
