/** How much of it was real: the share that would still have paid a taker who came so much later. */

import { count, duration } from '../../../../shared/figures.ts'
import type { StatsAnswer } from '../../../../shared/stats.ts'
import { Nothing } from '../../components/parts.tsx'
import { percent } from '../../model/format.ts'

export function Survival({ sums }: { sums: StatsAnswer['total'] }) {
  if (sums === null) return <Nothing title="Nothing to look at again" />
  return (
    <table class="shares" data-testid="survival">
      <thead>
        <tr>
          <th scope="col">Later by</th>
          <th scope="col">
            <span class="hidden">As a bar</span>
          </th>
          <th scope="col" class="number">
            Still paid
          </th>
          <th scope="col" class="number">
            Median net
          </th>
          <th scope="col" class="number wide-only">
            Known
          </th>
        </tr>
      </thead>
      <tbody>
        {sums.markouts.map(({ after_ms, known, profitable_share, median_profit_percent }) => (
          <tr key={after_ms}>
            <th scope="row">{duration(after_ms)}</th>
            <td class="share-bar">
              <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
                <rect class="fill-line" width="100" height="4" />
                <rect class="fill-good" width={Number(profitable_share ?? 0) * 100} height="4" />
              </svg>
            </td>
            <td class="number">
              {profitable_share === null ? '–' : `${(Number(profitable_share) * 100).toFixed(1)}%`}
            </td>
            <td class={`number ${median_profit_percent?.startsWith('-') ? 'bad' : 'good'}`}>
              {median_profit_percent === null ? '–' : `${percent(median_profit_percent)}%`}
            </td>
            <td class="number wide-only">{count(known)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
