/** The sums of the range at a glance. */

import { count, duration, usd } from '../../../../shared/figures.ts'
import type { StatsAnswer } from '../../../../shared/stats.ts'
import { Figure } from '../../components/figure.tsx'
import { percent } from '../../model/format.ts'

export function Totals({ sums }: { sums: StatsAnswer['total'] }) {
  const after = sums?.markouts.find(({ after_ms }) => after_ms === 250)
  const share = after?.profitable_share ?? null
  return (
    <dl class="summary" aria-label="Sums of the range">
      <Figure name="Opportunities" testid="history-count">
        {count(sums?.count ?? 0)}
      </Figure>
      <Figure name="Median lifetime">
        {sums === null ? '–' : duration(sums.median_duration_ms)}
      </Figure>
      <Figure name="Median net">
        {sums === null ? '–' : `${percent(sums.median_profit_percent)}%`}
      </Figure>
      <Figure name="Median size">{sums === null ? '–' : usd(sums.median_volume_usd)}</Figure>
      <Figure name="Real after 250 ms" tone={share === null ? 'faint' : 'good'}>
        {share === null ? '–' : `${(Number(share) * 100).toFixed(0)}%`}
      </Figure>
    </dl>
  )
}
