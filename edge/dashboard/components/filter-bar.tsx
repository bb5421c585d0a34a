/** The filters of a page: in a row on a desk, behind one line on a phone, where they would fill it. */
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { ClearFilters } from './filters.tsx'
import { useParams } from './navigation.ts'

const NARROW = matchMedia('(max-width: 760px)')

interface Props {
  label: string
  /** the parameters that are filters, to count them and to clear them */
  names: readonly string[]
  children: ComponentChildren
}

export function FilterBar({ label, names, children }: Props) {
  const { params } = useParams()
  const [narrow, setNarrow] = useState(NARROW.matches)
  useEffect(() => {
    const look = () => setNarrow(NARROW.matches)
    NARROW.addEventListener('change', look)
    return () => NARROW.removeEventListener('change', look)
  }, [])
  const set = names.filter((name) => params.has(name)).length
  const filters = (
    <search class="filters" aria-label={label}>
      {children}
      <ClearFilters names={names} />
    </search>
  )
  if (!narrow) return filters
  return (
    <details class="filter-bar">
      <summary>Filters {set > 0 && <span class="chip">{set}</span>}</summary>
      {filters}
    </details>
  )
}
