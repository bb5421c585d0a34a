/** What stands in the table's place: why there is nothing, that we are asking, or why we cannot. */
import { count, feePercent, rate, usd } from '../model/format.ts'
import type { State } from '../model/state.ts'
import type { Totals } from '../model/view.ts'
import { QuietWires } from './icons.tsx'

export function Empty({ state, totals }: { state: State; totals: Totals }) {
  return (
    <div class="empty" data-testid="empty">
      <QuietWires />
      <p class="empty-title">Nothing pays after fees right now</p>
      <p>{watching(state, totals)}</p>
      <p>{bar(state)}</p>
    </div>
  )
}

function watching(state: State, totals: Totals): string {
  if (state.exchanges.value === null) return 'How many books are being watched is not known yet.'
  if (totals.books_live === 0) {
    return `None of ${count(totals.books_total)} order books is live, so nothing can be found.`
  }
  return (
    `Watching ${count(totals.books_live)} of ${count(totals.books_total)} order books on ` +
    `${totals.exchanges_connected} of ${totals.exchanges_total} exchanges, ` +
    `${rate(totals.messages_per_second)} messages a second.`
  )
}

function bar(state: State): string {
  const thresholds = state.health.value?.thresholds
  const rule = 'An opportunity is listed when the books hold enough to sell for more than it costs'
  if (thresholds === undefined) return `${rule}, taker fees included.`
  return (
    `${rule}: at least ${feePercent(thresholds.min_profit_percent)}% after taker fees, on ` +
    `${usd(thresholds.min_volume_usd)} or more.`
  )
}

export function Loading() {
  return (
    <div class="loading" role="status" data-testid="loading">
      <span class="hidden">Loading the live opportunities</span>
      <span class="bone" />
      <span class="bone" />
      <span class="bone" />
    </div>
  )
}

export function LoadFailure({ reason }: { reason: string }) {
  return (
    <div class="empty" data-testid="load-failure">
      <p class="empty-title">The live opportunities cannot be loaded</p>
      <p>Trying again by itself: {reason}.</p>
    </div>
  )
}
