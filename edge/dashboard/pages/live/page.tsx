/** What can be taken now, what has just ended, and whether the exchanges are being watched. */
import { useParams } from '../../components/navigation.ts'
import { filtersOf, passes } from '../../model/filters.ts'
import type { State } from '../../model/state.ts'
import { totals } from '../../model/view.ts'
import { Ended } from './ended.tsx'
import { ExchangeRail } from './exchange-rail.tsx'
import { LiveFilters } from './live-filters.tsx'
import { Opportunities } from './opportunities.tsx'
import { Summary } from './summary.tsx'

export function LivePage({ state }: { state: State }) {
  const { params } = useParams()
  const figures = totals(state)
  const filters = filtersOf(params)
  const rows = [...state.rows.values()].filter(({ opportunity }) => passes(opportunity, filters))
  return (
    <>
      <h2 class="hidden" id="page-title" tabIndex={-1}>
        Live
      </h2>
      <Summary totals={figures} loaded={state.exchanges.heard_ms !== null} />
      <div class="columns">
        <div class="column">
          <LiveFilters state={state} />
          <Opportunities
            state={state}
            totals={figures}
            rows={rows}
            is_filtered={Object.keys(filters).length > 0}
          />
          <Ended state={state} filters={filters} />
        </div>
        <ExchangeRail state={state} />
      </div>
    </>
  )
}
