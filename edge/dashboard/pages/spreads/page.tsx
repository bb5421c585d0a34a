/**
 * What lies between the exchanges now: every symbol with its best route, and for one symbol the
 * whole matrix. Only best levels are compared and no guard is asked, and the page says so.
 */
import { useRef } from 'preact/hooks'
import { list } from '../../../../client/answers.ts'
import type { Spread } from '../../../../shared/spread.ts'
import { useParams } from '../../components/navigation.ts'
import { Answered, Card, Nothing, PageHead, Staleness } from '../../components/parts.tsx'
import { useResource } from '../../components/resource.ts'
import type { State } from '../../model/state.ts'
import { HeatMap } from './heat-map.tsx'
import { Quotes } from './quotes.tsx'
import { Symbols } from './symbols.tsx'

/** Together well below what one address may ask in a minute, also with a second tab. */
const LIST_EVERY_MS = 6_000
const MATRIX_EVERY_MS = 3_000

export function SpreadsPage({ state }: { state: State }) {
  const { params } = useParams()
  const best = useResource({
    url: '/v1/spreads?limit=2000',
    every_ms: LIST_EVERY_MS,
    read: list<Spread>,
  })
  // The best one changes all the time; what somebody looks at does not change by itself.
  const first = useRef<string | null>(null)
  first.current ??= best.value?.[0]?.symbol ?? null
  const symbol = params.get('symbol') ?? first.current
  return (
    <>
      <PageHead title="Spreads">
        The net edge between the best prices of every two exchanges. A route that pays here is where
        to look, not yet an opportunity: depth, age and lot sizes are not asked.
      </PageHead>
      <div class="spreads">
        <div class="column">
          {symbol !== null && <OneSymbol symbol={symbol} state={state} />}
          {symbol === null && (
            <Card id="matrix" title="Net edge">
              <Answered resource={best} what="the spreads" title="The spreads">
                {() => <Nothing title="Nothing is quoted on two exchanges" />}
              </Answered>
            </Card>
          )}
        </div>
        <Card
          id="symbols"
          title="Best route per symbol"
          hint={<Staleness resource={best} now_ms={state.now_ms} />}
        >
          <Answered resource={best} what="the symbols" title="The symbols" lines={8}>
            {(spreads) => <Symbols spreads={spreads} chosen={symbol} state={state} />}
          </Answered>
        </Card>
      </div>
    </>
  )
}

function OneSymbol({ symbol, state }: { symbol: string; state: State }) {
  const resource = useResource({
    url: `/v1/spreads?symbol=${encodeURIComponent(symbol)}`,
    every_ms: MATRIX_EVERY_MS,
    read: list<Spread>,
  })
  const { value, refused, is_waiting } = resource
  const spread = is_waiting ? null : (value?.[0] ?? null)
  return (
    <>
      <Card
        id="matrix"
        title={`Net edge of ${symbol}`}
        hint={<Staleness resource={resource} now_ms={state.now_ms} />}
      >
        {refused === 404 || refused === 400 ? (
          <Nothing title={`${symbol} is not watched`}>
            <p>Choose one of the symbols in the list.</p>
          </Nothing>
        ) : (
          <Answered resource={{ ...resource, value: spread }} what="the matrix" title="The matrix">
            {(one) => <HeatMap spread={one} state={state} />}
          </Answered>
        )}
      </Card>
      {spread !== null && (
        <Card id="quotes" title="Best bid and ask">
          <Quotes spread={spread} state={state} />
        </Card>
      )}
    </>
  )
}
