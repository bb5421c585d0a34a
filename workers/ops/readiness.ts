/**
 * How much of what is to be watched can be used now, in percent: the share of live books, each
 * exchange with the same weight. A halted market is as it should be; an exchange without any list of
 * markets yet counts as nothing.
 */
import type { ExchangeStatus } from '../../shared/health.ts'

type Counted = Pick<ExchangeStatus, 'connected' | 'books_live' | 'books_halted' | 'books_total'>

export function readinessOf(statuses: readonly Counted[]): number {
  if (statuses.length === 0) return 0
  const shares = statuses.map(({ connected, books_live, books_halted, books_total }) =>
    connected && books_total > 0 ? (books_live + books_halted) / books_total : 0,
  )
  return (100 * shares.reduce((sum, share) => sum + share, 0)) / statuses.length
}
