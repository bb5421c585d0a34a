/** One opportunity in the table. The whole row leads to its evidence. */

import { usd } from '../../../../shared/figures.ts'
import { typeName } from '../../components/names.ts'
import { Route } from '../../components/route.tsx'
import { Trend } from '../../components/trend.tsx'
import { amount, percent } from '../../model/format.ts'
import type { Exchanges, Row } from '../../model/state.ts'

interface Props {
  row: Row
  exchanges: Exchanges
  /** in words, or that it has ended */
  age: string
  /** it changed just now */
  is_news: boolean
  /** from 0, among all rows, of which the document holds only some */
  place: number
  href: string
  is_open: boolean
}

export function OpportunityRow(props: Props) {
  const { row, exchanges, age, is_news, place, href, is_open } = props
  const { opportunity } = row
  const ended = row.ended_ms !== null
  const is_closed = opportunity.transfer === 'closed'
  const [base = ''] = opportunity.symbol.split('/')
  return (
    <tr
      class={`row ${ended ? 'row-ended' : ''} ${is_news && row.movement === 'new' ? 'row-new' : ''} ${is_closed ? 'row-closed' : ''}`}
      aria-rowindex={place + 2}
      data-testid="row"
      data-id={opportunity.id}
      data-open={is_open}
    >
      <th scope="row">
        <a class="row-link" href={href} aria-current={is_open ? 'true' : undefined}>
          <span class="symbol">{opportunity.symbol}</span>
          <span class="hidden">: evidence</span>
        </a>
        <span class="under">
          <span class="narrow">
            <Route opportunity={opportunity} exchanges={exchanges} />
          </span>
          <span class="wide">{typeName(opportunity.type)}</span>
          {is_closed && <span class="chip chip-warn">transfer closed</span>}
        </span>
      </th>
      <td class="wide">
        <Route opportunity={opportunity} exchanges={exchanges} priced />
      </td>
      <td class="number">
        <span class={is_news ? `net moved-${row.movement}` : 'net'} data-testid="net">
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
        {usd(opportunity.volume_usd)}
        <span class="under">
          {amount(opportunity.base_size)} {base}
        </span>
      </td>
      <td class="number">
        <span class="profit">{usd(opportunity.profit_usd)}</span>
        <span class="under narrow">{age}</span>
      </td>
      <td class="number wide" data-testid="age">
        {age}
      </td>
    </tr>
  )
}

function Movement({ movement }: { movement: Row['movement'] }) {
  if (movement !== 'up' && movement !== 'down') return null
  return (
    <>
      <span class={`movement movement-${movement}`} aria-hidden="true">
        {movement === 'up' ? '▲' : '▼'}
      </span>
      <span class="hidden">{movement === 'up' ? 'rose to' : 'fell to'} </span>
    </>
  )
}
