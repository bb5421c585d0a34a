/** What there was, how long it lived, and how much of it was real for whoever came later. */
import { useState } from 'preact/hooks'
import { count } from '../../../../shared/figures.ts'
import { FilterBar } from '../../components/filter-bar.tsx'
import { SelectFilter, TextFilter } from '../../components/filters.tsx'
import { Icon } from '../../components/icons.tsx'
import { TRANSFERS, TYPES } from '../../components/names.ts'
import { useParams } from '../../components/navigation.ts'
import { Answered, Card, PageHead, Staleness } from '../../components/parts.tsx'
import { type Resource, useResource } from '../../components/resource.ts'
import { allStats, historyPage, statsOf } from '../../model/answers.ts'
import { FILTERS, filtersOf } from '../../model/filters.ts'
import {
  HOUR_MS,
  hourBins,
  partBins,
  partsOf,
  queryOf,
  RANGES,
  rangeOf,
  spanOf,
} from '../../model/history.ts'
import type { State } from '../../model/state.ts'
import { exchangeOptions, serverNow_ms } from '../../model/view.ts'
import { Lifetimes } from './lifetimes.tsx'
import { Past } from './past.tsx'
import { Survival } from './survival.tsx'
import { TimeChart } from './time-chart.tsx'
import { Totals } from './totals.tsx'

/** The newest of the range, for what the API does not sum up: one page of its history. */
const SAMPLE = 500

export function HistoryPage({ state }: { state: State }) {
  const { params, href } = useParams()
  const filters = filtersOf(params)
  const range = rangeOf(params)
  // The range stands still while it is looked at, until "Update" or another question.
  const [asked_ms, askAgain] = useState(() => serverNow_ms(state))
  const span = spanOf(range, asked_ms)
  const query = queryOf(filters, span).toString()
  const stats = useResource({
    url: `/v1/stats?${query}&by=hour&limit=5000`,
    every_ms: null,
    read: statsOf,
  })
  const sample = useResource({
    url: `/v1/history?${query}&limit=${SAMPLE}`,
    every_ms: null,
    read: historyPage,
  })
  const is_fine = range.bin_ms < HOUR_MS
  const parts = useResource({
    url: is_fine
      ? partsOf(span, range.bin_ms).map((part) => `/v1/stats?${queryOf(filters, part)}&by=type`)
      : null,
    every_ms: null,
    read: allStats,
  })
  const bins = is_fine
    ? parts.value && partBins(parts.value, range.bin_ms)
    : stats.value && hourBins(stats.value.data, span)
  const newest = sample.value?.data
  const total = stats.value?.total?.count ?? 0
  const part =
    newest !== undefined && total > newest.length
      ? `the newest ${count(newest.length)} of ${count(total)}`
      : undefined
  const is_waiting = stats.is_waiting || sample.is_waiting || (is_fine && parts.is_waiting)
  const chart: Resource<unknown> = is_fine ? parts : stats

  return (
    <>
      <PageHead title="History">
        Opportunities that are over. How many there were matters less than how many were still there
        a moment later.
      </PageHead>
      <div class="filters">
        <nav class="segments" aria-label="Range">
          {RANGES.map(({ id, name }) => (
            <a
              key={id}
              href={href({ range: id === '24h' ? null : id })}
              aria-current={id === range.id ? 'true' : undefined}
            >
              {name}
            </a>
          ))}
        </nav>
        <div class="callers">
          <button type="button" class="toggle" onClick={() => askAgain(serverNow_ms(state))}>
            Update
          </button>
          <a class="toggle" href={`/v1/history?${query}&format=csv`} download>
            <Icon name="download" />
            CSV
          </a>
        </div>
      </div>
      <FilterBar label="Filters of the history" names={FILTERS}>
        <TextFilter name="symbol" label="Symbol" placeholder="BTC/USDT" is_asked />
        <SelectFilter name="type" label="Type" any="any" options={Object.entries(TYPES)} />
        <SelectFilter name="exchange" label="Exchange" any="any" options={exchangeOptions(state)} />
        <TextFilter
          name="min_profit_percent"
          label="Net at least"
          placeholder="0"
          unit="%"
          numeric
          is_asked
        />
        <TextFilter
          name="min_volume_usd"
          label="Size at least"
          placeholder="0"
          unit="$"
          numeric
          is_asked
        />
        <SelectFilter
          name="transfer"
          label="Transfer"
          any="any"
          options={Object.entries(TRANSFERS)}
        />
      </FilterBar>
      <div class={is_waiting ? 'column is-waiting' : 'column'} aria-busy={is_waiting}>
        <Answered resource={stats} what="the sums" title="The sums">
          {({ total: sums }) => <Totals sums={sums} />}
        </Answered>
        <Card
          id="time"
          title="Count and median net profit over time"
          hint={<Staleness resource={chart} now_ms={state.now_ms} />}
        >
          <Answered resource={chart} what="the chart" title="The chart">
            {() => bins !== null && <TimeChart bins={bins} bin_ms={range.bin_ms} />}
          </Answered>
        </Card>
        <div class="halves">
          <Card id="survival" title="Still there after" hint="share that would still have paid">
            <Answered resource={stats} what="the markouts" title="The markouts">
              {({ total: sums }) => <Survival sums={sums} />}
            </Answered>
          </Card>
          <Card id="lifetimes" title="How long they lived" hint={part}>
            <Answered resource={sample} what="the lifetimes" title="The lifetimes">
              {({ data }) => <Lifetimes opportunities={data} />}
            </Answered>
          </Card>
        </div>
        <Card id="past" title="One by one" hint={part}>
          <Answered resource={sample} what="the history" title="The history" lines={8}>
            {(page) => <Past key={query} first={page} query={query} state={state} />}
          </Answered>
        </Card>
      </div>
    </>
  )
}
