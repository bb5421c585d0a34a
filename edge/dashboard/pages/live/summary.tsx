/** The figures that answer "is anything going on?" at a glance. */

import { count, usd } from '../../../../shared/figures.ts'
import { Figure } from '../../components/figure.tsx'
import { percent, rate } from '../../model/format.ts'
import type { Totals } from '../../model/view.ts'

export function Summary({ totals, loaded }: { totals: Totals; loaded: boolean }) {
  const { best_percent } = totals
  return (
    <dl class="summary" aria-label="Summary">
      <Figure name="Live now" testid="live-count">
        {count(totals.live)}
      </Figure>
      <Figure name="Best net" tone={best_percent === null ? 'faint' : 'good'}>
        {best_percent === null ? '–' : `${percent(best_percent)}%`}
      </Figure>
      <Figure name="Net profit">{usd(totals.profit_usd)}</Figure>
      <Figure name="Books live" tone={loaded ? undefined : 'faint'}>
        {loaded ? count(totals.books_live) : '–'}
        <small> / {loaded ? count(totals.books_total) : '–'}</small>
      </Figure>
      <Figure name="Messages/s" tone={loaded ? undefined : 'faint'}>
        {loaded ? rate(totals.messages_per_second) : '–'}
      </Figure>
    </dl>
  )
}
