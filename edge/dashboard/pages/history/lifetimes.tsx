/** The distribution of the lifetimes: who could have been quick enough. */

import { count, duration } from '../../../../shared/figures.ts'
import type { Opportunity } from '../../../../shared/opportunity.ts'
import { Nothing } from '../../components/parts.tsx'
import { type LifetimeBin, lifetimes } from '../../model/history.ts'

export function Lifetimes({ opportunities }: { opportunities: readonly Opportunity[] }) {
  const bins = lifetimes(opportunities)
  const most = Math.max(...bins.map((bin) => bin.count))
  if (most === 0) return <Nothing title="Nothing has ended in this range" />
  const total = bins.reduce((sum, bin) => sum + bin.count, 0)
  return (
    <table class="shares shares-dense" data-testid="lifetimes">
      <caption class="hidden">How many lived how long</caption>
      <thead class="hidden">
        <tr>
          <th scope="col">Lived</th>
          <th scope="col">As a bar</th>
          <th scope="col">Count</th>
          <th scope="col">Share</th>
        </tr>
      </thead>
      <tbody>
        {bins.map((bin) => (
          <tr key={bin.from_ms}>
            <th scope="row">{nameOf(bin)}</th>
            <td class="share-bar">
              <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
                <rect class="fill-accent" width={(bin.count / most) * 100} height="4" />
              </svg>
            </td>
            <td class="number">{count(bin.count)}</td>
            <td class="number unit">{((bin.count / total) * 100).toFixed(0)}%</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function nameOf({ from_ms, below_ms }: LifetimeBin): string {
  if (below_ms === null) return `${short(from_ms)} and more`
  return from_ms === 0 ? `under ${short(below_ms)}` : `${short(from_ms)} – ${short(below_ms)}`
}

/** "1.0 s" → "1 s", "1 m 00 s" → "1 m" */
function short(ms: number): string {
  return duration(ms).replace('.0 ', ' ').replace(' 00 s', '')
}
