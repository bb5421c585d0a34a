/** The filters of the live table. */
import { FilterBar } from '../../components/filter-bar.tsx'
import { SelectFilter, TextFilter } from '../../components/filters.tsx'
import { TRANSFERS, TYPES } from '../../components/names.ts'
import { FILTERS } from '../../model/filters.ts'
import type { State } from '../../model/state.ts'
import { exchangeOptions } from '../../model/view.ts'

export function LiveFilters({ state }: { state: State }) {
  const symbols = () => {
    const live = [...state.rows.values()].map(({ opportunity }) => opportunity.symbol)
    return [...new Set([...live, ...state.ended.map(({ symbol }) => symbol)])].sort()
  }
  return (
    <FilterBar label="Filters of the live opportunities" names={FILTERS}>
      <TextFilter name="symbol" label="Symbol" placeholder="any" suggestions={symbols} />
      <SelectFilter name="type" label="Type" any="any" options={Object.entries(TYPES)} />
      <SelectFilter name="exchange" label="Exchange" any="any" options={exchangeOptions(state)} />
      <TextFilter name="min_profit_percent" label="Net at least" placeholder="0" unit="%" numeric />
      <TextFilter name="min_volume_usd" label="Size at least" placeholder="0" unit="$" numeric />
      <SelectFilter
        name="transfer"
        label="Transfer"
        any="any"
        options={Object.entries(TRANSFERS)}
      />
    </FilterBar>
  )
}
