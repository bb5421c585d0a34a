/** The latest opportunities that are over, how long they lived and what ended them. */

import { duration } from '../../../../shared/figures.ts'
import type { Criteria } from '../../../../shared/passes.ts'
import { expiryName } from '../../components/names.ts'
import { useParams } from '../../components/navigation.ts'
import { Card } from '../../components/parts.tsx'
import { Route } from '../../components/route.tsx'
import { passes } from '../../model/filters.ts'
import { percent } from '../../model/format.ts'
import type { State } from '../../model/state.ts'
import { exchangesOf } from '../../model/view.ts'

const SHOWN = 10

export function Ended({ state, filters }: { state: State; filters: Criteria }) {
  const { href, params } = useParams()
  // Whoever still stands in the table, fading, is shown there and not twice.
  const shown = state.ended
    .filter((opportunity) => !state.rows.has(opportunity.id) && passes(opportunity, filters))
    .slice(0, SHOWN)
  if (shown.length === 0) return null
  return (
    <Card id="ended" title="Just ended" hint="Peak net, lifetime">
      <ul class="ended" data-testid="ended">
        {shown.map((opportunity) => (
          <li
            key={opportunity.id}
            class="row"
            data-id={opportunity.id}
            data-open={params.get('open') === opportunity.id}
          >
            <a class="row-link" href={href({ open: opportunity.id })}>
              <span class="symbol">{opportunity.symbol}</span>
              <span class="hidden">: evidence</span>
            </a>
            <span class="ended-route">
              <Route opportunity={opportunity} exchanges={exchangesOf(state)} />
            </span>
            <span class="ended-peak">{percent(opportunity.peak_profit_percent)}%</span>
            <span class="ended-life">{duration(opportunity.duration_ms ?? 0)}</span>
            <span class="ended-reason">{expiryName(opportunity.expiry_reason)}</span>
          </li>
        ))}
      </ul>
    </Card>
  )
}
