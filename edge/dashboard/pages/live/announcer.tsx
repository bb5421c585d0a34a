/** Tells screen readers what is new, at most every few seconds: a table that talks is unusable. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { percent } from '../../model/format.ts'
import type { State } from '../../model/state.ts'

const SPEAK_EVERY_MS = 10_000

export function Announcer({ state }: { state: State }) {
  const [words, speak] = useState('')
  const known = useRef<ReadonlySet<string>>(new Set())
  const spoke_ms = useRef(0)

  useEffect(() => {
    if (state.now_ms - spoke_ms.current < SPEAK_EVERY_MS) return
    const fresh = [...state.rows.values()].filter(
      ({ opportunity, ended_ms }) => ended_ms === null && !known.current.has(opportunity.id),
    )
    known.current = new Set(state.rows.keys())
    const [first, ...others] = fresh
    if (first === undefined) return
    spoke_ms.current = state.now_ms
    const { symbol, profit_percent } = first.opportunity
    const more = others.length > 0 ? `, and ${others.length} more` : ''
    speak(`New: ${symbol}, ${percent(profit_percent)} percent net${more}`)
  }, [state])

  return (
    <p class="hidden" role="status">
      {words}
    </p>
  )
}
