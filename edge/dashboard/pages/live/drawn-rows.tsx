/**
 * The rows of the table as they are drawn. Most of them are the same as a moment ago: the very same
 * node is given back then, and nothing of it is looked at again.
 */
import type { VNode } from 'preact'
import { useRef } from 'preact/hooks'
import { elapsed } from '../../../../shared/figures.ts'
import { useParams } from '../../components/navigation.ts'
import type { Row, State } from '../../model/state.ts'
import { ageOf_ms, exchangesOf } from '../../model/view.ts'
import { OpportunityRow } from './opportunity-row.tsx'

/** So long is marked what changed. */
const NEWS_MS = 900

interface Drawn {
  /** what the node was made of */
  readonly of: readonly unknown[]
  readonly node: VNode
}

/** `first` is the place of the first of them among all rows. */
export function useDrawnRows(rows: readonly Row[], first: number, state: State): VNode[] {
  const { params, href } = useParams()
  const before = useRef<ReadonlyMap<string, Drawn>>(new Map())
  const opened = params.get('open')
  const exchanges = exchangesOf(state)
  const drawn = rows.map((row, index): [string, Drawn] => {
    const { id } = row.opportunity
    const place = first + index
    const is_open = opened === id
    const is_news = row.ended_ms === null && state.now_ms - row.heard_ms < NEWS_MS
    const age = row.ended_ms === null ? elapsed(ageOf_ms(row.opportunity, state)) : 'ended'
    const of = [row, place, is_open, is_news, age, exchanges, params]
    const held = before.current.get(id)
    if (held?.of.every((value, at) => value === of[at])) return [id, held]
    const link = href({ open: id })
    const node = (
      <OpportunityRow
        key={id}
        row={row}
        exchanges={exchanges}
        age={age}
        is_news={is_news}
        place={place}
        href={link}
        is_open={is_open}
      />
    )
    return [id, { of, node }]
  })
  before.current = new Map(drawn)
  return drawn.map(([, { node }]) => node)
}
