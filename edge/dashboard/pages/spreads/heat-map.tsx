/** Buy in the row, sell in the column: a table that is coloured, so that it can also be read out. */
import type { Spread } from '../../../../shared/spread.ts'
import { Nothing } from '../../components/parts.tsx'
import { percent } from '../../model/format.ts'
import { matrixOf, warmth } from '../../model/spreads.ts'
import type { State } from '../../model/state.ts'
import { exchangeName } from '../../model/view.ts'

export function HeatMap({ spread, state }: { spread: Spread; state: State }) {
  const { exchanges, cell } = matrixOf(spread)
  if (exchanges.length < 2) {
    return (
      <Nothing title="There is nothing to compare">
        <p>Only one exchange quotes {spread.symbol}.</p>
      </Nothing>
    )
  }
  return (
    <div class="heat-frame">
      <table class="heat" data-testid="heat-map">
        <caption class="hidden">Net edge in percent: buy on the row, sell on the column</caption>
        <thead>
          <tr>
            <td class="heat-corner">buy ↓ sell →</td>
            {exchanges.map((sell) => (
              <th key={sell} scope="col">
                {exchangeName(state, sell)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {exchanges.map((buy) => (
            <tr key={buy}>
              <th scope="row">{exchangeName(state, buy)}</th>
              {exchanges.map((sell) => {
                const route = cell(buy, sell)
                if (route === null) {
                  return (
                    <td key={sell} class="heat-none">
                      <span class="hidden">{buy === sell ? 'the same' : 'not live'}</span>
                    </td>
                  )
                }
                return (
                  <td key={sell} class={`heat-cell heat-${warmth(route.net_percent)}`}>
                    {route.net_percent === null ? 'fee unknown' : `${percent(route.net_percent)}%`}
                    <span class="under">gross {percent(route.gross_percent)}%</span>
                  </td>
                )
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
