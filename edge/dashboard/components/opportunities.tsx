/**
 * The live table. It keeps its order while somebody points into it or walks it by keyboard, so that
 * nothing moves under a finger; what is new joins at the end until they leave.
 */
import { useRef, useState } from 'preact/hooks'
import type { State } from '../model/state.ts'
import { arrange, type Sort, type Totals, trouble } from '../model/view.ts'
import { Empty, LoadFailure, Loading } from './empty.tsx'
import { useKeptFocus, walkRows } from './keyboard.ts'
import { OpportunityRow } from './opportunity-row.tsx'

interface Props {
  state: State
  totals: Totals
  onToggle: (id: string) => void
}

export function Opportunities({ state, totals, onToggle }: Props) {
  const [sort, setSort] = useState<Sort>('detected_at')
  const [pointed, point] = useState(false)
  const table = useRef<HTMLElement>(null)
  const focused = table.current?.querySelector('.row :focus-visible') != null
  const reading = [...state.opened].some((id) => state.rows.has(id))
  const held = pointed || focused || reading
  const order = useRef<string[]>([])
  const rows = arrange([...state.rows.values()], sort, held ? order.current : null)
  order.current = rows.map((row) => row.opportunity.id)
  useKeptFocus(table, order.current)
  const choose = (next: Sort) => {
    order.current = []
    setSort(next === sort ? 'detected_at' : next)
  }
  const loaded = state.live_set.heard_ms !== null

  return (
    <section
      ref={table}
      class="card"
      id="opportunities"
      tabIndex={-1}
      aria-labelledby="opportunities-title"
      onPointerEnter={() => point(true)}
      onPointerLeave={() => point(false)}
    >
      <div class="card-head">
        <h2 id="opportunities-title">Live opportunities</h2>
        <p class="hint">{hint(state, held && rows.length > 0)}</p>
      </div>
      {rows.length > 0 && (
        <table class="table" aria-labelledby="opportunities-title" data-testid="opportunities">
          <Head sort={sort} onSort={choose} />
          <tbody onKeyDown={walkRows}>
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

function hint(state: State, held: boolean): string {
  if (trouble(state) !== 'none') return 'Last known state'
  return held ? 'Order held while you read' : 'Net of taker fees'
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
        <th scope="col" class="number wider">
          Size
        </th>
        {sortable('profit_usd', 'Profit')}
        {sortable('detected_at', 'Age', 'wide')}
      </tr>
    </thead>
  )
}
