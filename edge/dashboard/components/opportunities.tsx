/**
 * The live table. It keeps its order while somebody points into it or walks it by keyboard, so that
 * nothing moves under a finger; what is new joins at the end until they leave.
 */
import { useRef, useState } from 'preact/hooks'
import type { State } from '../model/state.ts'
import { arrange, type Sort, type Totals } from '../model/view.ts'
import { Empty, LoadFailure, Loading } from './empty.tsx'
import { OpportunityRow } from './opportunity-row.tsx'

interface Props {
  state: State
  totals: Totals
  onToggle: (id: string) => void
}

export function Opportunities({ state, totals, onToggle }: Props) {
  const [sort, setSort] = useState<Sort>('detected_at')
  const [held, hold] = useState(false)
  const order = useRef<string[]>([])
  const rows = arrange([...state.rows.values()], sort, held ? order.current : null)
  order.current = rows.map((row) => row.opportunity.id)
  const choose = (next: Sort) => {
    order.current = []
    setSort(next === sort ? 'detected_at' : next)
  }
  const loaded = state.live_set.heard_ms !== null

  return (
    <section class="card" id="opportunities" tabIndex={-1} aria-labelledby="opportunities-title">
      <div class="card-head">
        <h2 id="opportunities-title">Live opportunities</h2>
        <p class="hint">
          {held && rows.length > 0 ? 'Order held while you read' : 'Net of taker fees'}
        </p>
      </div>
      {rows.length > 0 && (
        <table class="table" aria-labelledby="opportunities-title" data-testid="opportunities">
          <Head sort={sort} onSort={choose} />
          <tbody
            onPointerEnter={() => hold(true)}
            onPointerLeave={() => hold(false)}
            onFocusIn={() => hold(true)}
            onFocusOut={() => hold(false)}
            onKeyDown={walk}
          >
            {rows.map((row) => (
              <OpportunityRow
                key={row.opportunity.id}
                row={row}
                state={state}
                opened={state.opened.has(row.opportunity.id)}
                onToggle={onToggle}
              />
            ))}
          </tbody>
        </table>
      )}
      {rows.length === 0 && loaded && <Empty state={state} totals={totals} />}
      {rows.length === 0 && !loaded && state.live_set.failure === null && <Loading />}
      {rows.length === 0 && !loaded && state.live_set.failure !== null && (
        <LoadFailure reason={state.live_set.failure} />
      )}
    </section>
  )
}

function Head({ sort, onSort }: { sort: Sort; onSort: (sort: Sort) => void }) {
  const sortable = (key: Sort, name: string, extra = '') => (
    <th scope="col" class={`number ${extra}`} aria-sort={sort === key ? 'descending' : undefined}>
      <button type="button" class="sort" onClick={() => onSort(key)}>
        {name}
      </button>
    </th>
  )
  return (
    <thead>
      <tr>
        <th scope="col">Symbol</th>
        <th scope="col" class="wide">
          Buy and sell at
        </th>
        {sortable('profit_percent', 'Net %')}
        <th scope="col" class="widest">
          Trend
        </th>
        <th scope="col" class="number wide">
          Size
        </th>
        {sortable('profit_usd', 'Profit')}
        {sortable('detected_at', 'Age', 'wide')}
      </tr>
    </thead>
  )
}

/** Up and down go from row to row, Escape closes the one that is open. */
function walk(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const buttons = [...event.currentTarget.querySelectorAll<HTMLElement>('.disclose')]
  const at = buttons.findIndex((button) => button.matches(':focus'))
  if (at < 0) return
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (step !== undefined) {
    event.preventDefault()
    buttons[at + step]?.focus()
  } else if (event.key === 'Escape' && buttons[at]?.getAttribute('aria-expanded') === 'true') {
    buttons[at]?.click()
  }
}
