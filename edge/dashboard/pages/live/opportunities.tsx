/**
 * The live table. It keeps its order while somebody points into it or walks it by keyboard, so that
 * nothing moves under a finger; what is new joins at the end until they leave.
 */
import { useRef, useState } from 'preact/hooks'
import { count } from '../../../../shared/figures.ts'
import { useKeptFocus, walkRows } from '../../components/keyboard.ts'
import { useParams } from '../../components/navigation.ts'
import { Failure, Loading } from '../../components/parts.tsx'
import { Spacer } from '../../components/spacer.tsx'
import { useSlice } from '../../components/virtual.ts'
import type { Row, State } from '../../model/state.ts'
import { arrange, SORTS, type Sort, type Totals, trouble } from '../../model/view.ts'
import { Callers } from './callers.tsx'
import { useDrawnRows } from './drawn-rows.tsx'
import { Empty } from './empty.tsx'
import { useGlide } from './glide.ts'

interface Props {
  state: State
  totals: Totals
  /** those that pass the filters */
  rows: readonly Row[]
  is_filtered: boolean
}

export function Opportunities({ state, totals, rows: unordered, is_filtered }: Props) {
  const { params, change } = useParams()
  const sort = SORTS.find((one) => one === params.get('sort')) ?? 'detected_at'
  const [pointed, point] = useState(false)
  const section = useRef<HTMLElement>(null)
  const body = useRef<HTMLTableSectionElement>(null)
  const held = pointed || section.current?.querySelector('.row :focus-visible') != null
  const kept = useRef<{ sort: Sort; ids: string[] }>({ sort, ids: [] })
  const rows = arrange(
    unordered,
    sort,
    held && kept.current.sort === sort ? kept.current.ids : null,
  )
  const ids = rows.map((row) => row.opportunity.id)
  kept.current = { sort, ids }
  const slice = useSlice(body, rows.length)
  const drawn = useDrawnRows(rows.slice(slice.first, slice.end), slice.first, state)
  useGlide(body, ids, slice)
  useKeptFocus(section, ids)
  const loaded = state.live_set.heard_ms !== null

  return (
    <section
      ref={section}
      class="card"
      id="opportunities"
      tabIndex={-1}
      aria-labelledby="opportunities-title"
      onPointerEnter={() => point(true)}
      onPointerLeave={() => point(false)}
    >
      <div class="card-head">
        <h3 id="opportunities-title">Live opportunities</h3>
        <p class="hint">{hint(state, held, rows.length, totals.live)}</p>
        <Callers state={state} />
      </div>
      {rows.length > 0 && (
        <table
          class="table"
          aria-labelledby="opportunities-title"
          aria-rowcount={rows.length + 1}
          data-testid="opportunities"
        >
          <Head sort={sort} onSort={(next) => change({ sort: next === sort ? null : next })} />
          <tbody ref={body} onKeyDown={walkRows}>
            <Spacer height_px={slice.above_px} columns={7} />
            {drawn}
            <Spacer height_px={slice.below_px} columns={7} />
          </tbody>
        </table>
      )}
      {rows.length === 0 && loaded && (
        <Empty state={state} totals={totals} is_filtered={is_filtered} />
      )}
      {rows.length === 0 && !loaded && state.live_set.failure === null && (
        <Loading what="the live opportunities" />
      )}
      {rows.length === 0 && !loaded && state.live_set.failure !== null && (
        <Failure what="The live opportunities" reason={state.live_set.failure} />
      )}
    </section>
  )
}

function hint(state: State, held: boolean, shown: number, live: number): string {
  if (trouble(state) !== 'none') return 'Last known state'
  if (held && shown > 0) return 'Order held while you read'
  return shown < live ? `${count(shown)} of ${count(live)} shown` : 'Net of taker fees'
}

function Head({ sort, onSort }: { sort: Sort; onSort: (sort: Sort) => void }) {
  const sortable = (key: Sort, name: string, extra: string) => (
    <th scope="col" class={`number ${extra}`} aria-sort={sort === key ? 'descending' : undefined}>
      <button type="button" class="sort" onClick={() => onSort(key)}>
        {name}
      </button>
    </th>
  )
  return (
    <thead>
      <tr>
        <th scope="col" class="col-symbol">
          Symbol
        </th>
        <th scope="col" class="col-route wide">
          Buy and sell at
        </th>
        {sortable('profit_percent', 'Net %', 'col-net')}
        <th scope="col" class="col-trend widest">
          Trend
        </th>
        {sortable('volume_usd', 'Size', 'col-size wider')}
        {sortable('profit_usd', 'Profit', 'col-profit')}
        {sortable('detected_at', 'Age', 'col-age wide')}
      </tr>
    </thead>
  )
}
