/** Every symbol that two exchanges quote, with its best route; a choice is a link. */
import { useRef } from 'preact/hooks'
import type { Route, Spread } from '../../../../shared/spread.ts'
import { TextFilter } from '../../components/filters.tsx'
import { walkRows } from '../../components/keyboard.ts'
import { useParams } from '../../components/navigation.ts'
import { Nothing } from '../../components/parts.tsx'
import { useSlice } from '../../components/virtual.ts'
import { percent } from '../../model/format.ts'
import { matching, warmth } from '../../model/spreads.ts'
import type { State } from '../../model/state.ts'
import { exchangeName } from '../../model/view.ts'

interface Props {
  spreads: readonly Spread[]
  chosen: string | null
  state: State
}

export function Symbols({ spreads, chosen, state }: Props) {
  const { params, href } = useParams()
  const body = useRef<HTMLUListElement>(null)
  const shown = matching(spreads, params.get('q') ?? '')
  const slice = useSlice(body, shown.length)
  return (
    <>
      <search class="filters filters-inside" aria-label="Find a symbol">
        <TextFilter name="q" label="Find" placeholder="BTC" />
      </search>
      {shown.length === 0 && (
        <Nothing title={spreads.length === 0 ? 'Nothing is quoted twice' : 'No symbol like that'} />
      )}
      <ul ref={body} class="symbols" data-testid="symbols" onKeyDown={walkRows}>
        <li class="spacer" aria-hidden="true" style={{ height: `${slice.above_px}px` }} />
        {shown.slice(slice.first, slice.end).map(({ symbol, routes: [route] }) => (
          <li key={symbol} class="row" data-open={symbol === chosen}>
            <a class="row-link" href={href({ symbol })} aria-current={symbol === chosen}>
              <span class="symbol">{symbol}</span>
            </a>
            {route !== undefined && <Best route={route} state={state} />}
          </li>
        ))}
        <li class="spacer" aria-hidden="true" style={{ height: `${slice.below_px}px` }} />
      </ul>
    </>
  )
}

function Best({ route, state }: { route: Route; state: State }) {
  const { buy_exchange, sell_exchange, net_percent } = route
  return (
    <>
      <span class="symbols-route">
        {exchangeName(state, buy_exchange)} → {exchangeName(state, sell_exchange)}
      </span>
      <span class={`symbols-net heat-${warmth(net_percent)}`}>
        {net_percent === null ? 'fee unknown' : `${percent(net_percent)}%`}
      </span>
    </>
  )
}
