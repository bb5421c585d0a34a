/** Our terms in words for people. Every table is complete by its type. */
import type { ExchangeStatus } from '../../../shared/health.ts'
import type { ExpiryReason, OpportunityType, TransferStatus } from '../../../shared/opportunity.ts'

export const TYPES: Record<OpportunityType, string> = {
  cross_exchange: 'Cross-exchange',
  triangular: 'Triangular',
  multi_leg: 'Multi-leg',
}

const REASONS: Record<ExpiryReason, string> = {
  closed: 'gap closed',
  stale: 'book went stale',
  halted: 'trading halted',
  gap: 'book lost continuity',
  disconnected: 'exchange disconnected',
  shutdown: 'worker stopped',
}

const STATES: Record<ExchangeStatus['state'], { words: string; tone: string }> = {
  online: { words: 'Online', tone: 'good' },
  connecting: { words: 'Connecting', tone: 'waiting' },
  maintenance: { words: 'Maintenance', tone: 'waiting' },
  blocked: { words: 'Blocked here', tone: 'bad' },
  down: { words: 'Down', tone: 'bad' },
}

export const TRANSFERS: Record<TransferStatus, string> = {
  open: 'open between both',
  closed: 'closed',
  unknown: 'not known',
}

// A newer server may know a term that this page does not: its own word is then the best one.
export const typeName = (type: OpportunityType) => TYPES[type] ?? type
export const expiryName = (reason: ExpiryReason | null) =>
  reason === null ? 'ended' : (REASONS[reason] ?? reason)
export const stateName = (state: ExchangeStatus['state']) =>
  STATES[state] ?? { words: state, tone: 'waiting' }
export const transferName = (transfer: TransferStatus) => TRANSFERS[transfer] ?? transfer
