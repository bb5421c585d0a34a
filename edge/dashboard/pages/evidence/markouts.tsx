/** What was left for a taker of the same size who came so much later. */

import { duration } from '../../../../shared/figures.ts'
import type { Opportunity } from '../../../../shared/opportunity.ts'
import { percent } from '../../model/format.ts'

export function Markouts({ opportunity }: { opportunity: Opportunity }) {
  const { markouts } = opportunity
  if (markouts.length === 0) {
    return (
      <p class="note">
        {opportunity.status === 'expired'
          ? 'Nobody could look again in time, so it is not known what was left.'
          : 'Looked at again 50 ms to 1 s after the detection; nothing is known yet.'}
      </p>
    )
  }
  const known = markouts.flatMap(({ profit_percent }) =>
    profit_percent === null ? [] : [Math.abs(Number(profit_percent))],
  )
  const largest = Math.max(...known, 0.0001)
  return (
    <table class="markouts">
      <caption class="hidden">Net profit for a taker who comes later</caption>
      <thead class="hidden">
        <tr>
          <th scope="col">Later by</th>
          <th scope="col">Net of fees</th>
        </tr>
      </thead>
      <tbody>
        {markouts.map(({ after_ms, profit_percent }) => (
          <tr key={after_ms}>
            <th scope="row">{duration(after_ms)}</th>
            <td>
              <Bar share={profit_percent === null ? 0 : Number(profit_percent) / largest} />
              <span class={toneOf(profit_percent)}>
                {profit_percent === null ? 'not known' : `${percent(profit_percent)}%`}
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function toneOf(profit_percent: string | null): string {
  if (profit_percent === null) return 'faint'
  return profit_percent.startsWith('-') ? 'bad' : 'good'
}

/** From the middle to the right what pays, to the left what costs. */
function Bar({ share }: { share: number }) {
  const width = Math.abs(share) * 50
  return (
    <svg class="markout-bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      <rect class="markout-zero" x="49.7" width="0.6" height="4" />
      <rect
        class={share < 0 ? 'fill-bad' : 'fill-good'}
        x={share < 0 ? 50 - width : 50}
        width={width}
        height="4"
      />
    </svg>
  )
}
