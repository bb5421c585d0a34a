/** Every exchange as the worker sees it: does it speak, can its books be trusted, what does it cost. */
import { Answered, Nothing, PageHead, Staleness } from '../../components/parts.tsx'
import { EVERY_SAMPLE_S } from '../../model/samples.ts'
import { SAMPLES_MAX, type State } from '../../model/state.ts'
import { isWorkerDead } from '../../model/view.ts'
import { ExchangeCard } from './exchange-card.tsx'

export function ExchangesPage({ state }: { state: State }) {
  const dead = isWorkerDead(state)
  return (
    <>
      <PageHead title="Exchanges">
        What the worker hears from each exchange. The small charts hold the last{' '}
        {(SAMPLES_MAX * EVERY_SAMPLE_S) / 60} minutes, since this page was opened.{' '}
        <Staleness resource={state.exchanges} now_ms={state.now_ms} />
      </PageHead>
      <Answered resource={state.exchanges} what="the exchanges" title="The exchanges">
        {(exchanges) =>
          exchanges.size === 0 ? (
            <Nothing title="No exchange has reported yet">
              <p>The worker writes what it hears once a second, as soon as it runs.</p>
            </Nothing>
          ) : (
            <ul class="exchange-cards">
              {[...exchanges.values()].map((exchange) => (
                <ExchangeCard
                  key={exchange.id}
                  exchange={exchange}
                  samples={state.samples.get(exchange.id) ?? []}
                  dead={dead}
                  state={state}
                />
              ))}
            </ul>
          )
        }
      </Answered>
    </>
  )
}
