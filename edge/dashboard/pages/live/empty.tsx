/** What stands in the table's place while there is nothing in it, and why there is nothing. */

import { count, usd } from '../../../../shared/figures.ts'
import { QuietWires } from '../../components/icons.tsx'
import { feePercent, rate } from '../../model/format.ts'
import type { State } from '../../model/state.ts'
import type { Totals } from '../../model/view.ts'

interface Props {
  state: State
  totals: Totals
  is_filtered: boolean
}

export function Empty({ state, totals, is_filtered }: Props) {
  if (is_filtered && totals.live > 0) {
    return (
      <div class="empty" data-testid="empty">
        <p class="empty-title">Nothing passes the filters</p>
        <p>{count(totals.live)} live without them.</p>
      </div>
    )
  }
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
