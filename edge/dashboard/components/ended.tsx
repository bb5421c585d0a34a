/** The latest opportunities that are over, how long they lived and what ended them. */
import type { Opportunity } from '../../../shared/opportunity.ts'
import { duration, percent } from '../model/format.ts'
import type { State } from '../model/state.ts'
import { Evidence } from './evidence.tsx'
import { Chevron } from './icons.tsx'
import { expiryName } from './names.ts'
import { Route } from './route.tsx'

const SHOWN = 8

interface Props {
  state: State
  onToggle: (id: string) => void
}

export function Ended({ state, onToggle }: Props) {
  // Whoever still stands in the table, fading or being read, is shown there and not twice.
  const shown = state.ended.filter(({ id }) => !state.rows.has(id)).slice(0, SHOWN)
  if (shown.length === 0) return null
  return (
    <section class="card" aria-labelledby="ended-title">
      <div class="card-head">
        <h2 id="ended-title">Just ended</h2>
        <p class="hint">Peak net profit and lifetime</p>
      </div>
      <ul class="ended" data-testid="ended">
        {shown.map((opportunity) => (
          <EndedItem
            key={opportunity.id}
            opportunity={opportunity}
            state={state}
            onToggle={onToggle}
          />
        ))}
      </ul>
    </section>
  )
}

function EndedItem({ opportunity, state, onToggle }: Props & { opportunity: Opportunity }) {
  const { id } = opportunity
  const opened = state.opened.has(id)
  return (
    <li data-id={id}>
      <div class="ended-line">
        <button
          type="button"
          class="disclose"
          aria-expanded={opened}
          aria-controls={opened ? `evidence-${id}` : undefined}
          onClick={() => onToggle(id)}
        >
          <Chevron />
          <span class="symbol">{opportunity.symbol}</span>
        </button>
        <span class="ended-route">
          <Route opportunity={opportunity} state={state} />
        </span>
        <span class="ended-peak">{percent(opportunity.peak_profit_percent)}%</span>
        <span class="ended-life">{duration(opportunity.duration_ms ?? 0)}</span>
        <span class="ended-reason">{expiryName(opportunity.expiry_reason)}</span>
      </div>
      {opened && (
        <div id={`evidence-${id}`}>
          <Evidence opportunity={opportunity} state={state} />
        </div>
      )}
    </li>
  )
}
