/** What almost qualified, and which guard refused it, in words: why the live table is not longer. */
import { list } from '../../../../client/answers.ts'
import { count } from '../../../../shared/figures.ts'
import type { NearMiss } from '../../../../shared/near-miss.ts'
import { FilterBar } from '../../components/filter-bar.tsx'
import { SelectFilter, TextFilter } from '../../components/filters.tsx'
import { TYPES } from '../../components/names.ts'
import { useParams } from '../../components/navigation.ts'
import { Answered, Card, Nothing, PageHead, Staleness } from '../../components/parts.tsx'
import { useResource } from '../../components/resource.ts'
import { countByGuard, GUARD_NAMES, guardName } from '../../model/guards.ts'
import type { State } from '../../model/state.ts'
import { exchangeOptions } from '../../model/view.ts'
import { Miss } from './miss.tsx'

const EVERY_MS = 5_000
const SHOWN = 200
const NAMES = ['guard', 'symbol', 'exchange', 'type']

export function NearMissesPage({ state }: { state: State }) {
  const { params, href } = useParams()
  const query = new URLSearchParams({ limit: String(SHOWN) })
  for (const name of NAMES) {
    const value = params.get(name)
    if (value !== null && value !== '') query.set(name, value)
  }
  const resource = useResource({
    url: `/v1/near-misses?${query}`,
    every_ms: EVERY_MS,
    read: list<NearMiss>,
  })
  return (
    <>
      <PageHead title="Near misses">
        Chains that would have paid, or nearly, and the guard that held them back. An entry is an
        episode, not a tick.
      </PageHead>
      <FilterBar label="Filters of the near misses" names={NAMES}>
        <SelectFilter
          name="guard"
          label="Refused by"
          any="any"
          options={Object.entries(GUARD_NAMES)}
        />
        <TextFilter name="symbol" label="Symbol" placeholder="BTC/USDT" is_asked />
        <SelectFilter name="exchange" label="Exchange" any="any" options={exchangeOptions(state)} />
        <SelectFilter name="type" label="Type" any="any" options={Object.entries(TYPES)} />
      </FilterBar>
      <Card
        id="misses"
        title="Refused, newest first"
        hint={<Staleness resource={resource} now_ms={state.now_ms} />}
        class={resource.is_waiting ? 'is-waiting' : ''}
      >
        <Answered resource={resource} what="the near misses" title="The near misses" lines={6}>
          {(misses) => (
            <>
              {misses.length === 0 && <None is_filtered={query.size > 1} />}
              <ul class="guards" aria-label="How often each guard refused">
                {countByGuard(misses).map(([guard, times]) => (
                  <li key={guard}>
                    <a class="guard" href={href({ guard })}>
                      {guardName(guard)} <b>{count(times)}</b>
                    </a>
                  </li>
                ))}
              </ul>
              <ul class="misses" data-testid="misses">
                {misses.map((miss) => (
                  <Miss key={miss.id} miss={miss} state={state} />
                ))}
              </ul>
            </>
          )}
        </Answered>
      </Card>
    </>
  )
}

function None({ is_filtered }: { is_filtered: boolean }) {
  return is_filtered ? (
    <Nothing title="Nothing like that was refused lately">
      <p>The filters may be narrower than what happened.</p>
    </Nothing>
  ) : (
    <Nothing title="Nothing was refused lately">
      <p>Either no prices came close to each other, or the worker does not run.</p>
    </Nothing>
  )
}
