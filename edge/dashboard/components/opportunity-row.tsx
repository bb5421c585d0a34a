/** One opportunity in the table, with its evidence below it when opened. */
import type { Opportunity } from '../../../shared/opportunity.ts'
import { amount, elapsed, percent, usd } from '../model/format.ts'
import type { Row, State } from '../model/state.ts'
import { serverNow_ms } from '../model/view.ts'
import { Evidence } from './evidence.tsx'
import { Chevron } from './icons.tsx'
import { typeName } from './names.ts'
import { Route } from './route.tsx'
import { Trend } from './trend.tsx'

interface Props {
  row: Row
  state: State
  opened: boolean
  onToggle: (id: string) => void
}

export function OpportunityRow({ row, state, opened, onToggle }: Props) {
  const { opportunity } = row
  const { id } = opportunity
  const ended = row.ended_ms !== null
  const [base = ''] = opportunity.symbol.split('/')
  const age = elapsed(age_ms(opportunity, state))
  return (
    <>
      <tr
        class={`row ${ended ? 'row-ended' : ''} ${row.movement === 'new' ? 'row-new' : ''}`}
        data-testid="row"
        data-id={id}
      >
        <th scope="row">
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
          <span class="under">
            <span class="narrow">
              <Route opportunity={opportunity} state={state} />
            </span>
            <span class="wide">{typeName(opportunity.type)}</span>
            {opportunity.transfer === 'closed' && (
              <span class="chip chip-warn">transfer closed</span>
            )}
          </span>
        </th>
        <td class="wide">
          <Route opportunity={opportunity} state={state} priced />
        </td>
        <td class="number">
          <span key={row.revision} class={`net moved-${row.movement}`} data-testid="net">
            <Movement movement={row.movement} />
            {percent(opportunity.profit_percent)}
            <span class="unit">%</span>
          </span>
          <span class="under">peak {percent(opportunity.peak_profit_percent)}</span>
        </td>
        <td class="widest">
          <Trend values={row.trend} />
        </td>
        <td class="number wider">
          {amount(opportunity.base_size)} <span class="unit">{base}</span>
          <span class="under">{usd(opportunity.volume_usd)}</span>
        </td>
        <td class="number">
          <span class="profit">{usd(opportunity.profit_usd)}</span>
          <span class="under narrow">{ended ? 'ended' : age}</span>
        </td>
        <td class="number wide" data-testid="age">
          {ended ? 'ended' : age}
        </td>
      </tr>
      {opened && (
        <tr class="evidence-row" id={`evidence-${id}`}>
          <td colSpan={7}>
            <Evidence opportunity={opportunity} state={state} />
          </td>
        </tr>
      )}
    </>
  )
}

function Movement({ movement }: { movement: Row['movement'] }) {
  if (movement !== 'up' && movement !== 'down') return null
  return (
    <>
      <span class="movement" aria-hidden="true">
        {movement === 'up' ? '▲' : '▼'}
      </span>
      <span class="hidden">{movement === 'up' ? 'rose to' : 'fell to'} </span>
    </>
  )
}

function age_ms(opportunity: Opportunity, state: State): number {
  return opportunity.duration_ms ?? serverNow_ms(state) - Date.parse(opportunity.detected_at)
}
